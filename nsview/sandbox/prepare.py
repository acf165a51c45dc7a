"""All of a sandbox that is on the host before it is launched, and the orders to do so."""

from __future__ import annotations

import os

from nsview.light import ExitStack
from nsview.named_tuple import NamedTuple
from nsview.sandbox.cgroups import Groups, make_groups
from nsview.sandbox.etc import files_of_etc
from nsview.sandbox.layers import Layers, prepare_layers
from nsview.sandbox.process import with_process
from nsview.sandbox.spec import Spec
from nsview.sandbox.state import Place, remains_of, write_config
from nsview.typed import TYPE_CHECKING, Final, Iterator

if TYPE_CHECKING:
    from nsview.sandbox.network import Network
    from nsview.sandbox.orders import CgroupMount, Orders
    from nsview.sandbox.subordinate import Ids

_OPEN: Final = os.O_PATH | os.O_CLOEXEC


class Prepared(NamedTuple):
    """What there is of it."""

    spec: Spec
    """With the layers and the process of its image."""
    place: Place
    layers: Layers
    groups: Groups
    network: Network | None
    ids: Ids | None
    user_namespace: int
    """Descriptor of the one that somebody without rights has made for it; -1: there is none yet."""
    lost: tuple[str, ...]
    """What of its image could not be unpacked as it is, in words."""

    @property
    def hostname(self) -> str:
        """Its own name for itself."""
        return hostname_of(self.spec, self.place)

    @property
    def lacking(self) -> list[str]:
        """What the host does not allow, in words."""
        missing = self.network.lacking if self.network is not None else ()
        return [*self.groups.refused, *missing, *self.lost]


def hostname_of(spec: Spec, place: Place) -> str:
    """The one that was asked for, or the start of its id."""
    return spec.hostname or place.id[:12]


def prepare(spec: Spec, place: Place, stack: ExitStack) -> Prepared:
    """Claim and make it all; `stack` closes what is open. Raises `NsviewError`."""
    network = _prepare_network(spec, place, stack)
    ids, user_namespace = _choose_ids(spec, place, stack)
    lost: tuple[str, ...] = ()
    if spec.archive is not None:
        spec, lost = _unpacked(spec, place, user_namespace)
    etc = files_of_etc(spec, hostname_of(spec, place), network)
    layers = prepare_layers(spec, place, etc, stack)
    write_config(place, _config(spec, layers, network))
    groups = make_groups(place.id, spec.limits)
    return Prepared(
        spec=spec,
        place=place,
        layers=layers,
        groups=groups,
        network=network,
        ids=ids,
        user_namespace=user_namespace,
        lost=(*lost, *_strangers(spec, ids)),
    )


def _strangers(spec: Spec, ids: Ids | None) -> Iterator[str]:
    """Layers whose owner has no id inside; root has all layers mapped."""
    if ids is None or os.geteuid() == 0:
        return
    for one in spec.lower:
        if not ids.has_outer_uid(os.stat(one.path).st_uid):
            yield f"{one.path} is another user's: it can be read as others may, and not changed"


def _choose_ids(spec: Spec, place: Place, stack: ExitStack) -> tuple[Ids | None, int]:
    if not spec.user_namespace:
        return None, -1
    if os.geteuid() == 0:
        from nsview.sandbox.subordinate import choose_ids

        return choose_ids(place.id), -1
    from nsview.sandbox.rootless import make_own_namespace

    made = make_own_namespace()
    stack.callback(os.close, made.fd)
    return made.ids, made.fd


def _unpacked(spec: Spec, place: Place, user_namespace: int) -> tuple[Spec, tuple[str, ...]]:
    """The spec on the layers of its image, among those that are the sandbox's own."""
    from nsview.sandbox.image import read_image, unpack_image, unpack_image_in

    assert spec.archive is not None
    image = read_image(spec.archive)
    lost: tuple[str, ...] = ()
    if user_namespace < 0:
        lower = unpack_image(image, place.layers)
    else:
        lower, lost = unpack_image_in(user_namespace, image, place.layers)
    name = image.reference or os.path.basename(spec.archive)
    return with_process(spec._replace(lower=lower, image=name), image.process), lost


def _prepare_network(spec: Spec, place: Place, stack: ExitStack) -> Network | None:
    if spec.network != "veth":
        return None
    from nsview.sandbox.network import prepare_network  # takes long

    return prepare_network(spec, place, stack)


def _config(spec: Spec, layers: Layers, network: Network | None) -> dict[str, object]:
    return {
        "image": spec.image,
        "command": list(spec.command),
        "layers": layers.describe(),
        "upper": layers.upper,
        "network": spec.network,
        **(network.describe() if network is not None else {}),
        "remove": spec.remove,
    }


def make_orders(prepared: Prepared, stack: ExitStack) -> Orders:
    """What the launching process is to do; the streams are missing yet. `stack` closes all."""
    spec, place, layers = prepared.spec, prepared.place, prepared.layers
    network, ids = prepared.network, prepared.ids
    uid_map, gid_map = (b"", b"") if ids is None else ids.maps

    def hold(path: str, flags: int) -> int:
        fd = os.open(path, flags)
        stack.callback(os.close, fd)
        return fd

    staging = f"{place.state}/root"
    os.mkdir(staging)  # nobody gets to it but by the working directory
    return {
        "status": -1,
        "go": -1,
        "locks": [place.lock, *([layers.lock] if layers.lock is not None else [])],
        "state": hold(place.state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC),
        "held": list(network.held) if network is not None else [],
        "staging": os.fsencode(staging),
        "detached": spec.detached,
        "terminal": spec.terminal,
        "stdio": (-1, -1, -1),
        "init": spec.init,
        "cgroups": [
            (directory, version, hold(directory, _OPEN | os.O_DIRECTORY))
            for directory, version in prepared.groups.directories
        ],
        "cgroup_mounts": list(_cgroup_mounts(prepared.groups)),
        "lower": list(layers.lower_fds),
        "writable": layers.writable_fd,
        "upper": os.fsencode(os.path.basename(layers.upper or "")),
        "work": os.fsencode(os.path.basename(layers.work)),
        "hostname": os.fsencode(prepared.hostname),
        "own_network": spec.network != "host",
        "rootless": os.geteuid() != 0,
        "paths": list(map(os.fsencode, _paths(prepared))),
        "uid_map": uid_map,
        "gid_map": gid_map,
        "user_namespace": prepared.user_namespace,
        "one_user": ids is not None and ids.is_one_user,
        "time_offset": spec.time_offset,
        "binds": [
            {
                "source": hold(one.source, _OPEN),
                "target": os.fsencode(one.target),
                "read_only": one.read_only,
            }
            for one in spec.binds
        ],
        "tmpfs": list(map(os.fsencode, spec.tmpfs)),
        "bounding": spec.capabilities,
        "remove": spec.remove,
        "remains": remains_of(place.id),
    }


def _paths(prepared: Prepared) -> Iterator[str]:
    layers = prepared.layers
    yield from (one.path for one in layers.lower)
    if layers.upper is not None:
        yield os.path.dirname(layers.upper)
    yield from (one.source for one in prepared.spec.binds)


def _cgroup_mounts(groups: Groups) -> Iterator[CgroupMount]:
    for name, hierarchy, controllers in groups.mounts:
        options: list[tuple[bytes, bytes | None]] = []
        for word in filter(None, controllers.split(",")):
            key, equals, value = word.partition("=")
            if equals:
                options.append((b"none", None))
            options.append((key.encode(), value.encode() if equals else None))
        kind = b"cgroup2" if hierarchy.version == 2 else b"cgroup"
        yield {"name": os.fsencode(name), "kind": kind, "options": options}


def descriptors_of(orders: Orders) -> Iterator[int]:
    """Those that the launching process gets."""
    yield from (orders["go"], orders["state"], *orders["stdio"])
    yield from (*orders["locks"], *orders["lower"], *orders["held"])
    yield from (fd for *_, fd in orders["cgroups"])
    yield from (one["source"] for one in orders["binds"])
    yield from (fd for fd in (orders["writable"], orders["user_namespace"]) if fd >= 0)
