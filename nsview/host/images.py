"""The image that a container stands on, and whose ids its files bear."""

from __future__ import annotations

import os
import re

from nsview.engines.disk import DiskStore
from nsview.engines.image_files import ImageFiles, read_image_files
from nsview.host.host import Host
from nsview.host.model import Container
from nsview.host.stacks import read_stored
from nsview.host.users import read_users
from nsview.kernel.idmap import IdRange, parse_id_map
from nsview.kernel.safe_open import read_below
from nsview.kernel.subordinate_ids import Range, map_of_user, parse_ranges
from nsview.layers.layer_tar import Owners
from nsview.typed import Final

#: dockerd --userns-remap keeps its things below ``<data root>/<uid>.<gid>``, its first ids.
_REMAPPED: Final = re.compile(r".*/([0-9]{1,10})\.([0-9]{1,10})")
#: What docker and podman take of /etc/subuid for a user: all it has; 65536 is adduser's measure.
_USUAL_COUNT: Final = 65536


def read_image(host: Host, container: Container) -> ImageFiles | None:
    """What the container's engine keeps of its image; None where nothing does."""
    stored = read_stored(host, container)
    stores = [store for store in host.stores if isinstance(store, DiskStore)]
    store = next((one for one in stores if one.home == container.home), None)
    if stored is None or store is None:
        return None
    return read_image_files(stores, store, stored)


def read_owners(host: Host, container: Container) -> Owners:
    """How ids on disk are called inside the container; none where both are the same."""
    if container.engine == "nsview" and not container.owner:
        return Owners()  # its layers are mounted with their owners mapped
    if container.pid is not None:
        return Owners(
            uids=_read_map(host, container.pid, "uid_map"),
            gids=_read_map(host, container.pid, "gid_map"),
        )
    if container.owner:
        return _rootless(container.owner, container.home or "/")
    remapped = _REMAPPED.fullmatch(container.home or "")
    if remapped is None:
        return Owners()
    uid, gid = int(remapped[1]), int(remapped[2])
    return Owners(
        uids=(IdRange(0, uid, _USUAL_COUNT),),
        gids=(IdRange(0, gid, _USUAL_COUNT),),
    )


def _read_map(host: Host, pid: int, name: str) -> tuple[IdRange, ...]:
    try:
        return parse_id_map(host.procfs.read(pid, name) or b"")
    except (PermissionError, ValueError):
        return ()


def _rootless(uid: int, home: str) -> Owners:
    """A rootless engine's user is root inside; from 1 on, the user's subordinate ids follow."""
    name = next((user.name for user in read_users() if user.uid == uid), "")
    try:
        gid = os.stat(home).st_gid
    except OSError:
        gid = uid
    return Owners(
        uids=map_of_user(uid, _subordinate("/etc/subuid", name, uid)),
        gids=map_of_user(gid, _subordinate("/etc/subgid", name, uid)),
    )


def _subordinate(path: str, name: str, uid: int) -> list[Range]:
    ranges = parse_ranges(read_below("/", path) or b"")
    return [one for one in ranges if one.owner in (name, str(uid))]
