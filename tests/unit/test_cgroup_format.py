"""Values, flat and nested keyed files of control groups, well formed and not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.cgroup_format import parse_flat, parse_nested, parse_value

KEYS = st.text("abz09_:.", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"0\n", 0),
        (b"262144\n", 262144),
        (b"max\n", None),
        (b"-1\n", None),
        (b"9223372036854771712\n", None),  # pages of 4 KiB
        (b"9223372036854710272\n", None),  # pages of 64 KiB
    ],
)
def test_value(data: bytes, expected: int | None) -> None:
    assert parse_value(data) == expected


@pytest.mark.parametrize("data", [b"", b"\n", b"many\n", b"1 2\n"])
def test_no_value(data: bytes) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_value(data)


@given(st.dictionaries(KEYS, st.integers(0, 2**64 - 1)))
def test_flat_keyed_is_read_back(values: dict[str, int]) -> None:
    data = "".join(f"{key} {value}\n" for key, value in values.items()).encode()

    assert parse_flat(data) == values


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, KEYS, min_size=1)))
def test_nested_keyed_is_read_back(values: dict[str, dict[str, str]]) -> None:
    lines = (
        " ".join((key, *(f"{name}={value}" for name, value in pairs.items())))
        for key, pairs in values.items()
    )

    assert parse_nested("\n".join(lines).encode()) == values


@given(st.binary())
def test_anything_else_is_left_out(data: bytes) -> None:
    assert all(isinstance(value, int) for value in parse_flat(data).values())
    assert all(pairs for pairs in parse_nested(data).values())


def test_several_keys_before_the_pairs_are_the_last_ones() -> None:
    assert parse_nested(b"7:0 7:1 8:0 rbytes=1 wbytes=2\n8:16\n") == {
        "8:0": {"rbytes": "1", "wbytes": "2"}
    }
