"""The process whose place is taken: held by descriptors, and what the kernel says of it."""

from __future__ import annotations

import errno
import os
import resource

from nsview.errors import NoSuchObject, NotPermitted, NsviewError
from nsview.kernel.cgroup import parse_cgroup
from nsview.kernel.cgroupfs import Cgroupfs, read_cgroupfs
from nsview.kernel.idmap import IdRange, parse_id_map
from nsview.kernel.limits import parse_limits
from nsview.kernel.lsm import parse_label
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.nsfs import get_userns, open_namespace
from nsview.kernel.pidfd import open_process, send_signal
from nsview.kernel.procfs import Procfs
from nsview.kernel.stat import PF_KTHREAD, parse_stat
from nsview.kernel.status import Status, parse_status
from nsview.kernel.task import CgroupPath, Task
from nsview.light import ExitStack, contextmanager, suppress
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterator, Mapping, TypeVar

T = TypeVar("T")

#: More cannot be passed on to a command anyway.
_ENVIRONMENT_LIMIT: Final = 4 * 1024 * 1024
_ENDED: Final = frozenset("ZXx")
_MNT: Final = KINDS.index("mnt")
#: user:role:type[:level]
_SELINUX_COLONS: Final = 2

#: Names in /proc/PID/limits -> numbers of setrlimit(2).
_LIMITS: Final = {
    "Max cpu time": resource.RLIMIT_CPU,
    "Max file size": resource.RLIMIT_FSIZE,
    "Max data size": resource.RLIMIT_DATA,
    "Max stack size": resource.RLIMIT_STACK,
    "Max core file size": resource.RLIMIT_CORE,
    "Max resident set": resource.RLIMIT_RSS,
    "Max processes": resource.RLIMIT_NPROC,
    "Max open files": resource.RLIMIT_NOFILE,
    "Max locked memory": resource.RLIMIT_MEMLOCK,
    "Max address space": resource.RLIMIT_AS,
    "Max pending signals": resource.RLIMIT_SIGPENDING,
    "Max msgqueue size": resource.RLIMIT_MSGQUEUE,
    "Max nice priority": resource.RLIMIT_NICE,
    "Max realtime priority": resource.RLIMIT_RTPRIO,
    "Max realtime timeout": resource.RLIMIT_RTTIME,
}


class ResourceLimit(NamedTuple):
    """A limit as setrlimit(2) takes it; -1 is unlimited."""

    name: str
    number: int
    soft: int
    hard: int


class Label(NamedTuple):
    """What a security module calls a process, and how a command is to be called the same."""

    module: str
    """``apparmor`` or ``selinux``."""
    label: str
    file: str
    """Below /proc/self/attr."""
    words: bytes
    """What to write to it."""


class Target(NamedTuple):
    """What is known of the process, all of one moment."""

    pid: int
    start_time: int
    status: Status
    namespaces: Mapping[str, int]
    """kind -> inode; 0 where the kernel has no such kind."""
    cgroups: tuple[CgroupPath, ...]
    environ: bytes
    limits: tuple[ResourceLimit, ...] = ()
    oom_score_adj: int | None = None
    label: Label | None = None
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()
    owner_of_mounts: int = 0
    """Inode of the user namespace that owns the mount namespace; 0 where it cannot be told."""


class Descriptors(NamedTuple):
    """What is open of it, before anything is joined: afterwards the paths are the container's."""

    pidfd: int
    proc: int
    """The host's /proc."""
    root: int
    directory: int
    """Working directory; -1 where it cannot be opened."""
    namespaces: Mapping[str, int]
    owner_of_mounts: int
    """User namespace that owns the mount namespace; -1 where it cannot be had."""
    cgroups: tuple[tuple[str, int, int], ...]
    """Hierarchy in words, its version, and the directory in it."""


@contextmanager
def hold_target(procfs: Procfs, task: Task) -> Iterator[tuple[Target, Descriptors]]:
    """Hold exactly that process, and read it; everything is closed at the end of the block.

    Raises `NoSuchObject` when it has ended, its PID reused or not, `NotPermitted`, and
    `NsviewError` for what cannot be entered: zombies, kernel threads, frozen processes.
    """
    with ExitStack() as stack:
        try:
            pidfd = _kept(stack, open_process(task.pid, task.start_time, procfs))
            cgroupfs = read_cgroupfs()
            _refuse(procfs, task, cgroupfs)
            descriptors = _open(stack, procfs, task.pid, pidfd, cgroupfs)
            target = _read(procfs, task, descriptors)
            # Still alive: so everything above was of this process, and of no later one.
            send_signal(pidfd, 0)
        except PermissionError as error:
            raise NotPermitted(
                f"process {task.pid}: {error.strerror}", hint="entering takes root"
            ) from None
        except (FileNotFoundError, ProcessLookupError):
            raise NoSuchObject(f"process {task.pid} has ended") from None
        yield target, descriptors


def _refuse(procfs: Procfs, task: Task, cgroupfs: Cgroupfs) -> None:
    stat = parse_stat(_must(procfs.read(task.pid, "stat")))
    if stat.flags & PF_KTHREAD:
        raise NsviewError(f"process {task.pid} is a thread of the kernel: it has no place to enter")
    if stat.state in _ENDED:
        raise NsviewError(f"process {task.pid} is a zombie: its namespaces are gone")
    if cgroupfs.read_frozen(parse_cgroup(_must(procfs.read(task.pid, "cgroup")))):
        # What joins a frozen control group stops in the kernel, and not even SIGKILL ends it.
        raise NsviewError(f"process {task.pid} is paused (frozen)", hint="unpause the container")


def _open(
    stack: ExitStack, procfs: Procfs, pid: int, pidfd: int, cgroupfs: Cgroupfs
) -> Descriptors:
    def directory(path: str) -> int:
        return _kept(stack, os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))

    namespaces = {}
    for kind in KINDS:
        with suppress(FileNotFoundError):  # a kind that this kernel does not have
            namespaces[kind] = _kept(stack, open_namespace(procfs, pid, kind))
    try:
        owner = _kept(stack, get_userns(namespaces["mnt"]))
    except OSError:  # EPERM: above our own user namespace
        owner = -1
    try:
        working = directory(procfs.path(pid, "cwd"))
    except (FileNotFoundError, NotADirectoryError):  # deleted
        working = -1
    cgroups = parse_cgroup(_must(procfs.read(pid, "cgroup")))
    return Descriptors(
        pidfd=pidfd,
        proc=directory(procfs.root),
        root=directory(procfs.path(pid, "root")),
        directory=working,
        namespaces=namespaces,
        owner_of_mounts=owner,
        cgroups=tuple(_open_cgroups(stack, cgroups, cgroupfs)),
    )


def _open_cgroups(
    stack: ExitStack, cgroups: tuple[CgroupPath, ...], cgroupfs: Cgroupfs
) -> Iterator[tuple[str, int, int]]:
    """v1 has a hierarchy a controller (or some together), v2 has one; those that we may join."""
    for one in cgroups:
        if one.hierarchy == 0:
            directory = cgroupfs.unified_directory([one])
        else:
            directory = cgroupfs.directory([one], one.controllers.split(",")[0])
        if directory is not None:
            try:
                fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ENODEV, errno.EACCES, errno.EPERM):
                    continue
                raise
            _kept(stack, fd)
            if os.access("cgroup.procs", os.W_OK, dir_fd=fd):
                yield one.controllers or "v2", 1 if one.hierarchy else 2, fd


def _read(procfs: Procfs, task: Task, descriptors: Descriptors) -> Target:
    pid = task.pid
    links = _must(read_namespaces(procfs, pid))
    if not links[_MNT]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    owner = descriptors.owner_of_mounts
    return Target(
        pid=pid,
        start_time=task.start_time,
        status=parse_status(_must(procfs.read(pid, "status"))),
        namespaces=dict(zip(KINDS, links, strict=False)),
        cgroups=parse_cgroup(_must(procfs.read(pid, "cgroup"))),
        environ=_read_environ(procfs, pid, descriptors.namespaces["user"]),
        limits=tuple(_limits(_must(procfs.read(pid, "limits")))),
        oom_score_adj=_number(procfs.read(pid, "oom_score_adj")),
        label=_read_label(procfs, pid),
        uid_map=parse_id_map(procfs.read(pid, "uid_map") or b""),
        gid_map=parse_id_map(procfs.read(pid, "gid_map") or b""),
        owner_of_mounts=os.fstat(owner).st_ino if owner >= 0 else 0,
    )


def _read_environ(procfs: Procfs, pid: int, user_namespace: int) -> bytes:
    """Its environment, which only its own user may read, and root of its user namespace."""

    def read() -> bytes | None:
        return procfs.read(pid, "environ", limit=_ENVIRONMENT_LIMIT)

    try:
        return _must(read())
    except PermissionError:
        if os.geteuid() == 0:  # whose memory has no business in there
            raise
        from nsview.kernel.user_namespace import call_in  # for what few need

        environ: bytes | None = call_in(user_namespace, read)
        return _must(environ)


def _read_label(procfs: Procfs, pid: int) -> Label | None:
    """AppArmor's or SELinux's label; ``unconfined`` is none. apparmor(7), attr(5)."""
    try:
        # Since Linux 5.1, and beside other modules.
        profile = parse_label(procfs.read(pid, "attr/apparmor/current") or b"")
        file = "apparmor/exec"
    except OSError:
        profile = None
    label = profile
    if label is None:
        with suppress(OSError):
            label = parse_label(procfs.read(pid, "attr/current") or b"")
        file = "exec"
        if label is not None and label.count(":") >= _SELINUX_COLONS:
            return Label("selinux", label, file, os.fsencode(label))
    if label is None:
        return None
    # "docker-default (enforce)": the mode is the profile's, not the process's.
    name = label.rpartition(" (")[0] or label
    if name == "unconfined":
        return None
    return Label("apparmor", name, file, b"exec " + os.fsencode(name))


def _limits(data: bytes) -> Iterator[ResourceLimit]:
    for one in parse_limits(data):
        if one.name in _LIMITS:
            soft, hard = (resource.RLIM_INFINITY if v is None else v for v in (one.soft, one.hard))
            yield ResourceLimit(one.name.removeprefix("Max "), _LIMITS[one.name], soft, hard)


def _number(data: bytes | None) -> int | None:
    return int(data) if data else None


def _must(value: T | None) -> T:
    if value is None:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    return value


def _kept(stack: ExitStack, fd: int) -> int:
    stack.callback(os.close, fd)
    return fd
