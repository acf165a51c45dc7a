"""Labels of security modules."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.lsm import parse_label, read_label
from nsview.kernel.procfs import Procfs


@pytest.mark.parametrize(
    ("data", "label"),
    [
        (b"docker-default (enforce)\n", "docker-default (enforce)"),
        (b"system_u:system_r:container_t:s0:c1,c2\0", "system_u:system_r:container_t:s0:c1,c2"),
        (b"unconfined\n", "unconfined"),
        (b"", None),
        (b"\n", None),
    ],
)
def test_labels(data: bytes, label: str | None) -> None:
    assert parse_label(data) == label


@given(st.binary())
def test_any_label_is_text(data: bytes) -> None:
    label = parse_label(data)
    assert label is None or data.startswith(os.fsencode(label))


def test_where_it_is_read_from(tmp_path: Path) -> None:
    (tmp_path / "7" / "attr").mkdir(parents=True)
    (tmp_path / "7" / "attr" / "current").write_bytes(b"crun (complain)\n")
    assert read_label(Procfs(str(tmp_path)), 7) == "crun (complain)"
    assert read_label(Procfs(str(tmp_path)), 8) is None


def test_ourselves() -> None:
    try:
        expected = Path("/proc/self/attr/current").read_text().strip("\0\n") or None
    except OSError:  # no security module that labels processes
        expected = None
    assert read_label(Procfs(), os.getpid()) == expected
