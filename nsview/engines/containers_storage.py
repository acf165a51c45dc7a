"""Containers of podman, CRI-O and buildah: all three keep them in a containers/storage graph root.

``<graphroot>/<driver>-containers/{containers,volatile-containers}.json`` list them; with transient
storage the volatile list is below the run root. What a container is for stands in its `metadata`,
JSON in a string, in each engine's own form. github.com/containers/storage: containers.go.
"""

from __future__ import annotations

from itertools import pairwise

from nsview.engines.base import Daemon, Pod, Record, User
from nsview.engines.command_line import path_option
from nsview.engines.disk import (
    DATABASE_LIMIT,
    DiskStore,
    ParsedFiles,
    names,
    open_folder,
    read_file,
)
from nsview.engines.untrusted import (
    flag,
    moment,
    number,
    parse_json,
    parse_toml,
    path,
    sequence,
    text,
    texts,
    timestamp,
)
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterator, Mapping, Sequence

GRAPH_ROOT: Final = "/var/lib/containers/storage"
RUN_ROOT: Final = "/run/containers/storage"
CRIO_CONFIG_FILE: Final = "/etc/crio/crio.conf"
CONFIG_FILES: Final = ("/usr/share/containers/storage.conf", "/etc/containers/storage.conf")

#: What a storage.conf or crio.conf may set of the places.
_KEYS: Final = ("graphroot", "rootless_storage_path", "root", "runroot")
_CONTAINERS = "-containers"
_LISTS = ("containers.json", "volatile-containers.json")
#: podman's own database below the graph root; with transient storage it is below the run root.
_STATES = ("libpod/bolt_state.db", "db.sql", "libpod/db.sql")
_RUN_STATE = "db.sql"


class StoredContainer(NamedTuple):
    """An element of containers.json with its metadata read."""

    record: Record
    """With its pod, if it is the sandbox of one, which alone knows it."""
    pod_id: str | None
    """CRI-O: id of the sandbox."""


def parse_containers(data: bytes) -> tuple[StoredContainer, ...]:
    """Read a containers.json or volatile-containers.json."""
    found = (_stored(element) for element in sequence(parse_json(data)))
    return tuple(container for container in found if container is not None)


def _stored(element: object) -> StoredContainer | None:
    identity = text(element, "id")
    if identity is None:
        return None
    metadata = parse_json(text(element, "metadata") or "")
    name = text(metadata, "name")
    record = Record(
        engine="podman" if name else "buildah",  # which writes no metadata
        id=identity,
        name=name or next(iter(texts(element, "names")), None),
        image=text(metadata, "image-name"),
        image_id=text(element, "image") or text(metadata, "image-id"),
        created=timestamp(element, "created"),
    )
    pod_id = text(metadata, "pod-id")
    return StoredContainer(_of_crio(record, metadata, pod_id) if pod_id else record, pod_id)


def _of_crio(record: Record, metadata: object, pod_id: str) -> Record:
    pod = None
    if flag(metadata, "pod") or pod_id == record.id:
        # pod-name is ``k8s_<name>_<namespace>_<uid>_<attempt>``, metadata-name what its author said
        pod = Pod(
            uid=text(metadata, "uid") or pod_id,
            name=text(metadata, "metadata-name") or text(metadata, "pod-name"),
            namespace=text(metadata, "namespace"),
        )
    return record._replace(
        engine="crio",
        name=text(metadata, "metadata-name") or record.name,
        created=record.created or moment(number(metadata, "created-at")),
        pod=pod,
        sandbox=pod is not None,
    )


def parse_images(data: bytes) -> Mapping[str, str]:
    """The first name of every image that has one, by image id, from an images.json."""
    found = {}
    for element in sequence(parse_json(data)):
        identity = text(element, "id")
        name = next(iter(texts(element, "names")), None)
        if identity and name:
            found[identity] = name
    return found


class _Sources(NamedTuple):
    """What all the files say; compared with the last round's, where unchanged means identical."""

    lists: tuple[tuple[str, tuple[StoredContainer, ...]], ...]
    """The storage driver, and what it has."""
    images: tuple[Mapping[str, str] | None, ...]
    libpod: Mapping[str, Record] | None
    """What podman itself says, by id."""


def _parse_libpod(data: bytes) -> Mapping[str, Record] | None:
    from nsview.engines.libpod import parse_state  # CRI-O and buildah have none

    return parse_state(data)


class ContainersStorage(DiskStore):
    """One graph root with its run root."""

    def __init__(self, root: str, graph_root: str, run_root: str | None, user: int = 0) -> None:
        super().__init__(root, graph_root, user, run_root)
        self.run_root = run_root
        self._lists = ParsedFiles(parse_containers, user=user, limit=DATABASE_LIMIT)
        self._run_lists = ParsedFiles(parse_containers, user=user, limit=DATABASE_LIMIT)
        self._images = ParsedFiles(parse_images, user=user, limit=DATABASE_LIMIT)
        self._states = ParsedFiles(_parse_libpod, user=user, limit=DATABASE_LIMIT)
        self._run_states = ParsedFiles(_parse_libpod, user=user, limit=DATABASE_LIMIT)
        self._sources: _Sources | None = None
        self._records: tuple[Record, ...] = ()

    def read_records(self) -> Sequence[Record]:
        """All containers, whether they run or not."""
        with open_folder(self.root, self.path) as graph:
            if graph is None:
                return ()
            with open_folder(self.root, self.run_root or "/nonexistent") as run:
                sources = self._read(graph, run)
        if sources != self._sources:
            self._sources = sources
            self._records = tuple(self._merge(sources))
        return self._records

    def _read(self, graph: int, run: int | None) -> _Sources:
        lists, images = [], []
        for folder_name in names(graph):
            if not folder_name.endswith(_CONTAINERS):
                continue
            driver = folder_name.removesuffix(_CONTAINERS)
            images.append(self._images.get(graph, f"{driver}-images/images.json"))
            for name in _LISTS:
                lists.append((driver, self._lists.get(graph, f"{folder_name}/{name}")))
                if run is not None:
                    lists.append((driver, self._run_lists.get(run, f"{folder_name}/{name}")))
        libpod = None
        for name in _STATES:
            libpod = libpod or self._states.get(graph, name)
        if run is not None:
            libpod = libpod or self._run_states.get(run, _RUN_STATE)
        known = tuple((driver, found) for driver, found in lists if found)
        return _Sources(known, tuple(images), libpod)

    def _merge(self, sources: _Sources) -> Iterator[Record]:
        libpod = dict(sources.libpod or {})
        image_names = {
            key: name for images in sources.images if images for key, name in images.items()
        }
        pods = {
            one.record.id: one.record.pod
            for _driver, containers in sources.lists
            for one in containers
            if one.record.pod is not None
        }
        for driver, containers in sources.lists:
            for found, pod_id in containers:
                image = found.image or image_names.get(found.image_id or "")
                stored = found._replace(image=image, pod=pods.get(pod_id or ""), driver=driver)
                known = libpod.pop(stored.id, None)
                yield self._own(stored if known is None else _merged(known, stored))
        yield from map(self._own, libpod.values())  # podman run --rootfs: no storage of its own

    def _own(self, record: Record) -> Record:
        pid = record.pid if self.root == "/" else None
        return record._replace(pid=pid, home=self.home, user=self.user)


def _merged(known: Record, stored: Record) -> Record:
    """What podman's own database says of a container, and what that leaves out."""
    return known._replace(
        name=known.name or stored.name,
        image=known.image or stored.image,
        image_id=known.image_id or stored.image_id,
        created=known.created or stored.created,
        driver=stored.driver,
    )


def containers_storages(
    daemons: Sequence[Daemon], users: Sequence[User]
) -> Iterator[ContainersStorage]:
    """Every place where podman, CRI-O or buildah may keep containers; most will not exist."""
    for daemon in daemons:
        yield from _of_daemon(daemon)
    for config in (CRIO_CONFIG_FILE, *CONFIG_FILES):
        graph_root, run_root = _configured("/", config, 0)
        if graph_root:
            yield ContainersStorage("/", graph_root, run_root or RUN_ROOT)
    yield ContainersStorage("/", GRAPH_ROOT, RUN_ROOT)
    for user in users:
        default_run_root = f"/run/user/{user.uid}/containers"
        graph_root, run_root = _configured(
            "/", f"{user.home}/.config/containers/storage.conf", user.uid
        )
        if graph_root:
            yield ContainersStorage("/", graph_root, run_root or default_run_root, user.uid)
        default_graph_root = f"{user.home}/.local/share/containers/storage"
        yield ContainersStorage("/", default_graph_root, default_run_root, user.uid)


def _of_daemon(daemon: Daemon) -> Iterator[ContainersStorage]:
    """The roots that a running conmon, podman service or crio names."""
    if daemon.comm == "conmon":
        # Its own words are about the bundle; how to call podman when the container ends tells more.
        words = daemon.command
        said: Sequence[str] = [
            value for word, value in pairwise(words) if word == "--exit-command-arg"
        ]
    elif daemon.comm in ("crio", "podman"):
        said = daemon.command
    else:
        return
    graph_root = path_option(said, "--root")
    run_root = path_option(said, "--runroot")
    if graph_root is None and daemon.comm == "conmon":
        graph_root = _graph_root_of_bundle(path_option(daemon.command, "-b", "--bundle"))
    if graph_root:
        yield ContainersStorage(daemon.root, graph_root, run_root, daemon.uid)
    if daemon.root != "/":
        yield ContainersStorage(daemon.root, GRAPH_ROOT, RUN_ROOT, daemon.uid)


def _graph_root_of_bundle(bundle: str | None) -> str | None:
    """``<graphroot>/<driver>-containers/<id>/userdata`` (podman; CRI-O's is in the run root)."""
    parts = (bundle or "").rsplit("/", 3)
    if len(parts) != 4 or parts[3] != "userdata" or not parts[1].endswith(_CONTAINERS):
        return None
    return parts[0] or None


def _configured(root: str, config: str, user: int) -> tuple[str | None, str | None]:
    """Graph root and run root that a storage.conf or crio.conf names."""
    settings = parse_toml(read_file(root, config, user=user), *_KEYS)
    if "crio" in settings:
        return path(settings, "crio", "root"), path(settings, "crio", "runroot")
    graph_root = path(settings, "storage", "graphroot")
    if user:
        graph_root = path(settings, "storage", "rootless_storage_path") or graph_root
    return graph_root, path(settings, "storage", "runroot")
