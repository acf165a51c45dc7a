"""Accounts of the host: names for uids, and homes in which rootless engines keep their files."""

from __future__ import annotations

from nsview.engines.base import User
from nsview.light import lru_cache

_PASSWD_FIELDS = 7
_LARGEST_ID = 0xFFFFFFFF


@lru_cache(maxsize=4096)
def user_name(uid: int) -> str | None:
    """The host's name of a uid, or None: a uid of a container's range has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return None


def parse_passwd(data: bytes) -> tuple[User, ...]:
    """The accounts in passwd(5) text; malformed lines are left out."""
    users = []
    for line in data.decode(errors="surrogateescape").split("\n"):
        fields = line.split(":")
        if len(fields) == _PASSWD_FIELDS and _is_id(fields[2]):
            users.append(User(uid=int(fields[2]), name=fields[0], home=fields[5]))
    return tuple(users)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST_ID))


def read_users(path: str = "/etc/passwd") -> tuple[User, ...]:
    """Accounts of the local file only: asking a directory service for all of them may hang."""
    try:
        with open(path, "rb") as file:
            return parse_passwd(file.read())
    except OSError:
        return ()
