r"""/proc/PID/mountinfo: the mount table of a process (proc_pid_mountinfo(5)).

Written by fs/proc_namespace.c:show_mountinfo. Only space, tab, newline and backslash (and ``#`` in
the source) are escaped, as three octal digits. A path may hold ``\r``, ``\v`` or bytes that are no
UTF-8, and an empty source is two adjacent spaces: a line ends at ``\n`` and a field at one space.
"""

from __future__ import annotations

import errno
import os

from nsview.light import lru_cache
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Callable, Final

if TYPE_CHECKING:
    from nsview.kernel.procfs import Procfs

#: ID PARENT MAJ:MIN ROOT TARGET OPTIONS [TAG...] - FSTYPE SOURCE SUPEROPTIONS. The separator is the
#: first lone dash after the options, for a tag never is one. The super options are the whole rest:
#: old cifs wrote raw spaces in there.
_TAGS_AT = 6
_PEERS: Final = ("shared", "master", "propagate_from")
# re is imported where they are needed, and compiles them: that takes longer than reading a table.
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
    # No multi-byte UTF-8 sequence holds an ASCII byte: to split afterwards is safe.
    mounts = map(_parse_line, os.fsdecode(data).split("\n"))
    return tuple(mount for mount in mounts if mount is not None)


def parse_mounts_on_root(data: bytes) -> tuple[Mount, ...]:
    """Return the mounts on ``/`` and the mounts that these hang on, of the many in a table."""
    lines = [(line.split(b" ", _TAGS_AT - 1), line) for line in data.split(b"\n")]
    numbers = {number for fields, _ in lines if fields[4:5] == [b"/"] for number in fields[:2]}
    return parse_mountinfo(b"\n".join(line for fields, line in lines if fields[0] in numbers))


def unescape(text: str) -> str:
    r"""Undo the kernel's octal escapes (``\040``); any other backslash stays."""
    if "\\" not in text:
        return text
    import re

    raw = re.sub(_OCTAL, lambda match: bytes([int(match[1], 8)]), os.fsencode(text))
    return os.fsdecode(raw)


@lru_cache(_CACHED_TEXTS)
def split_options(text: str) -> tuple[str, ...]:
    """Split mount options at the commas that are not inside a quoted security label."""
    if 'context="' not in text:
        return tuple(filter(None, text.split(",")))
    import re

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


def _parse_line(line: str) -> Mount | None:
    fields = line.split(" ")
    try:
        number, parent, device, root, target, options = fields[:_TAGS_AT]
        major, minor = device.split(":")
        separator = fields.index("-", _TAGS_AT)
        fstype, source, *super_options = fields[separator + 1 :]
        numbers = int(number), int(parent), int(major), int(minor)
    except ValueError:
        return None
    if not super_options or not (number + parent + major + minor).isdecimal():  # int("1_0") is 10
        return None
    kind, subtype = split_type(unescape(fstype))
    return Mount(
        *numbers,
        root=unescape(root),
        target=unescape(target),
        fstype=kind,
        subtype=subtype,
        source=unescape(source),
        options=split_options(options),
        super_options=split_options(" ".join(super_options)),
        propagation=_propagation(tuple(fields[_TAGS_AT:separator])),
    )


@lru_cache(_CACHED_TEXTS)
def _propagation(tags: tuple[str, ...]) -> Propagation:
    named = (tag.partition(":") for tag in tags)
    groups = {name: int(group) for name, _, group in named if name in _PEERS and group.isdecimal()}
    return Propagation(**groups, unbindable="unbindable" in tags)
