"""Values out of JSON and TOML that somebody else wrote."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines import untrusted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b"\xff", b'"\xed\xa0\x80']
)
def test_what_is_no_json_is_none(data: bytes) -> None:
    assert untrusted.parse_json(data) is None


@pytest.mark.parametrize("data", [b"a =", b"\xff", b"a = " + b"[" * 100_000])
def test_what_is_no_toml_is_empty(data: bytes) -> None:
    assert untrusted.parse_toml(data, "a") == {}


LINES = [
    "root = '/srv'", "'root' = 1", '"\\u0072oot" = 2', "# root = 3", "  #root = 4", "[root]",
    "", "b = [", "]", "#", 'c = """', '"""', "d.root = 5", "e = 'root' # root", "f = {root = 6}",
    "[g]",
]  # fmt: skip


@given(st.lists(st.sampled_from(LINES), max_size=8))
def test_toml_is_read_where_a_key_may_be_in_it(lines: list[str]) -> None:
    def has_root(table: object) -> bool:
        return isinstance(table, dict) and ("root" in table or any(map(has_root, table.values())))

    text = "\n".join(lines)
    try:
        whole = tomllib.loads(text)
    except ValueError:
        whole = {}
    found = untrusted.parse_toml(text.encode(), "root")
    assert found == whole or (found == {} and not has_root(whole))


def test_toml_without_the_key_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)  # importing it fails
    assert untrusted.parse_toml(b"version = 2\n#root = '/'\n", "root") == {}
    with pytest.raises(ImportError):
        untrusted.parse_toml(b"root = '/'", "root")


def test_values_of_the_right_type_only() -> None:
    value = json.loads(
        '{"s": "web", "empty": "", "half": "a\\ud800b", "n": 3, "nan": NaN, "yes": true,'
        ' "list": ["a", "b"], "mixed": ["a", 1], "deep": {"er": {"s": "x"}},'
        ' "labels": {"a": "b", "c": 1}, "path": "/a/../b//c", "nul": "/a\\u0000b", "rel": "a/b"}'
    )
    assert untrusted.text(value, "s") == "web"
    assert untrusted.text(value, "empty") is None
    assert untrusted.text(value, "half") == "a?b"
    assert untrusted.text(value, "n") is None
    assert untrusted.text(value, "deep", "er", "s") == "x"
    assert untrusted.text(value, "s", "er") is None
    assert untrusted.number(value, "n") == 3
    assert untrusted.number(value, "nan") is None
    assert untrusted.number(value, "yes") is None
    assert untrusted.flag(value, "yes") is True
    assert untrusted.flag(value, "n") is None
    assert untrusted.texts(value, "list") == ("a", "b")
    assert untrusted.texts(value, "mixed") == ()
    assert untrusted.labels(value, "labels") == (("a", "b"),)
    assert untrusted.path(value, "path") == "/b/c"
    assert untrusted.path(value, "nul") is None
    assert untrusted.path(value, "rel") is None


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-11-23T21:35:52.503549672Z", 1795469752.503549),
        ("2026-11-23T22:35:52+01:00", 1795469752.0),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
    ],
)
def test_timestamp(written: str, seconds: float | None) -> None:
    found = untrusted.timestamp({"t": written}, "t")
    assert found == (pytest.approx(seconds) if seconds else None)


@pytest.mark.parametrize(
    ("value", "pid"), [(1, 1), (0, None), (-5, None), (True, None), (1.5, None), (2**40, None)]
)
def test_process_id(value: object, pid: int | None) -> None:
    assert untrusted.process_id({"p": value}, "p") == pid


@pytest.mark.parametrize(
    "take",
    [
        untrusted.text,
        untrusted.path,
        untrusted.number,
        untrusted.flag,
        untrusted.mapping,
        untrusted.sequence,
        untrusted.texts,
        untrusted.labels,
        untrusted.process_id,
        untrusted.timestamp,
    ],
)
@given(value=JSON)
def test_never_raises(take: Callable[..., object], value: object) -> None:
    found = take({"a": value}, "a")
    if isinstance(found, str):
        os.fsencode(found)
