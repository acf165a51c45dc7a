"""Where this kernel keeps what, remembered from one run to the next.

The kernel's type information is read once for each boot: its answers are kept in a directory of
root's below /run. What is read back is believed only when nobody but root can have written it, it
is of this very kernel, and it answers exactly what was asked; and whoever uses it has the verifier
check each access, and compares what is read with what /proc says (`nsview.host.census_bpf`).
"""

from __future__ import annotations

import os
import stat

from nsview.kernel.btf import VMLINUX, Layout, parse_layout
from nsview.light import suppress
from nsview.typed import Collection, Final

DIRECTORY: Final = "/run/nsview"
_FILE: Final = "layout"
_NOTES: Final = "/sys/kernel/notes"  # holds the build id
_ABSENT: Final = "-"
_FUNCTION: Final = "()"
#: No structure of the kernel is larger, and no kernel has more types.
_LARGEST: Final = 1 << 24
_LONGEST: Final = 64 * 1024
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def read_layout(
    names: Collection[str], functions: Collection[str], directory: str = DIRECTORY
) -> Layout:
    """As `nsview.kernel.btf.parse_layout`, of the running kernel.

    Raises OSError where it has no type information (CONFIG_DEBUG_INFO_BTF), ValueError where that
    is damaged.
    """
    kernel = _kernel()
    remembered = _recall(directory, kernel, names, functions)
    if remembered is not None:
        return remembered
    with open(VMLINUX, "rb") as file:
        layout = parse_layout(file.read(), names, functions)
    with suppress(OSError):  # a host whose /run cannot be written: read it next time too
        _remember(directory, _format(kernel, layout, names, functions))
    return layout


def forget_layout(directory: str = DIRECTORY) -> None:
    """Have it read anew the next time: what was remembered has turned out to be wrong."""
    with suppress(OSError):
        os.unlink(f"{directory}/{_FILE}")


def parse_remembered(
    data: bytes, kernel: str, names: Collection[str], functions: Collection[str]
) -> Layout | None:
    """What was written for this kernel and these questions; None for anything else."""
    try:
        first, *lines, end = data.decode("ascii").split("\n")
        answers = dict(line.split(" ") for line in lines)
    except ValueError:
        return None
    asked = {*names, *(name + _FUNCTION for name in functions)}
    if first != kernel or end or answers.keys() != asked or len(lines) != len(asked):
        return None
    layout = Layout({}, {})
    for name, text in answers.items():
        if text == _ABSENT:
            continue
        if not (text.isascii() and text.isdigit()) or int(text) >= _LARGEST:
            return None
        of = layout.functions if name.endswith(_FUNCTION) else layout.offsets
        of[name.removesuffix(_FUNCTION)] = int(text)
    return layout


def _format(
    kernel: str, layout: Layout, names: Collection[str], functions: Collection[str]
) -> bytes:
    lines = [kernel]
    lines += [f"{name} {layout.offsets.get(name, _ABSENT)}" for name in names]
    lines += [f"{name}{_FUNCTION} {layout.functions.get(name, _ABSENT)}" for name in functions]
    return ("\n".join(lines) + "\n").encode("ascii")


def _kernel() -> str:
    # Two builds may share a release; their notes, with the build id, differ.
    names = os.uname()
    try:
        with open(_NOTES, "rb") as file:
            notes = file.read(_LONGEST).hex()
    except OSError:
        notes = ""
    text = f"{names.release} {names.version} {names.machine} {notes}"
    return "".join(one for one in text if one.isascii() and one.isprintable())


def _recall(
    directory: str, kernel: str, names: Collection[str], functions: Collection[str]
) -> Layout | None:
    try:
        place = _open_directory(directory)
    except OSError:
        return None
    try:
        file = os.open(_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
                       dir_fd=place)  # fmt: skip
    except OSError:
        return None
    finally:
        os.close(place)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or not _is_ours_alone(status):
            return None
        return parse_remembered(os.read(file, _LONGEST), kernel, names, functions)
    except OSError:
        return None
    finally:
        os.close(file)


def _remember(directory: str, data: bytes) -> None:
    if os.geteuid() != 0:
        return
    with suppress(FileExistsError):
        os.mkdir(directory, 0o700)
    place = _open_directory(directory)
    try:
        new = f".{_FILE}.{os.getpid()}"
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600,
                       dir_fd=place)  # fmt: skip
        try:
            with open(file, "wb") as stream:
                stream.write(data)
            os.rename(new, _FILE, src_dir_fd=place, dst_dir_fd=place)
        except OSError:
            os.unlink(new, dir_fd=place)
            raise
    finally:
        os.close(place)


def _open_directory(directory: str) -> int:
    place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not _is_ours_alone(os.fstat(place)):
        os.close(place)
        raise PermissionError
    return place


def _is_ours_alone(status: os.stat_result) -> bool:
    return status.st_uid == 0 and not status.st_mode & _WRITABLE_BY_OTHERS
