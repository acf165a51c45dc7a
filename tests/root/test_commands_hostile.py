r"""What a container wrote, in every command: escaped for people, byte-exact for programs."""

from __future__ import annotations

import base64
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.command import nsview, nsview_on_a_terminal
from support.processes import descendants, read_line, started, wait_until
from support.run import Run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and a cgroup")

#: Escape sequences in C0 and C1, brackets as of markup, what ends a line, bytes that are no UTF-8,
#: and a mark that turns the direction of text around.
_COMM = b"a) R [/r]\x1b]0;x"
_EVIL = b"[red]\x1b]0;x\x07\x9b31m\xc2\x9b31m\xff\xe2\x80\xae"
_LINES = b"one\ntwo\r\x1b[2J\xfe"
_SHOWN_COMM = "a) R [/r]\\x1b]0;x"
_SHOWN_EVIL = "[red]\\x1b]0;x\\x07\\x9b31m\\x9b31m\\xff\\u202e"
_SHOWN_LINES = "one\\ntwo\\r\\x1b[2J\\xfe"

#: $1: a name for everything; the rest is run. A mount of its own, and a network namespace's.
_MOUNTS = """
mount -t tmpfs "$1" /mnt && mkdir "/mnt/$1" && mount -t tmpfs "$1" "/mnt/$1" || exit
: >"/mnt/$1/net" && mount --bind /proc/self/ns/net "/mnt/$1/net" && shift && exec "$@"
"""
_WAIT = f"""
import sys
open("/proc/self/comm", "wb").write({_COMM!r})
print("ready", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class _Evil:
    pid: int
    ref: str
    """As the JSON has it."""
    name: bytes
    """The container's, which is its cgroup's."""


@pytest.fixture(scope="module")
def evil() -> Iterator[_Evil]:
    with Run() as run, contextlib.ExitStack() as stack:
        name = run.name.encode() + _EVIL
        cgroup = _unified() + b"/lxc.payload." + name
        process = stack.enter_context(
            started(
                "unshare", "--mount", "--pid", "--kill-child", "--net", "--",
                "sh", "-c", _MOUNTS, "sh", os.fsdecode(_EVIL),
                sys.executable, "-I", "-S", "-c", _WAIT, os.fsdecode(_EVIL), os.fsdecode(_LINES),
            )
        )  # fmt: skip
        assert read_line(process) == "ready"
        pid = descendants(process.pid)[-1]
        os.mkdir(cgroup)
        try:
            Path(os.fsdecode(cgroup), "cgroup.procs").write_text(str(pid))
            (found,) = [
                one for one in nsview("ls", "--json").json["containers"] if one["pid"] == pid
            ]
            yield _Evil(pid, found["ref"], name)
        finally:
            Path(os.fsdecode(_unified()), "cgroup.procs").write_text(str(pid))
            wait_until(lambda: not Path(os.fsdecode(cgroup), "cgroup.procs").read_text())
            os.rmdir(cgroup)


def _unified() -> bytes:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            return line.split()[4].encode()
    pytest.skip("no cgroup v2")


_COMMANDS = (
    ("ls",),
    ("ls", "--all", "--isolated"),
    ("ps",),
    ("ps", "PID"),
    ("pid", "PID"),
    ("pid", "1", "--in", "PID"),
    ("ns",),
    ("ns", "PID"),
    ("ns", "--tree", "owner"),
    ("mounts", "PID"),
    ("doctor",),
)
#: What of it each of them has to show.
_SHOWS = {
    "ls": (_SHOWN_EVIL,),
    "ps": (_SHOWN_EVIL, _SHOWN_LINES),
    "pid": (_SHOWN_EVIL, _SHOWN_LINES),
    "ns": (_SHOWN_EVIL, _SHOWN_LINES),
    "mounts": (f"/mnt/{_SHOWN_EVIL}", f"  {_SHOWN_EVIL}  "),
    "doctor": (),
}


@pytest.mark.parametrize("words", _COMMANDS, ids=" ".join)
def test_plain_output_is_inert(evil: _Evil, words: tuple[str, ...]) -> None:
    words = tuple(str(evil.pid) if word == "PID" else word for word in words)
    done = nsview(*words)
    for text in (done.out.decode(), done.err):
        for line in text.removesuffix("\n").split("\n"):
            assert line.isprintable(), ascii(line)
    for shown in _SHOWS[words[0]]:
        assert any(shown in line for line in done.lines), shown


@pytest.mark.parametrize("words", _COMMANDS, ids=" ".join)
def test_a_terminal_gets_the_same(evil: _Evil, words: tuple[str, ...]) -> None:
    words = tuple(str(evil.pid) if word == "PID" else word for word in words)
    done = nsview_on_a_terminal(*words, columns=2000)
    assert done.status == 0
    lines = done.out.decode().removesuffix("\r\n").split("\r\n")
    assert all(line.isprintable() for line in lines), ascii(lines)
    for shown in _SHOWS[words[0]]:
        assert any(shown in line for line in lines), shown


def test_json_on_a_terminal_is_inert_too(evil: _Evil) -> None:
    done = nsview_on_a_terminal("ps", str(evil.pid), "--json")
    assert all(line.isprintable() for line in done.out.decode().split("\r\n"))


def _exact(row: dict[str, Any], key: str) -> bytes | list[bytes]:
    """The bytes of a text, or of a list of texts."""
    raw = row.get(f"{key}_raw", [None] * len(row[key]) if isinstance(row[key], list) else None)
    if isinstance(row[key], list):
        return [
            text.encode() if code is None else base64.b64decode(code)
            for text, code in zip(row[key], raw, strict=True)
        ]
    return row[key].encode() if raw is None else base64.b64decode(raw)


def test_json_of_the_container_is_exact(evil: _Evil) -> None:
    (row,) = [one for one in nsview("ls", "--json").json["containers"] if one["pid"] == evil.pid]
    assert row["engine"] == "lxc"
    assert _exact(row, "name") == evil.name
    assert _exact(row, "ref") == b"lxc/" + evil.name
    cgroup = _exact(row, "cgroup")
    assert isinstance(cgroup, bytes)
    assert cgroup.endswith(b"/lxc.payload." + evil.name)
    command = _exact(row, "command")
    assert command[-2:] == [_EVIL, _LINES]


def test_json_of_the_process_is_exact(evil: _Evil) -> None:
    (row,) = [
        one for one in nsview("ps", str(evil.pid), "--json").json["processes"]
        if one["pid"] == evil.pid
    ]  # fmt: skip
    assert _exact(row, "command") == _COMM
    assert _exact(row, "cmdline")[-2:] == [_EVIL, _LINES]
    assert _exact(row, "container") == b"lxc/" + evil.name


def test_json_of_pid_and_of_namespaces_is_exact(evil: _Evil) -> None:
    document = nsview("pid", str(evil.pid), "--json").json
    assert _exact(document, "container") == b"lxc/" + evil.name
    command = _exact(document, "command")
    assert isinstance(command, bytes)
    assert command.endswith(_EVIL + b" " + _LINES)
    words = ("--type", "net", "--type", "pid")
    net, pid = nsview("ns", str(evil.pid), *words, "--json").json["namespaces"]
    assert _exact(pid, "command") == command
    assert _exact(pid, "container") == b"lxc/" + evil.name
    (bind,) = [one for one in net["held_by"] if one["kind"] == "bind"]
    assert _exact(bind, "path") == b"/mnt/" + _EVIL + b"/net"


def test_json_of_mounts_is_exact(evil: _Evil) -> None:
    rows = nsview("mounts", str(evil.pid), "--json").json["mounts"]
    (row,) = [one for one in rows if _exact(one, "target") == b"/mnt/" + _EVIL]
    assert _exact(row, "source") == _EVIL


def test_its_name_can_be_typed_and_the_error_is_inert(evil: _Evil) -> None:
    assert nsview("ps", os.fsdecode(b"lxc/" + evil.name)).status == 0
    done = nsview("ps", os.fsdecode(b"lxc/" + _EVIL))
    assert done.status == 3
    assert all(line.isprintable() for line in done.err.splitlines())
