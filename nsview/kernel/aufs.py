"""The branches of an aufs mount, from /sys/fs/aufs/si_<id>/br<N> or its options.

sfjro/aufs-standalone: fs/aufs/sysfs.c, Documentation/ABI/testing/sysfs-aufs.
"""

from __future__ import annotations

import os
import re

from nsview.kernel.mountinfo import unescape
from nsview.kernel.safe_open import read_below
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterable

_BRANCH_FILE = re.compile(r"br([0-9]{1,5})", re.ASCII)
_ID = re.compile(r"[0-9a-f]{1,16}")
_PERMISSIONS: Final = frozenset({"rw", "ro", "rr"})
#: A page is what the kernel gives.
_LIMIT: Final = 64 * 1024


class Branch(NamedTuple):
    """One directory of the union."""

    path: str
    permission: str
    """rw; ro; rr: ro on a file system that cannot change."""
    attributes: tuple[str, ...] = ()
    """wh: whiteouts in it are looked at although it is read-only; ..."""


def parse_branch(text: str) -> Branch | None:
    """Read ``PATH=PERMISSION[+ATTRIBUTE...]``; None when it is none. A path may hold a ``=``."""
    path, equals, words = text.removesuffix("\n").rpartition("=")
    permission, *attributes = words.split("+")
    if not equals or not path.startswith("/") or permission not in _PERMISSIONS:
        return None
    return Branch(path, permission, tuple(attributes))


def parse_branch_options(super_options: Iterable[str]) -> tuple[Branch, ...]:
    """The branches that an option ``br:A=rw:B=ro`` shows; () where sysfs has them instead."""
    for option in super_options:
        if option.startswith("br:"):
            found = (parse_branch(unescape(one)) for one in option[3:].split(":"))
            return tuple(branch for branch in found if branch is not None)
    return ()


def read_branches(super_options: Iterable[str], sysfs: str = "/sys") -> tuple[Branch, ...] | None:
    """The branches of a mount, topmost first; None where neither its options nor sysfs tell."""
    options = tuple(super_options)
    if shown := parse_branch_options(options):
        return shown
    identity = next((one[3:] for one in options if one.startswith("si=")), "")
    if not _ID.fullmatch(identity):
        return None
    home = f"{sysfs}/fs/aufs/si_{identity}"
    try:
        names = os.listdir(home)
    except OSError:
        return None
    numbers = sorted(int(match[1]) for name in names if (match := _BRANCH_FILE.fullmatch(name)))
    texts = (read_below(home, f"br{number}", limit=_LIMIT) for number in numbers)
    found = (parse_branch(os.fsdecode(text)) for text in texts if text is not None)
    return tuple(branch for branch in found if branch is not None) or None
