"""Everything about one container that is worth a page: who it is, what it may do, what it shares.

All of it is told by its first process, for a container is nothing else than processes with a
changed view.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace

from nsview.host.accounts import Accounts, group_name, read_accounts_inside
from nsview.host.joined_facts import JoinedFacts, read_joined_facts
from nsview.host.matrix import NamespaceShare, namespace_matrix
from nsview.host.mounts import arrange_mounts
from nsview.host.pid_map import pid_levels
from nsview.host.process_details import ProcessDetails, read_process_details
from nsview.host.sysctls import Sysctl, compare_sysctls, read_sysctls
from nsview.host.users import user_name
from nsview.kernel.capabilities import ENGINE_DEFAULT, capability_names, read_capability_count
from nsview.kernel.idmap import IdRange, to_inside
from nsview.kernel.limits import Limit, parse_limits
from nsview.kernel.lsm import read_label
from nsview.kernel.mountinfo import Mount, read_mountinfo
from nsview.kernel.nsfs import NamespaceFacts, open_namespace, read_facts
from nsview.kernel.status import Status, parse_status
from nsview.kernel.timens import TimeOffsets, parse_timens_offsets
from nsview.typed import TYPE_CHECKING, Callable, Final, Mapping, TypeVar

if TYPE_CHECKING:
    from nsview.host.model import Container, PidLevel, Snapshot
    from nsview.kernel.procfs import Procfs
    from nsview.kernel.task import CgroupPath, Task

T = TypeVar("T")

_EFFECTIVE: Final = 1  # place in the Uid and Gid lines of /proc/PID/status
_SECCOMP_MODES: Final = {0: "off", 1: "strict", 2: "filter"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user or group id, and what it is on both sides of a user namespace."""

    outside: int
    outside_name: str | None
    inside: int | None
    """None: the id is not mapped, inside it shows as 65534."""
    inside_name: str | None
    """As the container's own /etc/passwd says, which it may have forged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Names without ``CAP_``. They count in the user namespace of the process only."""

    effective: tuple[str, ...]
    bounding: tuple[str, ...]
    ambient: tuple[str, ...]
    total: int
    """How many this kernel has."""
    beyond_default: tuple[str, ...]
    """Effective, and not among the fourteen that engines give by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A container, closer. None or empty is what could not be read; `partial` says why."""

    container: Container
    pids: tuple[PidLevel, ...] = ()
    """Of its first process: its number at every level, the host's first."""
    process: ProcessDetails | None = None
    user: Account | None = None
    group: Account | None = None
    groups: tuple[Account, ...] = ()
    """Supplementary."""
    capabilities: Capabilities | None = None
    seccomp: str | None = None
    """off, strict or filter."""
    seccomp_filters: int | None = None
    no_new_privs: bool | None = None
    label: str | None = None
    """Of the security module: an AppArmor profile, an SELinux context."""
    uid_map: tuple[IdRange, ...] = ()
    gid_map: tuple[IdRange, ...] = ()
    time_offsets: TimeOffsets | None = None
    limits: tuple[Limit, ...] = ()
    oom_score_adj: int | None = None
    cgroups: tuple[CgroupPath, ...] = ()
    root: Mount | None = None
    """The mount that is its ``/``; None for a chroot to a mere directory, too."""
    hostname: str | None = None
    """As a thread reads it that has joined its uts namespace."""
    domainname: str | None = None
    kernel: str = ""
    """Release of the one kernel that all containers share with the host."""
    sysctls: tuple[Sysctl, ...] = ()
    namespaces: tuple[NamespaceShare, ...] = field(default_factory=tuple)
    partial: tuple[str, ...] = ()


def read_details(procfs: Procfs, snapshot: Snapshot, container: Container) -> Details:
    """Read everything about a container; never raises for what is gone or forbidden.

    It opens files in the container's file system, which may be slow to answer: for a worker.
    """
    task = snapshot.tasks.get(container.pid) if container.pid is not None else None
    kernel = os.uname().release
    if task is None:
        return Details(container=container, kernel=kernel, partial=("it does not run",))
    process = read_process_details(procfs, task)
    if process is None:
        return Details(container=container, kernel=kernel, partial=("its first process is gone",))
    reader = _Reader(procfs, task.pid)
    status = reader.parse("status", parse_status)
    matrix = _with_owners(procfs, task, namespace_matrix(snapshot, container))
    joined = read_joined_facts(procfs, task.pid, {row.kind: row.shared for row in matrix})
    details = Details(
        container=container,
        pids=pid_levels(snapshot, task),
        process=process,
        uid_map=process.uid_map,
        gid_map=process.gid_map,
        label=reader.label(),
        time_offsets=reader.parse("timens_offsets", parse_timens_offsets),
        limits=reader.parse("limits", parse_limits) or (),
        oom_score_adj=reader.parse("oom_score_adj", int),
        cgroups=task.cgroups,
        root=reader.root(),
        hostname=joined.hostname,
        domainname=joined.domainname,
        kernel=kernel,
        sysctls=_sysctls(procfs, joined, matrix),
        namespaces=matrix,
        partial=(*reader.partial, *joined.partial),
    )
    return details if status is None else _with_status(procfs, details, status, task.pid)


def _with_status(procfs: Procfs, details: Details, status: Status, pid: int) -> Details:
    inside = read_accounts_inside(procfs, pid)
    effective = capability_names(status.cap_effective)
    return replace(
        details,
        user=_user(status.uids[_EFFECTIVE], details.uid_map, inside),
        group=_group(status.gids[_EFFECTIVE], details.gid_map, inside),
        groups=tuple(_group(gid, details.gid_map, inside) for gid in status.groups),
        capabilities=Capabilities(
            effective=effective,
            bounding=capability_names(status.cap_bounding),
            ambient=capability_names(status.cap_ambient),
            total=read_capability_count(procfs),
            beyond_default=tuple(name for name in effective if name not in ENGINE_DEFAULT),
        ),
        seccomp=None if status.seccomp is None else _SECCOMP_MODES.get(status.seccomp),
        seccomp_filters=status.seccomp_filters,
        no_new_privs=status.no_new_privs,
    )


def _user(uid: int, ranges: tuple[IdRange, ...], inside: Accounts) -> Account:
    return _account(uid, user_name(uid), ranges, inside.users)


def _group(gid: int, ranges: tuple[IdRange, ...], inside: Accounts) -> Account:
    return _account(gid, group_name(gid), ranges, inside.groups)


def _account(
    number: int, name: str | None, ranges: tuple[IdRange, ...], names: Mapping[int, str]
) -> Account:
    inner = to_inside(ranges, number)
    return Account(
        outside=number,
        outside_name=name,
        inside=inner,
        inside_name=None if inner is None else names.get(inner),
    )


def _with_owners(
    procfs: Procfs, task: Task, matrix: tuple[NamespaceShare, ...]
) -> tuple[NamespaceShare, ...]:
    rows = []
    for row in matrix:
        facts = _namespace_facts(procfs, task.pid, row.kind)
        known = facts is not None and facts.ino == row.ino
        rows.append(replace(row, id=facts.id, owner=facts.owner) if facts and known else row)
    return tuple(rows)


def _namespace_facts(procfs: Procfs, pid: int, kind: str) -> NamespaceFacts | None:
    try:
        descriptor = open_namespace(procfs, pid, kind)
    except OSError:
        return None
    try:
        return read_facts(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _sysctls(
    procfs: Procfs, joined: JoinedFacts, matrix: tuple[NamespaceShare, ...]
) -> tuple[Sysctl, ...]:
    shared = {row.kind for row in matrix if row.shared}
    return compare_sysctls(read_sysctls(procfs.root), joined.sysctls, lambda kind: kind in shared)


class _Reader:
    """Reads files of one process, and remembers what was refused."""

    def __init__(self, procfs: Procfs, pid: int) -> None:
        self.partial: list[str] = []
        self._procfs = procfs
        self._pid = pid

    def parse(self, name: str, parser: Callable[[bytes], T]) -> T | None:
        """The parsed file, or None."""
        data = self._read(name, lambda: self._procfs.read(self._pid, name))
        try:
            return parser(data) if data else None
        except ValueError:
            return None  # torn: it was ending

    def label(self) -> str | None:
        """Of the security module."""
        return self._read("attr/current", lambda: read_label(self._procfs, self._pid))

    def root(self) -> Mount | None:
        """The mount that it has as ``/``."""
        mounts = self._read("mountinfo", lambda: read_mountinfo(self._procfs, self._pid))
        nodes = arrange_mounts(mounts or ())
        visible = (node.mount for node in nodes if node.hidden is None)
        return next((mount for mount in visible if mount.target == "/"), None)

    def _read(self, name: str, read: Callable[[], T | None]) -> T | None:
        try:
            return read()
        except PermissionError:
            self.partial.append(f"/proc/{self._pid}/{name} may not be read")
        except OSError:
            pass  # the process is ending
        return None
