"""Take values out of JSON and TOML that somebody else wrote.

Container metadata is as hostile as the containers: any key may be missing, or hold a number where a
name belongs, or nest a million lists. These helpers answer "this value, if it is of that type".
"""

from __future__ import annotations

import os

from nsview.engines.rfc3339 import parse_time
from nsview.json_text import loads
from nsview.typed import Mapping, Sequence

_NOTHING: Mapping[str, object] = {}
_END_OF_TIME = 1 << 36
_PID_LIMIT = 1 << 22  # PID_MAX_LIMIT, include/linux/threads.h


def parse_json(data: bytes | str) -> object:
    """What the JSON says; None when it is none (or nests deeper than Python's stack)."""
    if not data:
        return None
    try:
        return loads(data)
    except (ValueError, RecursionError):
        return None


def parse_toml(data: bytes, *keys: str) -> Mapping[str, object]:
    """The TOML document's top table; empty when it is none, or has nothing of these keys."""
    if not any(_may_have(line, keys) for line in data.split(b"\n")):
        return _NOTHING
    import tomllib  # 5 ms, and most configuration files leave the places as they are

    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return _NOTHING


def _may_have(line: bytes, keys: Sequence[str]) -> bool:
    # Not if it is a comment; a key may be spelled with escapes.
    wanted = (b"\\", *(key.encode() for key in keys))
    return not line.lstrip().startswith(b"#") and any(key in line for key in wanted)


def _find(value: object, keys: tuple[str, ...]) -> object:
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text(value: object, *keys: str) -> str | None:
    """The string below `keys`, if it is one and not empty; half surrogate pairs become ``?``."""
    found = _find(value, keys)
    if not isinstance(found, str) or not found:
        return None
    return found if found.isascii() else found.encode("utf-8", "replace").decode()


def path(value: object, *keys: str) -> str | None:
    """The absolute path below `keys`, if it is one."""
    found = text(value, *keys)
    if found is None or not found.startswith("/") or "\0" in found:
        return None
    return os.path.normpath(os.fsdecode(found.encode()))


def number(value: object, *keys: str) -> int | float | None:
    """The finite number below `keys`, if it is one. True and False are none."""
    found = _find(value, keys)
    if isinstance(found, bool):
        return None
    if isinstance(found, int) or (isinstance(found, float) and found - found == 0):
        return found  # infinity minus itself is no number
    return None


def flag(value: object, *keys: str) -> bool | None:
    """The true or false below `keys`, if it is one."""
    found = _find(value, keys)
    return found if isinstance(found, bool) else None


def mapping(value: object, *keys: str) -> Mapping[str, object]:
    """The object below `keys`; empty if it is none."""
    found = _find(value, keys)
    return found if isinstance(found, dict) else _NOTHING


def sequence(value: object, *keys: str) -> Sequence[object]:
    """The list below `keys`; empty if it is none."""
    found = _find(value, keys)
    return found if isinstance(found, list) else ()


def texts(value: object, *keys: str) -> tuple[str, ...]:
    """The list of strings below `keys`; empty if it is no list or holds anything else."""
    found = sequence(value, *keys)
    if not all(isinstance(item, str) for item in found):
        return ()
    return tuple(text(item) or "" for item in found)


def labels(value: object, *keys: str) -> tuple[tuple[str, str], ...]:
    """The pairs of strings of the object below `keys`, in its order."""
    pairs = ((text(key), item) for key, item in mapping(value, *keys).items())
    return tuple((key, text(item) or "") for key, item in pairs if key and isinstance(item, str))


def process_id(value: object, *keys: str) -> int | None:
    """The number below `keys`, if it may be a PID."""
    found = number(value, *keys)
    return found if isinstance(found, int) and 0 < found < _PID_LIMIT else None


def timestamp(value: object, *keys: str) -> float | None:
    """Unix time of the RFC 3339 text below `keys`; None for Go's zero time, the year 1."""
    found = text(value, *keys)
    return moment(parse_time(found)) if found else None


def moment(seconds: float | None) -> float | None:
    """The Unix time, if clocks and calendars can show it: after 1970, before the year 4147."""
    return float(seconds) if seconds is not None and 0 < seconds < _END_OF_TIME else None
