"""Which ids of the host stand for those of a user namespace."""

from __future__ import annotations

import pytest

from nsview.errors import NsviewError
from nsview.kernel.idmap import IdRange
from nsview.sandbox import subordinate
from nsview.sandbox.subordinate import choose_ids

_SEED = "0000000a" + "0" * 24


def files(monkeypatch: pytest.MonkeyPatch, uids: str, gids: str) -> None:
    contents = {"/etc/subuid": uids.encode(), "/etc/subgid": gids.encode()}
    monkeypatch.setattr(subordinate, "read_below", lambda _, path: contents[path])


def test_a_range_of_nsview_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "alice:100000:65536\nroot:200000:65536\nnsview:300000:131072\n"
    files(monkeypatch, lines, lines.replace("300000", "400000"))
    ids = choose_ids(_SEED)
    assert ids.maps == (b"0 300000 65536\n", b"0 400000 65536\n")
    assert ids.note is None
    assert not ids.is_one_user


def test_a_range_that_is_too_short_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    files(monkeypatch, "nsview:300000:1000\n", "nsview:300000:65536\n")
    assert choose_ids(_SEED).note is not None


def test_free_ids_are_nobodys_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    first = 0x80000 + 0xA * 65536
    files(monkeypatch, f"alice:{first + 70000}:10\n", f"bob:{first - 1}:2\n")
    ids = choose_ids(_SEED)
    start = first + 2 * 65536
    assert ids.uids == ids.gids == (IdRange(0, start, 65536),)
    assert f"ids {start} to {start + 65535}" in (ids.note or "")


def test_none_left(monkeypatch: pytest.MonkeyPatch) -> None:
    files(monkeypatch, "alice:0:4294967295\n", "")
    with pytest.raises(NsviewError, match="no ids are free"):
        choose_ids(_SEED)
