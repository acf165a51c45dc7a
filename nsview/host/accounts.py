"""Names of users and groups, as the host has them and as a container has them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from nsview.host.aside import call_aside
from nsview.light import lru_cache
from nsview.typed import TYPE_CHECKING, Final, Mapping

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

#: A container writes these files: one that is longer is left unread.
_LONGEST_FILE: Final = 1024 * 1024
_LONGEST_NAME: Final = 256
_LARGEST_ID: Final = 0xFFFFFFFF
_ID_FIELD: Final = 2


@dataclass(frozen=True, slots=True)
class Accounts:
    """Names by number."""

    users: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)


def parse_names(data: bytes) -> dict[int, str]:
    """Names by id in passwd(5) or group(5) text: both begin with ``name:password:id:``.

    The first name of an id counts, as for getpwuid(3). Malformed lines are left out.
    """
    names: dict[int, str] = {}
    for line in os.fsdecode(data).split("\n"):
        fields = line.split(":", _ID_FIELD + 1)
        if len(fields) <= _ID_FIELD or not 0 < len(fields[0]) <= _LONGEST_NAME:
            continue
        number = fields[_ID_FIELD]
        if number.isascii() and number.isdigit() and len(number) <= len(str(_LARGEST_ID)):
            names.setdefault(int(number), fields[0])
    return names


def read_accounts_inside(procfs: Procfs, pid: int) -> Accounts:
    """The names that a process finds in its own /etc; empty where they cannot be read.

    Both files are the container's to forge: they are read below its root, never through a link
    that leads out, and given up when its file system does not answer.
    """
    from nsview.kernel.safe_open import read_below

    root = procfs.path(pid, "root")

    def work() -> Accounts:
        passwd = read_below(root, "/etc/passwd", limit=_LONGEST_FILE)
        group = read_below(root, "/etc/group", limit=_LONGEST_FILE)
        return Accounts(parse_names(passwd or b""), parse_names(group or b""))

    try:
        return call_aside(work)
    except OSError:  # TimeoutError is one
        return Accounts()


@lru_cache(maxsize=1024)
def group_name(gid: int) -> str | None:
    """The host's name of a gid, or None."""
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except (KeyError, OverflowError):
        return None
