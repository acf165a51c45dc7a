"""Who processes run as: a uid in the kernel, a number in each user namespace, a name in each root.

The kernel knows numbers alone. Names are what /etc/passwd says, and a container has its own one:
uid 101 is `nginx` in there and `messagebus` on the host.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nsview.host.accounts import read_accounts_inside
from nsview.host.model import Container, Snapshot
from nsview.host.process_details import read_uid_maps
from nsview.host.users import user_name
from nsview.kernel.idmap import IdRange, to_inside
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs
from nsview.kernel.task import Task
from nsview.named_tuple import NamedTuple
from nsview.typed import Iterable, Mapping

_USER = KINDS.index("user")


class NamesInside(NamedTuple):
    """The users in the /etc/passwd of one container."""

    first: tuple[int, int]
    """Identity of the process whose root that was."""
    users: Mapping[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUsers:
    """What turns the uid of a process into names; text is as the container wrote it."""

    maps: Mapping[int, tuple[IdRange, ...]] = field(default_factory=dict)
    """Inode of a user namespace -> its uid map, as the reader's user namespace sees it."""
    outside: Mapping[int, str] = field(default_factory=dict)
    """Names that the host has."""
    inside: Mapping[str, NamesInside] = field(default_factory=dict)
    """`ref` of a container -> the names that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserWords:
    """One user, as it is called inside and outside."""

    inside: str
    outside: str
    same: bool
    """Its user namespace is the host's: there is one number, and the name inside says it all."""

    def __str__(self) -> str:
        return self.inside if self.same else f"{self.inside} = {self.outside}"


def read_process_users(
    procfs: Procfs, snapshot: Snapshot, pids: Iterable[int], known: ProcessUsers | None = None
) -> ProcessUsers:
    """Read what the users of `pids` are called; files of containers in `known` are not read again.

    From /proc/PID/uid_map, /etc/passwd of the host (by getpwuid(3)) and of each container.
    """
    pids = list(pids)
    uids = {task.uid for pid in pids if (task := snapshot.tasks.get(pid)) is not None}
    outside = {uid: name for uid in uids if (name := user_name(uid)) is not None}
    refs = {snapshot.membership.get(pid) for pid in pids}
    before = known.inside if known else {}
    return ProcessUsers(
        maps=read_uid_maps(procfs, snapshot, pids),
        outside=outside,
        inside={
            one.ref: _names_inside(procfs, one, outside, before.get(one.ref))
            for one in snapshot.containers
            if one.ref in refs
        },
    )


def _names_inside(
    procfs: Procfs, one: Container, outside: Mapping[int, str], before: NamesInside | None
) -> NamesInside:
    if one.pid is None or one.start_time is None:
        return NamesInside((0, 0), {})
    first = one.pid, one.start_time
    if one.kind == "isolated":  # it has the host's root, and its names
        return NamesInside(first, outside)
    if before is not None and before.first == first:
        return before
    return NamesInside(first, read_accounts_inside(procfs, one.pid).users)


def user_words(snapshot: Snapshot, task: Task, users: ProcessUsers) -> UserWords:
    """What its effective user is called; a number where nobody has a name for it.

    user_namespaces(7): the kernel knows one uid (what we read); each namespace maps numbers to it.
    """
    outside = users.outside.get(task.uid, str(task.uid))
    ref = snapshot.membership.get(task.pid)
    read = None if ref is None else users.inside.get(ref)
    names = users.outside if ref is None else read.users if read else {}
    namespace = task.namespaces[_USER]
    if namespace in (0, snapshot.initial.get("user")):
        return UserWords(inside=names.get(task.uid, str(task.uid)), outside=outside, same=True)
    ranges = users.maps.get(namespace)
    number = None if ranges is None else to_inside(ranges, task.uid)
    if number is None:
        word = "?" if ranges is None else "unmapped"
    else:
        word = names.get(number, str(number))
    return UserWords(inside=word, outside=outside, same=number == task.uid and word == outside)
