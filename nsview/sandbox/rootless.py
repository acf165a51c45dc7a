"""A user namespace for somebody without rights: with the ids that /etc/subuid gives, or with none.

To map others than oneself takes rights; newuidmap(1) and newgidmap(1), which are setuid, do it for
ids that are the caller's by subuid(5). podman and rootless docker take the same: root inside is the
user, and from 1 on follow the user's subordinate ids.
"""

from __future__ import annotations

import os
import pwd
import stat

from nsview.errors import NotPermitted
from nsview.kernel.idmap import IdRange
from nsview.kernel.safe_open import read_below
from nsview.kernel.subordinate_ids import Range, map_of_user, parse_ranges
from nsview.kernel.user_namespace import become_root_of, call_in, make_user_namespace, write_maps_of
from nsview.named_tuple import NamedTuple
from nsview.sandbox.subordinate import FILES, Ids
from nsview.typed import Callable, Final

_HELPERS: Final = ("newuidmap", "newgidmap")
_PLACES: Final = ("/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin")
_LOUDEST: Final = 4096
_SWITCH: Final = "/etc/nsswitch.conf"
#: Images have files of nobody, 65534.
_USUAL: Final = 65534
#: SUB_UID_MIN in login.defs(5).
_FIRST: Final = 100000


class Made(NamedTuple):
    """A user namespace."""

    fd: int
    ids: Ids


class _NoIdsError(Exception):
    """The reason why no ids but the caller's own can be mapped."""


def make_own_namespace() -> Made:
    """One with as many ids as may be had, and a note where that is not enough for most images.

    Raises `NotPermitted` where there are no user namespaces to be had at all.
    """
    try:
        try:
            return _make_with_ranges()
        except _NoIdsError as reason:
            return _make_for_one(str(reason))
    except OSError as error:
        raise NotPermitted(
            f"no user namespace: {error.strerror}",
            hint="see user.max_user_namespaces, kernel.unprivileged_userns_clone and "
            "kernel.apparmor_restrict_unprivileged_userns; or sudo nsview run ...",
        ) from None


def call_as_root(work: Callable[[], list[str]]) -> list[str]:
    """Call something as the root of a user namespace of ours: files of its ids are then its own.

    Raises `NotPermitted` where there are none to be had.
    """
    made = make_own_namespace()
    try:
        return call_in(made.fd, work)  # type: ignore[no-any-return]
    finally:
        os.close(made.fd)


def become_root() -> Ids | None:
    """Join a user namespace of ours for ever, as its root; None where that is of no use.

    What a group of ours may do, we still may. Raises `NotPermitted`.
    """
    made = make_own_namespace()
    try:
        if made.ids.is_one_user:
            return None
        become_root_of(made.fd, groups=True)
    except OSError:  # EINVAL: we have other threads
        return None
    finally:
        os.close(made.fd)
    return made.ids


def _make_with_ranges() -> Made:
    uids, gids = _own_ranges()
    helpers = [_find(name) for name in _HELPERS]
    maps = map_of_user(os.geteuid(), uids), map_of_user(os.getegid(), gids)
    ids = Ids(*maps)
    if ids.is_one_user:
        raise _NoIdsError(f"{' or '.join(FILES)} has no ids that there are")

    def write_maps(child: int) -> None:
        for helper, one in zip(helpers, maps, strict=True):
            _run(helper, child, one)

    fd = make_user_namespace(write_maps)
    if ids.highest < _USUAL:
        words = f"ids 0 to {ids.highest} only, as /etc/subuid and /etc/subgid have no more"
        ids = ids._replace(note=f"user namespace: {words}")
    return Made(fd, ids)


def _make_for_one(reason: str) -> Made:
    ids = Ids(
        uids=(IdRange(0, os.geteuid(), 1),),
        gids=(IdRange(0, os.getegid(), 1),),
        note=f"user namespace: there is no user in it but root: {reason}",
    )
    fd = make_user_namespace(lambda child: write_maps_of(child, *ids.maps, groups=False))
    return Made(fd, ids)


def _own_ranges() -> tuple[list[Range], list[Range]]:
    """The caller's, by name or by number."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise _NoIdsError(f"uid {os.geteuid()} has no name") from None
    names = (name, str(os.geteuid()))
    everybodys = [parse_ranges(read_below("/", path) or b"") for path in FILES]
    uids, gids = ([one for one in ranges if one.owner in names] for ranges in everybodys)
    if not (uids and gids) and _has_service():
        uids, gids = _told_by_service(name)
    for path, found in zip(FILES, (uids, gids), strict=True):
        if not any(one.count for one in found):
            free = _after([*everybodys[0], *everybodys[1]])
            raise _NoIdsError(
                f"{path} has no ids for {name} "
                f"(usermod --add-subuids {free} --add-subgids {free} {name})"
            )
    return uids, gids


def _after(taken: list[Range]) -> str:
    """As many ids as adduser(8) gives, that nobody has."""
    start = max((one.start + one.count for one in taken), default=_FIRST)
    return f"{max(start, _FIRST)}-{max(start, _FIRST) + _USUAL + 1}"


def _has_service() -> bool:
    """Say whether subordinate ids are a directory service's: ``subid:`` in nsswitch.conf(5)."""
    lines = (read_below("/", _SWITCH) or b"").splitlines()
    words = next((line.split()[1:] for line in lines if line.startswith(b"subid:")), [])
    return bool(words) and words != [b"files"]


def _told_by_service(name: str) -> tuple[list[Range], list[Range]]:
    """``getsubids``: lines of ``0: alice 100000 65536``."""
    program = _find("getsubids")
    told = []
    for options in ((), ("-g",)):
        _, said = _say([program, *options, name])
        words = (line.split()[1:] for line in said.splitlines())
        told.append(parse_ranges(b"\n".join(b":".join(one) for one in words)))
    return told[0], told[1]


def _find(name: str) -> str:
    for place in dict.fromkeys((*os.get_exec_path(), *_PLACES)):
        path = os.path.join(place, name)
        if place.startswith("/") and os.access(path, os.X_OK):
            return path
    raise _NoIdsError(f"{name} is not installed (package uidmap, or shadow-utils)")


def _run(helper: str, child: int, ranges: tuple[IdRange, ...]) -> None:
    """Have it map ids for a process; raises `_NoIdsError` with its words."""
    numbers = (str(number) for one in ranges for number in one)
    status, said = _say([helper, str(child), *numbers])
    name = os.path.basename(helper)
    with open(f"/proc/{child}/{name.removeprefix('new').replace('map', '_map')}", "rb") as file:
        if file.read():
            return
    if not _has_rights(helper):
        raise _NoIdsError(f"{helper} is not setuid")
    lines = said.decode(errors="replace").strip().splitlines() or [f"exit status {status}"]
    raise _NoIdsError(f"{name}: {lines[0].removeprefix(f'{name}: ')}")


def _has_rights(path: str) -> bool:
    """Some systems have given them file capabilities instead."""
    if os.stat(path).st_mode & stat.S_ISUID:
        return True
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False


def _say(command: list[str]) -> tuple[int, bytes]:
    """Run a program; its exit status, and what it said on both its streams."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, writing, fd) for fd in (1, 2)]
    try:
        child = os.posix_spawn(command[0], command, {"LC_ALL": "C"}, file_actions=actions)
    except OSError as error:
        os.close(reading)
        raise _NoIdsError(f"{command[0]}: {error.strerror}") from None
    finally:
        os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read(_LOUDEST)
    try:
        _, status = os.waitpid(child, 0)
    except ChildProcessError:  # SIGCHLD is ignored: the kernel keeps no status
        return 0, said
    return os.waitstatus_to_exitcode(status), said
