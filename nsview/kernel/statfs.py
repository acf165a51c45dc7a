"""What kind of file system a descriptor is on: fstatfs(2), linux/magic.h."""

from __future__ import annotations

from nsview.typed import Final

DEVPTS_MAGIC: Final = 0x1CD1
#: struct statfs is 120 bytes on 64-bit machines, and begins with f_type as a long.
_SIZE: Final = 256


def file_system_type(fd: int) -> int:
    """The magic number of the file system; raises OSError. Works with O_PATH."""
    from nsview.kernel import foreign

    libc = foreign.CDLL(None, use_errno=True)
    buffer = foreign.create_string_buffer(_SIZE)
    if libc.fstatfs(fd, buffer) == -1:
        number = foreign.get_errno()
        raise OSError(number, "fstatfs")
    return foreign.c_long.from_buffer(buffer).value
