"""What files of control groups are written in: a value, flat keyed, nested keyed (cgroup-v2.rst).

Lines that are not in the format are left out: a newer kernel may add others.
"""

from __future__ import annotations

#: Most groups rest, and their files say what they said the last time: so many texts each parser
#: remembers, and what was in them.
TEXTS_REMEMBERED = 2048
#: v1 writes "no limit" as the largest counter of whole pages (page_counter.h), whatever their size.
_UNLIMITED = 1 << 62


def parse_value(data: bytes) -> int | None:
    """A number; None is no limit: ``max``, v1's ``-1`` and its 9223372036854771712.

    Raises ValueError when there is no number.
    """
    word = data.strip()
    if word == b"max":
        return None
    value = int(word)
    return value if 0 <= value < _UNLIMITED else None


def parse_flat(data: bytes) -> dict[str, int]:
    """Lines of ``key value``: cpu.stat, memory.stat, memory.events, memory.oom_control."""
    text = data.decode("ascii", "replace")
    words = text.split()
    values = words[1::2]
    # Nearly always, and fast: exactly two words a line, the second a number.
    if len(words) == 2 * text.count("\n") and "".join(values).isdigit() and text.isascii():
        return dict(zip(words[::2], map(int, values), strict=True))
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if value.isascii() and value.isdigit():
            found[key] = int(value)
    return found


def parse_nested(data: bytes) -> dict[str, dict[str, str]]:
    """Lines of ``key name=value name=value``: io.stat and the pressure files.

    A key without a pair has no entry. Some kernels end no line after a device that has done
    nothing, so that several keys stand before the pairs (io.stat): they are the last one's.
    """
    found: dict[str, dict[str, str]] = {}
    for line in data.decode("ascii", "replace").splitlines():
        key = ""
        for word in line.split():
            name, equals, value = word.partition("=")
            if not equals:
                key = word
            elif key:
                found.setdefault(key, {})[name] = value
    return found
