"""What this kernel and our rights allow, found out by trying, and what it costs where they do not.

No version is compared: distributions take features back and forth, and seccomp filters and
security modules take them away.
"""

from __future__ import annotations

import errno
import os
import platform
from pathlib import Path

from nsview.host.partial import (
    effective_capabilities,
    has_capability,
    hidepid,
    own_namespace,
    partial_reasons,
)
from nsview.kernel.namespaces import INITIAL_INODES
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Callable, Final, Iterator

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

__all__ = ["Finding", "examine", "partial_reasons"]

_CAP_SYS_PTRACE: Final = 19

#: include/uapi/linux/capability.h; what each is good for here.
_CAPABILITIES: Final = (
    ("CAP_SYS_PTRACE", 19, "namespaces, roots and descriptors of other users' processes stay shut"),
    ("CAP_SYS_ADMIN", 21, "no namespace can be joined or looked into: no interfaces, no ports"),
    ("CAP_SYS_CHROOT", 18, "mount namespaces cannot be joined"),
    ("CAP_DAC_READ_SEARCH", 2, "engines' files are closed: no names, no images, no layers"),
    ("CAP_NET_ADMIN", 12, "published ports are known by docker-proxy alone, not by firewall rules"),
    ("CAP_KILL", 5, "processes of other users cannot be signalled"),
)

_INSIDE: Final = {
    "pid": "processes outside it are invisible, and process-less mount namespaces too",
    "user": "uids are shown as seen from inside, and owners above it are hidden",
    "cgroup": "cgroup paths are cut, and containers may not be recognised",
    "mnt": "engines' files on the host may be out of sight: no names, no images, no layers",
}


class Finding(NamedTuple):
    """The answer to one question."""

    name: str
    ok: bool
    found: str
    cost: str
    """What the view lacks when it is not ok."""


def examine(procfs: Procfs) -> tuple[Finding, ...]:
    """Find out everything; takes some milliseconds, changes nothing, and never raises."""
    return (
        *_rights(procfs),
        *_place(procfs),
        *_namespace_ioctls(procfs),
        *_system_calls(),
        *_host_features(procfs),
    )


def _rights(procfs: Procfs) -> Iterator[Finding]:
    uid = os.geteuid()
    yield Finding("user", uid == 0, f"uid {uid}", "a limited view: run nsview with sudo")
    held = effective_capabilities(procfs)
    for name, number, cost in _CAPABILITIES:
        has = bool(held >> number & 1)
        yield Finding(name, has, "effective" if has else "missing", cost)


def _place(procfs: Procfs) -> Iterator[Finding]:
    yield _self_in_proc(procfs)
    how = hidepid(procfs)
    yield Finding(
        "hidepid on /proc",
        how in (None, "off", "0") or has_capability(procfs, _CAP_SYS_PTRACE),
        how or "off",
        "processes of other users are invisible",
    )
    yield _readable_init(procfs)
    for kind, cost in _INSIDE.items():
        own = own_namespace(procfs, kind)
        initial = _is_initial(procfs, kind, own)
        whose = {True: "the host's", False: "not the host's", None: "perhaps the host's"}[initial]
        name = f"{kind} namespace of nsview"
        yield Finding(name, initial is not False, f"{kind}:[{own}], {whose}", cost)


def _self_in_proc(procfs: Procfs) -> Finding:
    # /proc shows the pid namespace that it was mounted in; `self` is our number there.
    name = "/proc shows our pid namespace"
    cost = "process numbers in it are not those of our pid namespace"
    try:
        shown = os.readlink(procfs.path("self"))
    except OSError:
        return Finding(name, False, "we are not in it", cost)
    return Finding(
        name, shown == str(os.getpid()), f"self is {shown}, getpid() {os.getpid()}", cost
    )


def _readable_init(procfs: Procfs) -> Finding:
    cost = "the host's namespaces are known by their fixed numbers (net and mnt since Linux 6.18)"
    name = "namespaces of PID 1"
    try:
        os.stat(procfs.path(1, "ns/mnt"))
    except OSError as error:
        return Finding(name, False, os.strerror(error.errno or errno.EACCES), cost)
    return Finding(name, True, "readable", cost)


def _is_initial(procfs: Procfs, kind: str, own: int) -> bool | None:
    if own == INITIAL_INODES[kind]:
        return True
    if kind != "mnt":
        return False
    # Fixed since Linux 6.18 only; before, the host's is that of PID 1, or of the kernel's threads.
    for pid in (1, 2):
        try:
            return os.stat(procfs.path(pid, "ns/mnt")).st_ino == own
        except OSError:
            continue
    return None  # neither may be read: it cannot be told


def _namespace_ioctls(procfs: Procfs) -> Iterator[Finding]:
    from nsview.kernel import nsfs

    def ask(kind: str, question: Callable[[int], object]) -> bool:
        try:
            fd = os.open(procfs.path("self", f"ns/{kind}"), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            answer = question(fd)
        except PermissionError:
            return True  # it knows the question: our namespace is the topmost that we may see
        except OSError:
            return False
        else:
            return answer is not None
        finally:
            os.close(fd)

    def closing(question: Callable[[int], int]) -> Callable[[int], int]:
        def ask_and_close(fd: int) -> int:
            answer = question(fd)
            os.close(answer)
            return answer

        return ask_and_close

    for name, has, cost in (
        ("NS_GET_USERNS", ask("net", closing(nsfs.get_userns)), "no owners of namespaces"),
        ("NS_GET_PARENT", ask("pid", closing(nsfs.get_parent)), "no trees of pid namespaces"),
        ("NS_GET_NSTYPE", ask("net", nsfs.get_type), "no facts about namespaces at all"),
        ("NS_GET_OWNER_UID", ask("user", nsfs.get_owner_uid), "no owner of user namespaces"),
        ("NS_GET_ID", ask("net", nsfs.get_id), "reused inode numbers cannot be told apart"),
        ("NS_MNT_GET_INFO", ask("mnt", nsfs.mount_ns_info), "no count of mounts"),
    ):
        yield Finding(name, has, _there(has), cost)
    yield _mount_namespace_walk(procfs)


def _mount_namespace_walk(procfs: Procfs) -> Finding:
    from nsview.kernel import nsfs

    name = "NS_MNT_GET_NEXT"
    cost = "mount namespaces without processes are found only where a descriptor or a bind is seen"
    try:
        fd = os.open(procfs.path("self", "ns/mnt"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return Finding(name, False, error.strerror or "failed", cost)
    try:
        count = sum(1 for _ in nsfs.iter_mount_namespaces(fd))
    except OSError as error:
        return Finding(name, False, error.strerror or "failed", cost)
    finally:
        os.close(fd)
    return Finding(name, count > 0, f"{count} mount namespaces" if count else _there(False), cost)


def _system_calls() -> Iterator[Finding]:
    from nsview.kernel import syscalls

    for name, number, cost in (
        ("openat2", syscalls.OPENAT2, "files of containers are opened without following any link"),
        ("pidfd_getfd", syscalls.PIDFD_GETFD, "sockets that hold network namespaces stay unknown"),
        ("statmount", syscalls.STATMOUNT, "mount tables without a process are read by joining"),
        ("listmount", syscalls.LISTMOUNT, "mount tables without a process are read by joining"),
        ("listns", syscalls.LISTNS, "what only the kernel itself holds stays unknown"),
    ):
        has = _has_system_call(number)
        yield Finding(name, has, _there(has), cost)
    yield _pidfd()


def _has_system_call(number: int) -> bool:
    from nsview.kernel.syscalls import syscall

    try:
        # No call does anything with such arguments but refuse them.
        syscall(number, -1, None, -1, -1)
    except OSError as error:
        return error.errno != errno.ENOSYS
    return True


def _pidfd() -> Finding:
    cost = "a signal might reach another process that got the same number"
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return Finding("pidfd_open", False, error.strerror or "failed", cost)
    return Finding("pidfd_open", True, _there(True), cost)


def _host_features(procfs: Procfs) -> Iterator[Finding]:
    for kind in ("time", "cgroup"):
        has = own_namespace(procfs, kind) != 0
        yield Finding(f"{kind} namespaces", has, _there(has), "containers have none of this kind")
    yield _cgroups(procfs)
    yield _pressure(procfs)
    yield _block_io(procfs)
    yield _nftables(procfs)
    yield _bpf_census(procfs)
    yield _process_events()
    schedstat = Path(procfs.path("self", "schedstat")).exists()
    yield Finding("schedstat", schedstat, _there(schedstat), "every process is read at every scan")
    overlay = b"\toverlay\n" in procfs.read_global("filesystems")
    yield Finding(
        "overlay", overlay, "loaded" if overlay else "not loaded", "no sandboxes on layers"
    )
    most = procfs.read_global("sys/user/max_user_namespaces").decode("ascii", "replace").strip()
    yield Finding("user namespaces", most not in ("", "0"), f"at most {most or 0}", "none there")
    if os.geteuid():
        yield _subordinate_ids()
    yield Finding("kernel", True, platform.release(), "")
    yield Finding("Python", True, platform.python_version(), "")


def _subordinate_ids() -> Finding:
    from nsview.host.users import user_name
    from nsview.kernel.safe_open import read_below
    from nsview.kernel.subordinate_ids import parse_ranges

    names = (user_name(os.geteuid()), str(os.geteuid()))
    counts = [
        sum(one.count for one in parse_ranges(read_below("/", path) or b"") if one.owner in names)
        for path in ("/etc/subuid", "/etc/subgid")
    ]
    helpers = all(os.access(f"/usr/bin/{name}", os.X_OK) for name in ("newuidmap", "newgidmap"))
    found = f"{min(counts)}" if helpers else "no newuidmap, newgidmap (package uidmap)"
    cost = "sandboxes have no user but root, and images lose their owners"
    return Finding("subordinate ids", helpers and min(counts) > 0, found, cost)


def _nftables(procfs: Procfs) -> Finding:
    from nsview.kernel.nftables import may_be_asked

    there = may_be_asked(procfs)
    found = "may be asked" if there else "not loaded"
    return Finding("nftables", there, found, "no published ports by its rules, if there were any")


def _bpf_census(procfs: Procfs) -> Finding:
    from nsview.errors import NsviewError
    from nsview.host.census_bpf import BpfCensus
    from nsview.host.census_choice import FEW_PROCESSES

    cost = "processes are read from /proc, which takes longer where there are thousands"
    try:
        BpfCensus(procfs).close()
    except NsviewError as error:
        why = f"{error.message} ({error.hint})" if error.hint else error.message
        return Finding("BPF census", False, why, cost)
    found = f"loads; taken where there are more than {FEW_PROCESSES} processes"
    return Finding("BPF census", True, found, cost)


def _process_events() -> Finding:
    from nsview.errors import NsviewError
    from nsview.kernel.process_events import ProcessEvents

    cost = "what starts or ends is shown at the next look, not at once"
    try:
        ProcessEvents().close()
    except NsviewError as error:
        return Finding("process events", False, error.message, cost)
    return Finding("process events", True, "acknowledged", cost)


def _cgroups(procfs: Procfs) -> Finding:
    from nsview.kernel.mountinfo import parse_mountinfo

    try:
        mounts = parse_mountinfo(procfs.read_file(procfs.path("self", "mountinfo")) or b"")
    except OSError:
        mounts = ()
    types = {mount.fstype for mount in mounts if mount.fstype in ("cgroup", "cgroup2")}
    layout = {
        frozenset({"cgroup2"}): "v2 (unified)",
        frozenset({"cgroup", "cgroup2"}): "v1 and v2 (hybrid)",
        frozenset({"cgroup"}): "v1 (legacy)",
    }.get(frozenset(types), "not mounted")
    return Finding("cgroups", bool(types), layout, "no figures of containers, no paused ones")


def _pressure(procfs: Procfs) -> Finding:
    from nsview.kernel.cgroup_files import read_file
    from nsview.kernel.pressure import parse_pressure

    data = read_file(f"{procfs.root}/pressure/cpu")
    has = data is not None and parse_pressure(data) is not None
    words = "measured" if has else "missing, or switched off (psi=1 on the kernel command line)"
    return Finding("pressure (PSI)", has, words, "nobody knows who waits for what")


def _block_io(procfs: Procfs) -> Finding:
    from nsview.kernel.cgroup import parse_cgroup
    from nsview.kernel.cgroup_files import read_file
    from nsview.kernel.cgroup_io import blkio_counts
    from nsview.kernel.cgroupfs import read_cgroupfs

    own = parse_cgroup(procfs.read_global("self/cgroup"))
    place = read_cgroupfs().place([line._replace(path="/") for line in own], "blkio")
    counts = place is None or place.version == 2 or blkio_counts(read_file, place)
    words = "counted by control groups" if counts else "v1's blkio counts nothing on this kernel"
    cost = "bytes are summed over processes: what ended between two looks is missing"
    return Finding("block devices", counts, words, cost)


def _there(has: bool) -> str:
    return "there" if has else "missing"
