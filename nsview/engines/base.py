"""What every engine module speaks in: a match of a cgroup path, and a record from the disk.

Nothing here asks a daemon. A `Match` is what a process's cgroup path says; a `Record` is what the
engine's own files say about a container, whether it runs or not.
"""

from __future__ import annotations

from nsview.named_tuple import NamedTuple
from nsview.typed import Iterable, Literal, Protocol


class Match(NamedTuple):
    """A container that one component of a cgroup path names."""

    engine: str
    id: str
    """As the engine writes it: 64 hex digits, or a free name (containerd, LXC, nspawn)."""
    name: str | None = None
    """When the path itself holds the human name (LXC, nspawn, snap)."""
    pod_uid: str | None = None
    """Kubernetes: with dashes, or the 32 digits of a static pod; podman: the 64 of its pod."""
    namespace: str | None = None
    """containerd's namespace (``k8s.io``, ``moby``), where the path shows it."""
    user: int | None = None
    """Owner of a rootless container, from ``user-1000.slice``."""
    kind: Literal["container", "isolated"] = "container"
    monitor: bool = False
    """conmon, lxc.monitor, a supervisor: it serves the container and is no member of it."""
    path: str = ""
    """The cgroup path up to and including the component that matched."""


class Pod(NamedTuple):
    """A group of containers that share namespaces."""

    uid: str
    name: str | None = None
    namespace: str | None = None


class Record(NamedTuple):
    """A container as the engine's files describe it."""

    engine: str
    id: str
    home: str = ""
    """The directory on the host that the record was read from; its store says that."""
    namespace: str | None = None
    """containerd's namespace, as in `Match`: another one may have a container of the same id."""
    name: str | None = None
    image: str | None = None
    image_id: str | None = None
    pod: Pod | None = None
    sandbox: bool = False
    """It is the pod's own container (pause, infra): it only holds the namespaces."""
    running: bool | None = None
    """What the files claim; the census knows better. None where they do not say."""
    paused: bool | None = None
    """Frozen (docker pause, podman pause), as the files claim it."""
    pid: int | None = None
    """Host PID of its first process, as the files claim it."""
    start_time: int | None = None
    """And when that began, in clock ticks since boot, where they say it."""
    started: float | None = None
    """Unix time."""
    created: float | None = None
    """Unix time."""
    command: tuple[str, ...] = ()
    driver: str | None = None
    """The storage driver in the engine's own words: overlay2, overlay, btrfs, ..."""
    user: int = 0
    """Whose engine: 0, or the uid of a rootless one."""
    labels: tuple[tuple[str, str], ...] = ()
    ip: str | None = None
    """Its address, where the engine's own files say it."""
    veth: str | None = None
    """The host's end of its veth pair, where they say that."""


class Daemon(NamedTuple):
    """A running engine process, whose command line tells where its files are."""

    pid: int
    comm: str
    command: tuple[str, ...]
    uid: int
    root: str = "/"
    """Path prefix of its root as we reach it: ``/``, or ``/proc/PID/root`` inside a container."""


class User(NamedTuple):
    """An account that may have a rootless engine."""

    uid: int
    name: str
    home: str


class Store(Protocol):
    """A directory in which one engine keeps its containers."""

    @property
    def home(self) -> str:
        """Where it is on the host."""

    def read_records(self) -> Iterable[Record]:
        """Read what is there now. What is missing, torn or hostile is skipped, never raised."""
