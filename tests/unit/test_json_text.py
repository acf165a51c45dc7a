"""Our reader of JSON says what json says, of good texts and of bad ones."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.json_text import dumps, loads

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"])


def _both(data: bytes | str) -> tuple[str, str]:
    """What either says, as text: NaN is not equal to itself."""

    def said(read: object) -> str:
        try:
            return repr(read(data))  # type: ignore[operator]
        except (ValueError, RecursionError) as error:
            return ValueError.__name__ if isinstance(error, ValueError) else type(error).__name__

    return said(loads), said(json.loads)


@given(_VALUES, _ENCODINGS, st.sampled_from([None, 1]), st.booleans())
def test_values(value: object, encoding: str, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    for data in (text, text.encode(encoding, "surrogatepass"), f"{text}\n", f" {text}"):
        ours, theirs = _both(data)
        assert ours == theirs


@given(st.text(st.sampled_from('{}[]",: \n\t\\u0dec1.-eNaInfity\0\x1f\x85'), max_size=12))
def test_texts_of_its_letters(text: str) -> None:
    for data in (text, "{" + text, f"[{text}]", text.encode()):
        ours, theirs = _both(data)
        assert ours == theirs


@given(st.binary(max_size=24))
def test_bytes(data: bytes) -> None:
    for one in (data, b"[" + data, b'{"a":"' + data + b'"}'):
        ours, theirs = _both(one)
        assert ours == theirs


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, "[1] [2]", "[", "{}{}", "[1,]"])
def test_bad_ones(text: str) -> None:
    ours, theirs = _both(text)
    assert ours == theirs
    assert ours in ("ValueError", "RecursionError")


@given(_VALUES | st.dictionaries(st.integers() | st.none() | st.booleans(), _VALUES))
def test_what_is_written(value: object) -> None:
    assert dumps(value) == json.dumps(value)


@pytest.mark.parametrize("value", [b"bytes", {"a": [object()]}, {(1, 2): 3}])
def test_what_cannot_be_written(value: object) -> None:
    for write in (dumps, json.dumps):
        with pytest.raises(TypeError):
            write(value)
