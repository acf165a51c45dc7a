"""What is remembered of the kernel's types, and what is not believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel import layout as layout_module
from nsview.kernel.btf import VMLINUX, Layout
from nsview.kernel.layout import forget_layout, parse_remembered, read_layout

NAMES, FUNCTIONS = ("task_struct.pid", "upid", "task_struct.nobody"), ("bpf_iter_task",)
GOOD = b"6.1 #1\ntask_struct.pid 8\nupid 16\ntask_struct.nobody -\nbpf_iter_task() 77\n"

needs_types = pytest.mark.skipif(not os.path.exists(VMLINUX), reason="no type information here")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="remembered for root alone")


def test_what_was_written_is_read_back() -> None:
    expected = Layout({"task_struct.pid": 8, "upid": 16}, {"bpf_iter_task": 77})
    assert parse_remembered(GOOD, "6.1 #1", NAMES, FUNCTIONS) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD[:-1],
        GOOD[:-20],
        GOOD + b"more 1\n",
        GOOD.replace(b"6.1", b"6.2"),
        GOOD.replace(b" 8\n", b" -8\n"),
        GOOD.replace(b" 8\n", b" 0x8\n"),
        GOOD.replace(b" 8\n", b" 99999999\n"),
        GOOD.replace(b" 8\n", b" \xb2\n"),
        GOOD.replace(b"upid 16", b"task_struct.pid 8"),
        GOOD.replace(b"upid", b"spid"),
    ],
)
def test_anything_else_is_not_believed(data: bytes) -> None:
    assert parse_remembered(data, "6.1 #1", NAMES, FUNCTIONS) is None


@given(st.binary(max_size=100), st.integers(0, len(GOOD)))
def test_arbitrary_bytes_raise_nothing(noise: bytes, at: int) -> None:
    parse_remembered(noise, "6.1 #1", NAMES, FUNCTIONS)
    parse_remembered(GOOD[:at] + noise + GOOD[at:], "6.1 #1", NAMES, FUNCTIONS)


@needs_types
@needs_root
def test_the_second_time_the_kernel_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "nsview"
    first = read_layout(NAMES, FUNCTIONS, str(place))
    assert place.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in place.iterdir()] == ["layout"]
    monkeypatch.setattr(layout_module, "VMLINUX", str(tmp_path / "nowhere"))
    assert read_layout(NAMES, FUNCTIONS, str(place)) == first
    with pytest.raises(FileNotFoundError):
        read_layout((*NAMES, "cred.euid"), FUNCTIONS, str(place))  # another question
    forget_layout(str(place))
    with pytest.raises(FileNotFoundError):
        read_layout(NAMES, FUNCTIONS, str(place))


@needs_types
@needs_root
@pytest.mark.parametrize("spoil", ["owner", "writable", "directory", "link", "fifo", "link above"])
def test_what_others_could_have_written_is_not_read(tmp_path: Path, spoil: str) -> None:
    place = tmp_path / "nsview"
    right = read_layout(NAMES, FUNCTIONS, str(place))
    file = place / "layout"
    wrong = file.read_bytes().replace(
        b"task_struct.pid %d" % right.offsets["task_struct.pid"], b"task_struct.pid 4"
    )
    file.write_bytes(wrong)
    assert read_layout(NAMES, FUNCTIONS, str(place)).offsets["task_struct.pid"] == 4
    if spoil == "owner":
        os.chown(file, 65534, 65534)
    elif spoil == "writable":
        file.chmod(0o622)
    elif spoil == "directory":
        place.chmod(0o777)
    elif spoil == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    elif spoil == "fifo":
        file.unlink()
        os.mkfifo(file, 0o600)
    else:
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    assert read_layout(NAMES, FUNCTIONS, str(place)) == right


@needs_types
def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    layout = read_layout(NAMES, FUNCTIONS, str(tmp_path / "file" / "below"))
    assert "task_struct.pid" in layout.offsets
