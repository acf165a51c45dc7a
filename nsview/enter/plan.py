"""From what is asked and what the kernel says of the target to what will be done. No I/O."""

from __future__ import annotations

from nsview.enter.environment import DEFAULT_PATH, host_environment, parse_environ
from nsview.enter.target import Label, ResourceLimit, Target
from nsview.errors import NsviewError
from nsview.kernel.idmap import IdRange, to_inside, to_outside
from nsview.kernel.namespaces import KINDS
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Final, Mapping

if TYPE_CHECKING:
    from nsview.enter.account import Account

#: As those who join from outside may: all but user with the rights of the host, user at the end,
#: for it takes those rights away. Time and pid are for the next child, whenever they are joined.
_ORDER: Final = ("cgroup", "ipc", "uts", "net", "pid", "time", "mnt", "user")
_SECCOMP_FILTER: Final = 2
_TERM: Final = b"xterm"


class Request(NamedTuple):
    """What is asked for; the command and its place apart."""

    kinds: frozenset[str] = frozenset(KINDS)
    """Namespaces to join."""
    privileged: bool = False
    """Root with every capability, and without seccomp, no_new_privs or a security label."""
    user: Account | None = None
    """Ids as the container counts them; None is the target's own user."""
    join_cgroup: bool = True
    environment: Mapping[bytes, bytes] | None = None
    """To add and to replace."""
    terminal: bool = False
    rootless: bool = False
    """We have no rights but those in the target's user namespace."""


class Plan(NamedTuple):
    """What the command will be; ids are those of the host."""

    inside: bool
    """It has the container's files. Otherwise it is a program of the host, with its rights."""
    namespaces: tuple[tuple[str, int], ...]
    """kind and inode, in the order in which they are joined; those that are ours are left out."""
    environment: Mapping[bytes, bytes]
    rootless: bool = False
    """The user namespace is the first to be joined."""
    owner_of_mounts: bool = False
    """The user namespace is the one that owns the mounts, not the target's own, further inside."""
    join_cgroup: bool = False
    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] | None = None
    bounding: int | None = None
    """None: all capabilities are kept."""
    inheritable: int = 0
    ambient: int = 0
    no_new_privs: bool = False
    seccomp: bool = False
    """Copy the target's filters."""
    filters: tuple[bytes, ...] = ()
    """Those that are known already."""
    label: Label | None = None
    limits: tuple[ResourceLimit, ...] = ()
    umask: int | None = None
    oom_score_adj: int | None = None

    @property
    def path(self) -> bytes:
        """Where its programs are looked for."""
        return self.environment.get(b"PATH", DEFAULT_PATH)


def make_plan(
    target: Target, request: Request, own: Mapping[str, int], environ: Mapping[bytes, bytes]
) -> Plan:
    """Decide everything that can be decided before joining.

    `own` are the inodes of our own namespaces, `environ` is our own environment. Raises
    `NsviewError` where an id that is asked for means nothing in the target's user namespace.
    """
    inside = "mnt" in request.kinds
    joins = _joins(target, request, own)
    if not inside:
        environment = {**host_environment(environ), **(request.environment or {})}
        return Plan(
            inside=False, namespaces=joins, rootless=request.rootless, environment=environment
        )
    user = _Ids(target, request, own)
    common = Plan(
        inside=True,
        namespaces=joins,
        rootless=request.rootless,
        owner_of_mounts=_takes_owner(target, request),
        join_cgroup=request.join_cgroup,
        uid=user.uid,
        gid=user.gid,
        groups=user.groups,
        limits=target.limits,
        umask=target.status.umask,
        oom_score_adj=target.oom_score_adj,
        environment=_environment(target, request, environ),
    )
    return common if request.privileged else _confined(common, target, request)


def _confined(plan: Plan, target: Target, request: Request) -> Plan:
    """Take over what confines the target.

    The bounding set is the source for root: a first process may have dropped capabilities for
    itself alone, and execve(2) gives root the bounding set. Another user keeps what is ambient.
    """

    status = target.status
    same = request.user is None
    return plan._replace(
        bounding=status.cap_bounding,
        inheritable=status.cap_inheritable if same else 0,
        ambient=status.cap_ambient if same else 0,
        no_new_privs=bool(status.no_new_privs),
        seccomp=status.seccomp == _SECCOMP_FILTER,
        label=target.label,
    )


def _joins(target: Target, request: Request, own: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Namespaces in order. Our own is not joined again: for user that is EINVAL."""
    inodes = dict(target.namespaces)
    if _takes_owner(target, request):
        inodes["user"] = target.owner_of_mounts
    order = sorted(_ORDER, key="user".__ne__) if request.rootless else _ORDER
    return tuple(
        (kind, inodes[kind])
        for kind in order
        if kind in request.kinds and inodes.get(kind, 0) not in (0, own.get(kind))
    )


def _takes_owner(target: Target, request: Request) -> bool:
    """Where user namespaces nest (bwrap --dev), only the owner's root may change the mounts."""
    return request.privileged and target.owner_of_mounts not in (0, target.namespaces["user"])


class _Ids:
    """The user as ids of the host, which are what setresuid(2) takes before the user is joined."""

    def __init__(self, target: Target, request: Request, own: Mapping[str, int]) -> None:
        status, user = target.status, request.user
        foreign = target.namespaces["user"] != own.get("user")
        self._uids = target.uid_map if foreign else ()
        self._gids = target.gid_map if foreign else ()
        if user is not None:
            self.uid = _outside(self._uids, user.uid, "uid")
            self.gid = _outside(self._gids, user.gid, "gid")
            self.groups = tuple(_outside(self._gids, one, "gid") for one in user.groups)
        elif request.privileged:
            # 0 inside, or the host's where the namespace has no 0.
            self.uid = to_outside(self._uids, 0) or 0
            self.gid = to_outside(self._gids, 0) or 0
            self.groups = ()
        else:
            self.uid, self.gid, self.groups = status.uids[1], status.gids[1], status.groups


def _outside(ranges: tuple[IdRange, ...], inside: int, word: str) -> int:
    found = to_outside(ranges, inside) if ranges else inside
    if found is None:
        raise NsviewError(f"{word} {inside} means nothing in the container: it has no such id")
    return found


class InnerIds(NamedTuple):
    """The user of a plan by the ids of the target's user namespace."""

    uid: int | None
    gid: int | None
    groups: list[int] | None
    """None: those that we have stay, as in a namespace of one user they did for the target."""


def inner_ids(plan: Plan, target: Target) -> InnerIds:
    """Whom to become once in there, where a plan goes by the ids of the host."""
    groups = [to_inside(target.gid_map, one) for one in plan.groups or ()]
    known = [one for one in groups if one is not None]
    is_one_user = len(target.gid_map) == 1 and target.gid_map[0].length == 1
    return InnerIds(
        uid=None if plan.uid is None else to_inside(target.uid_map, plan.uid),
        gid=None if plan.gid is None else to_inside(target.gid_map, plan.gid),
        groups=None if is_one_user or len(known) < len(groups) else known,
    )


def inner_uid(target: Target, own: Mapping[str, int]) -> int | None:
    """The target's uid as its own /etc/passwd counts; None where its namespace has no id for it."""
    uid = target.status.uids[1]
    if target.namespaces["user"] == own.get("user") or not target.uid_map:
        return uid
    return to_inside(target.uid_map, uid)


def _environment(
    target: Target, request: Request, environ: Mapping[bytes, bytes]
) -> dict[bytes, bytes]:
    found = {b"PATH": DEFAULT_PATH, **parse_environ(target.environ)}
    if request.terminal:
        found[b"TERM"] = environ.get(b"TERM", _TERM)
    if request.user is not None:
        found |= _of_user(request.user, found)
    return found | dict(request.environment or {})


def _of_user(user: Account, environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """What login(1) would set: HOME always, the names only where the container has them."""
    name = (user.name or str(user.uid)).encode(errors="surrogateescape")
    home = (user.home or "/").encode(errors="surrogateescape")
    names = {key: name for key in (b"USER", b"LOGNAME") if key in environment}
    return {b"HOME": home, **names}
