"""Users as a container's own /etc/passwd and /etc/group have them: passwd(5), group(5).

Both files are the container's to forge. They are read by ourselves, not by the C library, which
would load the container's modules for it (CVE-2019-14271).
"""

from __future__ import annotations

import os

from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterator

#: (uid_t) -1 means "no change" to setresuid(2).
_LARGEST_ID: Final = 0xFFFFFFFE
_PASSWD_FIELDS: Final = 7
_GROUP_FIELDS: Final = 4
_DIGITS: Final = 10
_ROOT: Final = "root"


class Account(NamedTuple):
    """A user to become; ids as the container counts them."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    name: str | None = None
    home: str | None = None
    shell: str | None = None


class NoSuchAccount(ValueError):  # noqa: N818 - named for the condition
    """The container knows no such user or group."""


def parse_accounts(passwd: bytes) -> Iterator[Account]:
    """The accounts of passwd(5) text, in order; malformed lines are left out."""
    for fields in _lines(passwd, _PASSWD_FIELDS):
        uid, gid = _id(fields[2]), _id(fields[3])
        if uid is not None and gid is not None:
            yield Account(
                uid=uid,
                gid=gid,
                name=fields[0],
                home=fields[5] if fields[5].startswith("/") else None,
                shell=fields[6] if fields[6].startswith("/") else None,
            )


def account_of(uid: int, passwd: bytes) -> Account | None:
    """The first account of that uid, as getpwuid(3) finds it."""
    return next((one for one in parse_accounts(passwd) if one.uid == uid), None)


def resolve_user(words: str, passwd: bytes, group: bytes) -> Account:
    """Resolve ``NAME``, ``UID``, ``NAME:GROUP`` or ``UID:GID``, as ``docker exec --user`` does.

    A name goes before a number; a number needs no account, and then has gid 0. A group that is
    given replaces all groups that the user is a member of. The gid is among the groups, too, so
    that nobody evades a group's denial by dropping them (CVE-2022-36109). Raises `NoSuchAccount`.
    """
    user, colon, wanted = words.partition(":")
    account = next((one for one in parse_accounts(passwd) if one.name == user), None)
    if account is None:
        uid = 0 if user == _ROOT else _id(user)
        if uid is None:
            raise NoSuchAccount(f"no user {user!r} in the container")
        account = account_of(uid, passwd) or Account(uid=uid, gid=0)
    if colon:
        gid = _resolve_group(wanted, group)
        return account._replace(gid=gid, groups=(gid,))
    groups = dict.fromkeys((account.gid, *_memberships(account.name, group)))
    return account._replace(groups=tuple(groups))


def _resolve_group(name: str, group: bytes) -> int:
    for fields in _lines(group, _GROUP_FIELDS):
        gid = _id(fields[2])
        if fields[0] == name and gid is not None:
            return gid
    gid = _id(name)
    if gid is None:
        raise NoSuchAccount(f"no group {name!r} in the container")
    return gid


def _memberships(user: str | None, group: bytes) -> Iterator[int]:
    for fields in _lines(group, _GROUP_FIELDS):
        gid = _id(fields[2])
        if user is not None and gid is not None and user in fields[3].split(","):
            yield gid


def _lines(data: bytes, fields: int) -> Iterator[list[str]]:
    for line in os.fsdecode(data).split("\n"):
        parts = line.split(":")
        if len(parts) == fields and parts[0]:
            yield parts


def _id(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        return None
    return int(text) if int(text) <= _LARGEST_ID else None
