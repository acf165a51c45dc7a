"""Which ids of the host stand for those of a user namespace."""

from __future__ import annotations

import pytest

from nsview.errors import NsviewError
from nsview.sandbox import subordinate
from nsview.sandbox.subordinate import Range, choose_ids, parse_ranges

_SEED = "0000000a" + "0" * 24


def files(monkeypatch: pytest.MonkeyPatch, uids: str, gids: str) -> None:
    contents = {"/etc/subuid": uids.encode(), "/etc/subgid": gids.encode()}
    monkeypatch.setattr(subordinate, "read_below", lambda _, path: contents[path])


def test_lines_that_are_none_are_passed_over() -> None:
    data = b"alice:100000:65536\n\n# x\nbob:1\nb:x:1\nc:1:-1\nd:\xff:1\n1000:5:6\n"
    assert parse_ranges(data) == [Range("alice", 100000, 65536), Range("1000", 5, 6)]


def test_a_range_of_nsview_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "alice:100000:65536\nroot:200000:65536\nnsview:300000:131072\n"
    files(monkeypatch, lines, lines.replace("300000", "400000"))
    ids = choose_ids(_SEED)
    assert (ids.uids, ids.gids) == (Range("nsview", 300000, 65536), Range("nsview", 400000, 65536))
    assert ids.note is None
    assert ids.uids.as_map() == b"0 300000 65536\n"


def test_a_range_that_is_too_short_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    files(monkeypatch, "nsview:300000:1000\n", "nsview:300000:65536\n")
    assert choose_ids(_SEED).note is not None


def test_free_ids_are_nobodys_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    first = 0x80000 + 0xA * 65536
    files(monkeypatch, f"alice:{first + 70000}:10\n", f"bob:{first - 1}:2\n")
    ids = choose_ids(_SEED)
    assert ids.uids == ids.gids == Range("", first + 2 * 65536, 65536)
    assert f"ids {ids.uids.start} to {ids.uids.start + 65535}" in (ids.note or "")


def test_none_left(monkeypatch: pytest.MonkeyPatch) -> None:
    files(monkeypatch, "alice:0:4294967295\n", "")
    with pytest.raises(NsviewError, match="no ids are free"):
        choose_ids(_SEED)
