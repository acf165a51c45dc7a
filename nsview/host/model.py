"""What flows upward: one immutable `Snapshot` a tick.

Readers below fill it, the commands and the UI only look. Text that came from the system is exact
(os.fsdecode'd); it is made safe by `nsview.display.display` where it is shown.
"""

from __future__ import annotations

from nsview.engines.base import Pod
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.light import MappingProxyType
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Literal, Mapping

if TYPE_CHECKING:
    from nsview.host.resources import Resources

Status = Literal["running", "paused", "stopped"]
ContainerKind = Literal["host", "container", "pod", "isolated"]


class NamespaceUse(NamedTuple):
    """Which namespace of one kind a container is in."""

    ino: int
    """0 where it could not be read."""
    shared: bool
    """It is the host's."""


class Rootfs(NamedTuple):
    """What a container's ``/`` is: the file system type, and how many directories are stacked."""

    type: str
    layers: int
    """Overlay: the upper and every lower layer. 1 for anything that is no stack."""


class Container(NamedTuple):
    """Processes with the same changed view; the host itself is one too (engine ``host``)."""

    ref: str
    """Names it everywhere and never collides: ``docker/web``."""
    engine: str
    id: str | None
    name: str
    image: str | None = None
    kind: ContainerKind = "container"
    """``pod`` is the sandbox that holds a pod's namespaces."""
    status: Status = "running"
    pod: Pod | None = None
    parent: str | None = None
    """`ref` of the container that it runs inside."""
    pid: int | None = None
    """Host PID of its first process."""
    start_time: int | None = None
    """Of that process, in clock ticks since boot: with `pid` an identity."""
    members: tuple[int, ...] = ()
    """Host PIDs of all its processes, ascending."""
    started: float | None = None
    """Unix time."""
    uid: int | None = None
    """Effective uid of the first process on the host; of the owner when stopped."""
    user: str | None = None
    owner: int = 0
    """Whose engine it is: 0, or the uid of a rootless one."""
    engine_namespace: str | None = None
    """containerd's own namespaces, which are no kernel's: ``default``, ``k8s.io``."""
    cgroup: str | None = None
    namespaces: Mapping[str, NamespaceUse] = MappingProxyType({})
    rootfs: Rootfs | None = None
    command: tuple[str, ...] = ()
    driver: str | None = None
    home: str | None = None
    """The engine's directory on the host that the record was read from."""
    ip: str | None = None
    """Its address, as the engine's own files say."""
    veth: str | None = None
    """The host's end of its veth pair, as they say."""

    @property
    def flags(self) -> str:
        """Eight letters ``mnpuiUCt``; a dash where it is the host's, ``?`` where unknown."""
        from nsview.kernel.namespaces import LETTERS

        def letter(kind: str) -> str:
            use = self.namespaces.get(kind)
            if use is None or use.ino == 0:
                return "?"
            return "-" if use.shared else LETTERS[kind]

        return "".join(letter(kind) for kind in KINDS)


HolderKind = Literal["process", "thread", "fd", "bind", "socket", "child", "owned", "unknown"]


class Holder(NamedTuple):
    """One reason why the kernel keeps a namespace alive.

    process, thread   members (`pid`, and `tid` of a thread that left its leader's namespace);
                      `children` when only the next child will be in it (``*_for_children``)
    fd, socket        an open descriptor of `pid`
    bind              an nsfs bind mount at `path` in the mount namespace `mount_ns`
    child, owned      a namespace `ino` of `namespace_kind` that has this one as parent or owner
    unknown           the kernel lists it, and nothing visible explains it
    """

    kind: HolderKind
    pid: int | None = None
    tid: int | None = None
    fd: int | None = None
    children: bool = False
    path: str | None = None
    mount_ns: int | None = None
    ino: int | None = None
    namespace_kind: str | None = None
    count: int = 1  # type: ignore[assignment] # in place of tuple.count, which nobody calls
    """process: how many members; the pid given is the first of them."""


class Namespace(NamedTuple):
    """One namespace. `lsns` has a counterpart for every column, and knows fewer of them."""

    kind: str
    ino: int
    id: int | None = None
    """64-bit id, never reused during a boot (NS_GET_ID, Linux 6.18; mnt since 6.11)."""
    initial: bool = False
    processes: int = 0
    threads: int = 0
    """Threads in it whose leader is elsewhere."""
    pid: int | None = None
    """Its first process (lowest pid), or the process of its first thread."""
    ppid: int | None = None
    command: str | None = None
    uid: int | None = None
    user: str | None = None
    parent: int | None = None
    """pid and user: inode of the parent. None: none, or outside our view."""
    owner: int | None = None
    """Inode of the user namespace that owns it."""
    owner_uid: int | None = None
    """user: who made it (NS_GET_OWNER_UID)."""
    netnsid: int | None = None
    """net: id under which our network namespace knows it; -1 is "unassigned"."""
    nsfs: tuple[str, ...] = ()
    """Where it is bind mounted."""
    path: str | None = None
    """A /proc path through which it can be opened."""
    mounts: int | None = None
    """mnt: number of mounts, where the kernel says it (NS_MNT_GET_INFO, Linux 6.12)."""
    container: str | None = None
    """`ref` of the container whose first process is in it; None for the host's."""
    held_by: tuple[Holder, ...] = ()


class PidLevel(NamedTuple):
    """A process's number in one pid namespace."""

    pid: int
    pid_ns: int
    """Inode; 0 where it could not be found out."""


class Traffic(NamedTuple):
    """What a network namespace has received and sent, by the interfaces that lead out of it."""

    rx_bytes: int
    """Since they were made."""
    tx_bytes: int
    rx_rate: float | None = None
    """Bytes a second since the last reading; None at the first one."""
    tx_rate: float | None = None


class Snapshot(NamedTuple):
    """The host at one moment. Never changes once made."""

    tasks: Mapping[int, Task]
    """Every process by its host PID."""
    containers: tuple[Container, ...]
    """The host first, then by engine and name; isolated ones and stopped ones included."""
    membership: Mapping[int, str]
    """Host PID -> `ref` of its container; the host's own processes are not in it."""
    initial: Mapping[str, int]
    """kind -> inode of the host's namespace; 0 where it cannot be told."""
    commands: Mapping[int, tuple[str, ...]] = MappingProxyType({})
    """Host PID -> command line, when it was asked for."""
    pid_parents: Mapping[int, int] = MappingProxyType({})
    """Inode of a pid namespace -> inode of its parent."""
    threads: Mapping[tuple[int, int], tuple[int, ...]] | None = None
    """Threads that may be in other namespaces than their process, where the census has looked:
    (pid, tid) -> inodes of the kinds in order, then pid and time of the next child."""
    resources: Mapping[str, Resources] = MappingProxyType({})
    """`ref` -> what that container uses, when it was asked for; the host's: the whole machine."""
    traffic: Mapping[int, Traffic] = MappingProxyType({})
    """Inode of a network namespace -> what it carries, when it was asked for."""
    boot_time: float = 0.0
    """Unix time of boot: start times count from here."""
    ticks: int = 100
    """Clock ticks a second (sysconf(_SC_CLK_TCK))."""
    taken: float = 0.0
    """Unix time."""
    partial: tuple[str, ...] = ()
    """What the kernel or our rights did not let us see, in words."""

    def container(self, ref: str) -> Container | None:
        """The container of exactly that `ref`."""
        return next((one for one in self.containers if one.ref == ref), None)

    def traffic_of(self, container: Container) -> Traffic | None:
        """That of its network namespace; what shares the host's network has none of its own."""
        use = container.namespaces.get("net")
        if use is None or (use.shared and container.kind != "host"):
            return None
        return self.traffic.get(use.ino)

    def started(self, task: Task) -> float:
        """When a process started, in Unix time."""
        return self.boot_time + task.start_time / self.ticks
