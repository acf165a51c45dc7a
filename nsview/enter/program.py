"""Programs in a container: where they are, and why one does not start.

Paths are resolved below the container's root, without magic links: a ``/bin/sh`` that leads to
/proc/self/exe is none.
"""

from __future__ import annotations

import os
import stat
import struct

from nsview.kernel.safe_open import open_below
from nsview.named_tuple import NamedTuple
from nsview.typed import Final

SHELLS: Final = ("/bin/bash", "/usr/bin/bash", "/bin/sh", "/bin/ash", "/bin/dash", "/bin/zsh",
                 "/busybox/sh", "/usr/bin/sh")  # fmt: skip
_REFUSING: Final = ("nologin", "false")
_EXECUTABLE: Final = 0o111
_HEAD: Final = 4096
_MAGIC: Final = b"\x7fELF"
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

# elf(5): where e_machine is, and the program headers of 64-bit files.
_MACHINE_AT: Final = 18
_CLASS_AT: Final = 4
_CLASS_64: Final = 2
_HEADERS_64: Final = struct.Struct("=Q")
_HEADERS_AT: Final = 32
_HEADER_SIZES: Final = struct.Struct("=HH")
_HEADER_SIZES_AT: Final = 54
_PT_INTERP: Final = 3


class Found(NamedTuple):
    """A program, and what keeps it from running, in words."""

    path: str
    problem: str | None = None


def find_program(root: int, name: str, search: bytes, loaders: int | None = None) -> Found | None:
    """Look for a program as execvp(3) does in the root directory `root`; None when there is none.

    With a slash in `name` it is that path. The first that may be executed counts, else the first
    that is there. `loaders` is the root in which it will run, where that is another one.
    """
    if "/" in name:
        # A relative one depends on the working directory: the kernel will say.
        return _look(root, name, loaders) if name.startswith("/") else Found(name)
    first = None
    for directory in os.fsdecode(search).split(":"):
        if directory.startswith("/"):
            found = _look(root, os.path.join(directory, name), loaders)
            if found is not None and found.problem is None:
                return found
            first = first or found
    return first


def find_shell(root: int, preferred: str | None) -> Found | None:
    """The shell to start when no command is given; None when the container has none that runs."""
    for path in (preferred, *SHELLS):
        if path is None or os.path.basename(path) in _REFUSING:
            continue
        found = _look(root, path)
        if found is not None and found.problem is None:
            return found
    return None


def _look(root: int, path: str, loaders: int | None = None) -> Found | None:
    try:
        fd = open_below(root, path, os.O_PATH)
    except (OSError, ValueError):
        return None
    try:
        mode = os.fstat(fd).st_mode
        if not stat.S_ISREG(mode):
            return Found(path, "it is no regular file")
        if not mode & _EXECUTABLE:
            return Found(path, "it is not executable")
        return Found(path, _problem(root if loaders is None else loaders, _read_head(fd)))
    finally:
        os.close(fd)


def _read_head(path_fd: int) -> bytes | None:
    """The first bytes of a regular file; None where it gives none."""
    try:
        fd = os.open(f"/proc/self/fd/{path_fd}", _READ)
        try:
            return os.read(fd, _HEAD)
        finally:
            os.close(fd)
    except OSError:
        return None


def _problem(root: int, head: bytes | None) -> str | None:
    if head is None:
        return None  # the kernel will say
    if head.startswith(b"#!"):
        words = head.split(b"\n", 1)[0][2:].split()
        return _missing(root, os.fsdecode(words[0])) if words else "its interpreter has no name"
    if not head.startswith(_MAGIC):
        return None  # perhaps binfmt_misc knows it
    own = _own_head()
    if head[_CLASS_AT : _CLASS_AT + 1] == own[_CLASS_AT : _CLASS_AT + 1] and _machine(
        head
    ) != _machine(own):
        return "it is for another kind of processor"
    interpreter = parse_interpreter(head)
    return None if interpreter is None else _missing(root, interpreter)


def _missing(root: int, interpreter: str) -> str | None:
    try:
        os.close(open_below(root, interpreter, os.O_PATH))
    except (OSError, ValueError):
        return f"it needs {interpreter}, which is missing"
    return None


def _machine(head: bytes) -> bytes:
    return head[_MACHINE_AT : _MACHINE_AT + 2]


def _own_head() -> bytes:
    with open("/proc/self/exe", "rb") as file:
        return file.read(_HEAD)


def parse_interpreter(head: bytes) -> str | None:
    """The dynamic loader that an ELF file names, from its first page; None when it names none.

    64-bit files of our own byte order: for others, None.
    """
    if len(head) < _HEADER_SIZES_AT + _HEADER_SIZES.size or head[_CLASS_AT] != _CLASS_64:
        return None
    (start,) = _HEADERS_64.unpack_from(head, _HEADERS_AT)
    size, count = _HEADER_SIZES.unpack_from(head, _HEADER_SIZES_AT)
    for index in range(count):
        at = start + index * size
        if at + 40 > len(head):  # a header has 56 bytes, of which we read 40
            return None
        (kind,) = struct.unpack_from("=I", head, at)
        if kind == _PT_INTERP:
            offset, _, _, length = struct.unpack_from("=QQQQ", head, at + 8)
            return os.fsdecode(head[offset : offset + length].rstrip(b"\0")) or None
    return None


def is_static(path: str) -> bool:
    """Say whether a file of the host is a program that needs no loader and no library."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return head.startswith(_MAGIC) and parse_interpreter(head) is None
