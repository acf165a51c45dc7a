r"""/proc/PID/mountinfo: the mount table of a process (proc_pid_mountinfo(5)).

Written by fs/proc_namespace.c:show_mountinfo. Only space, tab, newline and backslash (and ``#`` in
the source) are escaped, as three octal digits. A path may hold ``\r``, ``\v`` or bytes that are no
UTF-8, and an empty source is two adjacent spaces: a line ends at ``\n`` and a field at one space.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from nsview.named_tuple import NamedTuple

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

#: ID PARENT MAJ:MIN ROOT TARGET OPTIONS [TAG...] - FSTYPE SOURCE SUPEROPTIONS. The separator is the
#: first lone dash after the options, for a tag never is one. The super options are the whole rest:
#: old cifs wrote raw spaces in there.
_LINE = re.compile(
    r"^(\d{1,10}) (\d{1,10}) (\d{1,10}):(\d{1,10}) ([^ \n]+) ([^ \n]+) ([^ \n]+)"
    r"((?: [^ \n]+)*?) - ([^ \n]+) ([^ \n]*) ([^\n]*)$",
    re.ASCII | re.MULTILINE,
)
# The rarer ones are compiled when they are needed, by re itself: that takes longer than reading.
#: Number and parent of what is mounted on /.
_ON_ROOT = rb"(?m)^(\d{1,10}) (\d{1,10}) [^ \n]+ [^ \n]+ / "
_TAG = r"(?a) (shared|master|propagate_from):(\d{1,10})(?= |$)"
_OCTAL = rb"\\([0-3][0-7][0-7])"
#: SELinux alone quotes: a label with a comma in it (security/selinux/hooks.c:show_sid). A quotation
#: mark anywhere else, in a path say, is a character like others.
_LABEL = r'(?:^|(?<=,))(?:fs|def|root)?context="[^"]*"(?=,|$)'
#: Distinct option texts on a host with hundreds of mount namespaces: nearly all lines repeat.
_CACHED_TEXTS = 2048


class Propagation(NamedTuple):
    """How mounts made below this one spread (mount_namespaces(7)); all unset: private."""

    shared: int | None = None
    """Peer group that it exchanges mount events with."""
    master: int | None = None
    """Peer group that it receives from."""
    propagate_from: int | None = None
    """Nearest dominating peer group under the reader's root, when that is not `master`."""
    unbindable: bool = False


#: No optional tag at all.
PRIVATE: Final = Propagation()


class Mount(NamedTuple):
    """One mount. Text is os.fsdecode'd and, but for the super options, unescaped."""

    id: int
    """Reused once the mount is gone."""
    parent: int
    """Its line may be missing: mounts outside the process's root are not listed."""
    major: int
    minor: int
    root: str
    """What of the file system is mounted here; nsfs writes ``net:[4026531840]``."""
    target: str
    """Mount point, seen from the process's root."""
    fstype: str
    source: str
    options: tuple[str, ...]
    """Of this mount: ``ro`` here is a read-only mount of a perhaps writable file system."""
    super_options: tuple[str, ...]
    """Of the file system, each one still escaped: split ``key=value``, then `unescape`."""
    subtype: str | None = None
    """``sshfs`` of ``fuse.sshfs``."""
    propagation: Propagation = PRIVATE
    unique_id: int | None = None
    """Never reused; only statmount(2) tells it."""

    @property
    def device(self) -> str:
        """``MAJ:MIN``, the identity of the file system in every mount namespace."""
        return f"{self.major}:{self.minor}"


def read_mountinfo(
    procfs: Procfs, pid: int, parse: Callable[[bytes], tuple[Mount, ...]] | None = None
) -> tuple[Mount, ...] | None:
    """Return the mount table of a process; None when it is gone or a zombie.

    `parse` may pick out of it: as `parse_mountinfo`, which gives it all.
    Raises PermissionError when its mounts may not be read (PTRACE_MODE_READ).
    """
    try:
        data = procfs.read(pid, "mountinfo")
    except OSError as error:
        if error.errno == errno.EINVAL:  # an exiting task has no mount namespace any more
            return None
        raise
    return None if data is None else (parse or parse_mountinfo)(data)


def parse_mountinfo(data: bytes) -> tuple[Mount, ...]:
    """Return the mounts in the order of the file; a malformed line is skipped."""
    text = os.fsdecode(
        data
    )  # no multi-byte UTF-8 sequence holds an ASCII byte: split later is safe
    return tuple(_mount(*line) for line in _LINE.findall(text))


def parse_mounts_on_root(data: bytes) -> tuple[Mount, ...]:
    """Return the mounts on ``/`` and the mounts that these hang on, of the many in a table."""
    numbers = {number for pair in re.findall(_ON_ROOT, data) for number in pair}
    if not numbers:
        return ()
    lines = re.findall(rb"^(?:%b) .*$" % b"|".join(numbers), data, re.MULTILINE)
    return parse_mountinfo(b"\n".join(lines))


def unescape(text: str) -> str:
    r"""Undo the kernel's octal escapes (``\040``); any other backslash stays."""
    if "\\" not in text:
        return text
    raw = re.sub(_OCTAL, lambda match: bytes([int(match[1], 8)]), os.fsencode(text))
    return os.fsdecode(raw)


@lru_cache(_CACHED_TEXTS)
def split_options(text: str) -> tuple[str, ...]:
    """Split mount options at the commas that are not inside a quoted security label."""
    if 'context="' not in text:
        return tuple(filter(None, text.split(",")))
    parts: list[str] = []
    end = 0
    for label in re.finditer(_LABEL, text):
        parts += text[end : label.start()].split(",")
        parts.append(label[0])
        end = label.end()
    parts += text[end:].split(",")
    return tuple(filter(None, parts))


def split_type(fstype: str) -> tuple[str, str | None]:
    """``fuse.sshfs`` -> (``fuse``, ``sshfs``)."""
    kind, dot, subtype = fstype.partition(".")
    return kind, subtype if dot else None


def _mount(  # one parameter a field of the line, in its order
    number: str,
    parent: str,
    major: str,
    minor: str,
    root: str,
    target: str,
    options: str,
    tags: str,
    fstype: str,
    source: str,
    super_options: str,
) -> Mount:
    kind, subtype = split_type(unescape(fstype))
    return Mount(
        id=int(number),
        parent=int(parent),
        major=int(major),
        minor=int(minor),
        root=unescape(root),
        target=unescape(target),
        fstype=kind,
        subtype=subtype,
        source=unescape(source),
        options=split_options(options),
        super_options=split_options(super_options),
        propagation=_propagation(tags),
    )


@lru_cache(_CACHED_TEXTS)
def _propagation(tags: str) -> Propagation:
    groups = {name: int(group) for name, group in re.findall(_TAG, tags)}
    return Propagation(**groups, unbindable="unbindable" in tags.split(" "))
