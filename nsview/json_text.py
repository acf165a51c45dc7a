"""JSON as json reads and writes it, without the regular expressions that this imports: 10 ms.

The C half of json does all the work. What it is asked here is what json.decoder and json.encoder
ask of it; where an interpreter has none, and for texts that begin as no engine's do, json itself is
asked.
"""

from __future__ import annotations

try:
    from _json import encode_basestring_ascii, make_encoder, make_scanner
except ImportError:  # no CPython
    make_encoder = make_scanner = None  # type: ignore[assignment, misc]  # looked at before called

_SPACE = " \t\n\r"


class _Settings:
    """Those of a `json.JSONDecoder` that nobody has told anything."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float  # NaN, Infinity, -Infinity


def loads(data: bytes | str) -> object:
    """The value; raises ValueError for what is no JSON, and RecursionError."""
    if make_scanner is None or not _is_usual(data):
        import json

        return json.loads(data)
    text = data if isinstance(data, str) else data.decode("utf-8", "surrogatepass")
    try:
        value, end = make_scanner(_Settings)(text, 0)  # type: ignore[arg-type]
    except StopIteration:
        raise ValueError("a value is missing") from None
    if text[end:].strip(_SPACE):
        raise ValueError("more than one value")
    return value


def _is_usual(data: bytes | str) -> bool:
    # UTF-16 and UTF-32 have a zero among their first bytes; what is marked begins with the mark.
    if isinstance(data, str):
        return data[:1] in ("{", "[")
    return data[:1] in (b"{", b"[") and b"\0" not in data[:4]


def dumps(value: object) -> str:
    """The text, in one line of ASCII; raises TypeError for what JSON cannot say."""
    if make_encoder is None:
        import json

        return json.dumps(value)
    separators = ": ", ", "
    encode = make_encoder(
        None, _refuse, encode_basestring_ascii, None, *separators, False, False, True
    )
    return "".join(encode(value, 0))


def _refuse(value: object) -> None:
    raise TypeError(f"{type(value).__name__} is no type of JSON's")
