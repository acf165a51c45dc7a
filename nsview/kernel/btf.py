"""The kernel's own type information: at which offset it keeps what. /sys/kernel/btf/vmlinux.

Documentation/bpf/btf.rst. Structures change from build to build, so that only the running kernel
can say where, say, ``task_struct.nsproxy`` is. Reading it takes 20 ms: `nsview.kernel.layout`
remembers the answers.
"""

from __future__ import annotations

import struct

from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterable, Iterator, Sequence

VMLINUX: Final = "/sys/kernel/btf/vmlinux"

_MAGIC: Final = 0xEB9F
# struct btf_header: magic, version, flags, hdr_len, then offset and length of types and of strings,
# both counted from the end of the header.
_HEADER: Final = struct.Struct("=HBBIIIII")
_WORD: Final = 4

# enum in include/uapi/linux/btf.h; each record is name, info, size or type, and what `_EXTRA` says.
_STRUCT: Final = 4
_UNION: Final = 5
_FUNC: Final = 12
_QUALIFIERS: Final = (8, 9, 10, 11, 18)  # typedef, volatile, const, restrict, type tag
_LAST_KIND: Final = 19
_RECORD_WORDS: Final = 3
#: kind -> (words that follow the record, words that follow for each of its members)
_EXTRA: Final = {
    1: (1, 0),  # int
    3: (3, 0),  # array
    4: (0, 3),  # struct
    5: (0, 3),  # union
    6: (0, 2),  # enum
    13: (0, 2),  # function prototype
    14: (1, 0),  # variable
    15: (0, 3),  # section
    17: (1, 0),  # declaration tag
    19: (0, 3),  # enum of 64 bits
}
_KIND_SHIFT: Final = 24
_KIND_MASK: Final = 0x1F
_COUNT_MASK: Final = 0xFFFF
#: Set in `info`: the offset of each member holds the width of a bit field in its upper 8 bits.
_BIT_FIELDS: Final = 1 << 31
_OFFSET_MASK: Final = 0xFFFFFF
_BITS: Final = 8
#: Anonymous structures nest at most three deep; a damaged file may name itself as its own member.
_DEEPEST: Final = 8


class Layout(NamedTuple):
    """What was found; names that this kernel has not are missing."""

    offsets: dict[str, int]
    """``task_struct.pid`` -> bytes from its beginning; ``upid`` -> size in bytes."""
    functions: dict[str, int]
    """Name -> type id, which a tracing program is attached by."""


def parse_layout(data: bytes, names: Iterable[str], functions: Iterable[str] = ()) -> Layout:
    """Look up fields (``structure.member``), sizes (``structure``) and functions by their names.

    Members of anonymous structures and unions are found as C finds them; bit fields are not.
    Raises ValueError when the data is damaged.
    """
    wanted: dict[str, list[str]] = {}
    for name in names:
        structure, _, member = name.partition(".")
        wanted.setdefault(structure, []).append(member)
    try:
        btf = _Btf(data)
        structures, found = btf.find(wanted, functions)
        offsets: dict[str, int] = {}
        for structure, members in wanted.items():
            if structure in structures:
                there = dict(btf.members(structures[structure]))
                there[""] = btf.size(structures[structure])
                offsets.update(
                    (f"{structure}.{member}" if member else structure, there[member])
                    for member in members
                    if member in there
                )
    except (IndexError, struct.error, UnicodeDecodeError):
        raise ValueError("torn type information") from None
    return Layout(offsets, found)


class _Btf:
    def __init__(self, data: bytes) -> None:
        magic, version, _, header, types, types_length, strings, strings_length = (
            _HEADER.unpack_from(data)
        )
        if magic != _MAGIC or version != 1 or types_length % _WORD:
            raise ValueError("no type information of a known kind")
        if header + max(types + types_length, strings + strings_length) > len(data):
            raise ValueError("torn type information")
        self._strings = data[header + strings :][:strings_length]
        self._words = memoryview(data[header + types :][:types_length]).cast("I")
        self._starts = [0]  # id 0 is void and has no record

    def find(
        self, structures: Iterable[str], functions: Iterable[str]
    ) -> tuple[dict[str, int], dict[str, int]]:
        """Walk all records once; ids of the structures and functions of these names."""
        of_structure = {self._position(name): name for name in structures}
        of_function = {self._position(name): name for name in functions}
        wanted = of_structure.keys() | of_function.keys()
        found: tuple[dict[str, int], dict[str, int]] = {}, {}
        # A hundred thousand rounds: everything here is local, and looked up by the byte of `info`
        # that holds the kind.
        fixed, each = _sizes_by_kind_byte()
        words, starts = self._words, self._starts
        at, end = 0, len(words)
        while at < end:
            info = words[at + 1]
            kind = info >> _KIND_SHIFT
            if words[at] in wanted:
                name = words[at]
                if kind & _KIND_MASK == _STRUCT and name in of_structure:
                    found[0].setdefault(of_structure[name], len(starts))
                elif kind & _KIND_MASK == _FUNC and name in of_function:
                    found[1].setdefault(of_function[name], len(starts))
            starts.append(at)
            at += fixed[kind]
            if each[kind]:
                at += each[kind] * (info & _COUNT_MASK)
        if at != end:
            raise ValueError("torn type information")
        return found

    def size(self, number: int) -> int:
        """Of a structure, in bytes."""
        return self._words[self._start(number) + 2]

    def members(self, number: int, base: int = 0, depth: int = 0) -> Iterator[tuple[str, int]]:
        """Names and offsets in bytes, those of anonymous members included."""
        if depth > _DEEPEST:
            raise ValueError("structures nest without end")
        start = self._start(number)
        info = self._words[start + 1]
        first = start + _RECORD_WORDS
        last = first + _RECORD_WORDS * (info & _COUNT_MASK)
        for at in range(first, last, _RECORD_WORDS):
            name, kind, offset = self._words[at : at + _RECORD_WORDS]
            if info & _BIT_FIELDS:
                if offset & ~_OFFSET_MASK:
                    continue
                offset &= _OFFSET_MASK
            place = base + offset // _BITS
            if text := self._text(name):
                yield text, place
            elif (inner := self._compound(kind)) is not None:
                yield from self.members(inner, place, depth + 1)

    def _compound(self, number: int) -> int | None:
        # The structure or union behind const and the like; None for anything else.
        for _ in range(_DEEPEST):
            start = self._start(number)
            kind = self._words[start + 1] >> _KIND_SHIFT & _KIND_MASK
            if kind in (_STRUCT, _UNION):
                return number
            if kind not in _QUALIFIERS:
                return None
            number = self._words[start + 2]
        return None

    def _start(self, number: int) -> int:
        if not 0 < number < len(self._starts):
            raise ValueError("there is no such type")
        return self._starts[number]

    def _position(self, name: str) -> int:
        # Every string is there once. 0, which is the empty one, is no name.
        return self._strings.find(b"\0" + name.encode() + b"\0") + 1 or -1

    def _text(self, position: int) -> str:
        end = self._strings.find(b"\0", position)
        if end < 0:
            raise ValueError("torn type information")
        return self._strings[position:end].decode("ascii")


def _sizes_by_kind_byte() -> tuple[Sequence[int], Sequence[int]]:
    # Bit 7 of that byte says something of the members' offsets, bits 5 and 6 are unused.
    kinds = [byte & _KIND_MASK for byte in range(256)]
    known = [0 < kind <= _LAST_KIND for kind in kinds]
    # An unknown kind has a length that nobody knows: no index is that high.
    fixed = [
        _RECORD_WORDS + _EXTRA.get(kind, (0, 0))[0] if ok else 1 << 40
        for kind, ok in zip(kinds, known, strict=True)
    ]
    return fixed, [_EXTRA.get(kind, (0, 0))[1] for kind in kinds]
