"""Headers of tar archives, byte-exact. PAX is used only where ustar is too small.

Python's tarfile writes text, and its PAX headers hold names as UTF-8; file names are bytes.
pax(1), "ustar Interchange Format" and "pax Header Block".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

BLOCK: Final = 512
#: Two empty blocks end an archive.
END: Final = bytes(2 * BLOCK)

FILE: Final = b"0"
LINK: Final = b"1"
SYMLINK: Final = b"2"
CHARACTER: Final = b"3"
BLOCK_DEVICE: Final = b"4"
DIRECTORY: Final = b"5"
FIFO: Final = b"6"
_PAX: Final = b"x"

_NAME: Final = 100
_PREFIX: Final = 155
_SHORT_NUMBER: Final = 8
_LONG_NUMBER: Final = 12
_CHECKSUM_AT: Final = 148
_PAX_MODE: Final = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of an archive."""

    name: bytes
    """Relative, without a slash at its end: directories get theirs."""
    type: bytes = FILE
    mode: int = _PAX_MODE
    uid: int = 0
    gid: int = 0
    size: int = 0
    """Bytes of content that follow."""
    mtime: int = 0
    """Whole seconds."""
    link: bytes = b""
    major: int = 0
    minor: int = 0
    records: dict[bytes, bytes] = field(default_factory=dict)
    """Further PAX records, such as ``SCHILY.xattr.security.capability``."""


def encode_header(member: Member) -> bytes:
    """The blocks that precede the content of `member`."""
    name = member.name + b"/" if member.type == DIRECTORY else member.name
    records = dict(member.records)
    split = _split(name)
    if split is None:
        records[b"path"] = name
    prefix, short = split or (b"", name[:_NAME])
    if len(member.link) > _NAME:
        records[b"linkpath"] = member.link
    numbers = {b"uid": member.uid, b"gid": member.gid, b"size": member.size, b"mtime": member.mtime}
    for key, value in numbers.items():
        limit = _LONG_NUMBER if key in (b"size", b"mtime") else _SHORT_NUMBER
        if not _fits(value, limit):
            records[key] = b"%d" % value
            numbers[key] = 0
    block = _block(member, prefix, short, numbers)
    return _encode_pax(records, name) + block if records else block


def padding(size: int) -> bytes:
    """What fills the last block of `size` bytes."""
    return bytes(-size % BLOCK)


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Prefix and name, for ustar's two fields; None when they cannot hold it."""
    if len(name) <= _NAME:
        return b"", name
    # A slash of the name's own end is no place to cut.
    cut = name.rfind(b"/", 0, min(_PREFIX + 1, len(name) - 1))
    if cut < 1 or len(name) - cut - 1 > _NAME:
        return None
    return name[:cut], name[cut + 1 :]


def _fits(value: int, width: int) -> bool:
    return 0 <= value < 1 << 3 * (width - 1)


def _octal(value: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, value)


def _block(member: Member, prefix: bytes, name: bytes, numbers: dict[bytes, int]) -> bytes:
    block = b"".join(
        (
            name.ljust(_NAME, b"\0"),
            _octal(member.mode, _SHORT_NUMBER),
            _octal(numbers[b"uid"], _SHORT_NUMBER),
            _octal(numbers[b"gid"], _SHORT_NUMBER),
            _octal(numbers[b"size"], _LONG_NUMBER),
            _octal(numbers[b"mtime"], _LONG_NUMBER),
            b" " * _SHORT_NUMBER,  # the checksum, as it is summed up
            member.type,
            member.link[:_NAME].ljust(_NAME, b"\0"),
            b"ustar\00000",
            bytes(64),  # names of user and group: they are nobody's here
            _octal(member.major, _SHORT_NUMBER),
            _octal(member.minor, _SHORT_NUMBER),
            prefix.ljust(_PREFIX, b"\0"),
        )
    ).ljust(BLOCK, b"\0")
    checksum = b"%06o\0 " % sum(block)
    return block[:_CHECKSUM_AT] + checksum + block[_CHECKSUM_AT + len(checksum) :]


def _encode_pax(records: dict[bytes, bytes], name: bytes) -> bytes:
    data = b"".join(_record(key, value) for key, value in records.items())
    last = name.rstrip(b"/").rpartition(b"/")[2]
    header = Member(name=(b"PaxHeaders.0/" + last)[:_NAME], type=_PAX, size=len(data))
    return encode_header(header) + data + padding(len(data))


def _record(key: bytes, value: bytes) -> bytes:
    """``LENGTH KEY=VALUE\\n``; the length counts itself."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d%s" % (length, rest)
