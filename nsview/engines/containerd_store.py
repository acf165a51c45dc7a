"""containerd's containers, from its metadata database, while the daemon holds the lock on it.

Buckets of ``<root>/io.containerd.metadata.v1.bolt/meta.db`` (core/metadata/buckets.go)::

    v1/<namespace>/containers/<id>/{image,spec,createdat,snapshotter,labels/,runtime/{name,options}}
    v1/<namespace>/images/<reference>/target/{digest,mediatype,size}

A task that exists has ``<state>/io.containerd.runtime.v2.task/<namespace>/<id>/init.pid``.
"""

from __future__ import annotations

from nsview.engines.base import Daemon, Record, User
from nsview.engines.command_line import path_option
from nsview.engines.disk import DATABASE_LIMIT, DiskStore, ParsedFiles, open_folder, read_file
from nsview.engines.kubernetes import pod_member
from nsview.engines.untrusted import moment, parse_json, parse_toml, path, texts
from nsview.typed import TYPE_CHECKING, Final, Iterator, Mapping, Sequence

if TYPE_CHECKING:
    from nsview.engines.bbolt import Bucket

CONFIG_FILE: Final = "/etc/containerd/config.toml"
#: Root and state of containerd, and where distributions of Kubernetes put theirs.
PLACES: Final = (
    ("/var/lib/containerd", "/run/containerd"),
    ("/var/lib/rancher/k3s/agent/containerd", "/run/k3s/containerd"),
    ("/var/lib/rancher/rke2/agent/containerd", "/run/k3s/containerd"),
    ("/var/snap/microk8s/common/var/lib/containerd", "/var/snap/microk8s/common/run/containerd"),
    ("/var/lib/k0s/containerd", "/run/k0s/containerd"),
)
DATABASE: Final = "io.containerd.metadata.v1.bolt/meta.db"
TASKS: Final = "io.containerd.runtime.v2.task"

#: Docker's namespace: docker's own files know more of those containers.
_DOCKER = "moby"
_PID_FILE_LIMIT = 64

# Go's time.Time.MarshalBinary: version, seconds since the year 1 and nanoseconds, big endian, and
# the offset of the time zone (which does not change the moment).
_GO_TIME_LENGTHS = {1: 15, 2: 16}
_YEAR_1_TO_1970 = 62_135_596_800
_NANOSECOND = 1e-9

# google.protobuf.Any: field number, and wire type 2, "length and bytes"
_ANY_TYPE = 1 << 3 | 2
_ANY_VALUE = 2 << 3 | 2
_LONGEST_NUMBER = 10


def parse_meta(data: bytes) -> tuple[Record, ...] | None:
    """All containers of all namespaces but docker's; None when the bytes are no good database."""
    from nsview.engines.bbolt import BboltError, parse_bbolt

    try:
        top = parse_bbolt(data).bucket(b"v1")
        if top is None:
            return ()
        return tuple(
            container
            for key, namespace in top.buckets()
            if key != _DOCKER.encode()
            for container in _containers(_text(key), namespace)
        )
    except BboltError:
        return None


def _containers(namespace_name: str, namespace: Bucket) -> Iterator[Record]:
    containers = namespace.bucket(b"containers")
    if containers is None:
        return
    digests = _image_digests(namespace)
    for key, bucket in containers.buckets():
        identity = _text(key)
        if "/" in identity or identity.startswith("."):  # containerd allows no such name
            continue
        values = bucket.values()
        label_bucket = bucket.bucket(b"labels")
        raw_labels = label_bucket.values() if label_bucket else {}
        its_labels = tuple((_text(name), _text(value)) for name, value in raw_labels.items())
        member = pod_member(its_labels)
        image = _text(values.get(b"image", b""))
        digest = digests.get(image, image if image.startswith("sha256:") else "")
        yield Record(
            engine="containerd",
            id=identity,
            namespace=namespace_name,
            name=member.name or _text(raw_labels.get(b"nerdctl/name", b"")) or None,
            image=_best_name(image, digest, digests) or None,
            image_id=digest.removeprefix("sha256:") or None,
            pod=member.pod,
            sandbox=member.sandbox,
            created=parse_go_time(values.get(b"createdat", b"")),
            command=texts(parse_json(parse_any(values.get(b"spec", b""))), "process", "args"),
            driver=_text(values.get(b"snapshotter", b"")) or None,
            labels=its_labels,
        )


def _image_digests(namespace: Bucket) -> dict[str, str]:
    """Digest of the manifest of every image reference."""
    images = namespace.bucket(b"images")
    digests = {}
    for key, image in images.buckets() if images else ():
        target = image.bucket(b"target")
        if target is not None:
            digests[_text(key)] = _text(target.values().get(b"digest", b""))
    return digests


def _best_name(image: str, digest: str, digests: Mapping[str, str]) -> str:
    """CRI names some images by ``sha256:...`` alone; the same image has a name for people."""
    if not image.startswith("sha256:"):
        return image
    named = (name for name, other in digests.items() if other == digest)
    return next((name for name in named if ":" in name and "sha256:" not in name), image)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def parse_go_time(data: bytes) -> float | None:
    """Unix time of what Go's time.Time.MarshalBinary wrote; None for no time, or the year 1."""
    if not data or len(data) != _GO_TIME_LENGTHS.get(data[0]):
        return None
    seconds = int.from_bytes(data[1:9], "big", signed=True) - _YEAR_1_TO_1970
    nanoseconds = int.from_bytes(data[9:13], "big")
    return moment(seconds + nanoseconds * _NANOSECOND)


def parse_any(data: bytes) -> bytes:
    """The value of a protobuf Any (field 1: name of its type, field 2: value); empty if none."""
    at = 0
    while at < len(data):
        field = data[at]
        found = read_unsigned(data, at + 1)
        if found is None:
            return b""
        size, at = found
        if field == _ANY_VALUE:
            return data[at : at + size]
        if field != _ANY_TYPE:
            return b""
        at += size
    return b""


def read_unsigned(data: bytes, at: int) -> tuple[int, int] | None:
    """The number that protobuf, or Go's binary.PutUvarint, wrote at a place, and where it ends.

    None when it is none, or of more than 64 bits.
    """
    value = 0
    for index, byte in enumerate(data[at : at + _LONGEST_NUMBER]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return (value, at + index + 1) if value < 1 << 64 else None
    return None


def parse_pid(data: bytes) -> int | None:
    """The content of an init.pid."""
    word = data.strip()
    return int(word) if word.isdigit() and len(word) < 8 else None


class ContainerdStore(DiskStore):
    """One containerd: its root, and its state directory if we know it."""

    def __init__(self, root: str, path: str, state: str | None, user: int = 0) -> None:
        super().__init__(root, path, user, state)
        self._state = state
        self._meta = ParsedFiles(parse_meta, user=user, limit=DATABASE_LIMIT)
        self._pids = ParsedFiles(parse_pid, user=user, limit=_PID_FILE_LIMIT)
        self._sources: tuple[object, object] | None = None
        self._records: tuple[Record, ...] = ()

    def read_records(self) -> Sequence[Record]:
        """All containers but docker's, whether they run or not."""
        with open_folder(self.root, self.path) as folder:
            containers = self._meta.get(folder, DATABASE) if folder is not None else None
        if not containers:
            return ()
        tasks = self._read_tasks(containers)
        if self._sources != (containers, tasks):
            self._sources = containers, tasks
            self._records = tuple(
                self._complete(container, None if tasks is None else tasks[index])
                for index, container in enumerate(containers)
            )
        return self._records

    def _read_tasks(self, containers: Sequence[Record]) -> list[int] | None:
        """The PID of each container's task, 0 where there is none; None if we cannot know."""
        if self._state is None:
            return None
        with open_folder(self.root, f"{self._state}/{TASKS}") as folder:
            if folder is None:
                return None
            return [
                self._pids.get(folder, f"{container.namespace}/{container.id}/init.pid") or 0
                for container in containers
            ]

    def _complete(self, container: Record, pid: int | None) -> Record:
        return container._replace(
            running=None if pid is None else pid > 0,
            pid=pid or None if self.root == "/" else None,
            home=self.home,
            user=self.user,
        )


def containerd_stores(
    daemons: Sequence[Daemon], users: Sequence[User]
) -> Iterator[ContainerdStore]:
    """Every place where a containerd may keep containers; most of them will not exist."""
    default_root, default_state = PLACES[0]
    for daemon in daemons:
        if daemon.comm != "containerd":
            continue
        config = path_option(daemon.command, "--config", "-c") or CONFIG_FILE
        settings = parse_toml(read_file(daemon.root, config), "root", "state")
        root = path_option(daemon.command, "--root") or path(settings, "root") or default_root
        state = path_option(daemon.command, "--state") or path(settings, "state") or default_state
        yield ContainerdStore(daemon.root, root, state, daemon.uid)
    settings = parse_toml(read_file("/", CONFIG_FILE), "root", "state")
    if root_said := path(settings, "root"):
        yield ContainerdStore("/", root_said, path(settings, "state") or default_state)
    for root, state in PLACES:
        yield ContainerdStore("/", root, state)
    for user in users:
        home = f"{user.home}/.local/share/containerd"
        yield ContainerdStore("/", home, f"/run/user/{user.uid}/containerd", user.uid)
