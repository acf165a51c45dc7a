"""The commands as a user without rights: what is missing is said, and nothing breaks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import pytest
from support.command import NOBODY, Done, nsview, python_for_everybody
from support.processes import sandbox
from support.run import Run

from nsview.cli import exit_codes

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces, and becomes nobody")


@pytest.fixture(scope="module")
def box() -> Iterator[int]:
    with sandbox("--mount-proc", "--pid", "--net") as pid:
        yield pid


def _as_nobody(*words: str, launcher: Sequence[str] = ()) -> Done:
    return nsview(*words, launcher=[*launcher, *NOBODY], python=python_for_everybody())


@pytest.mark.parametrize(
    "words",
    [("ls",), ("ls", "-a", "-i"), ("ps",), ("ps", "host"), ("ns",), ("ns", "--sockets"),
     ("ns", "--tree", "process"), ("doctor",)],
    ids=" ".join,
)  # fmt: skip
def test_what_is_missing_is_said(box: int, words: tuple[str, ...]) -> None:
    plain = _as_nobody(*words)
    assert plain.status == 0, plain.err
    assert "nsview: partial: no CAP_SYS_PTRACE: namespaces of " in plain.err
    partial = _as_nobody(*words, "--json").json["partial"]
    assert any(one.startswith("no CAP_SYS_PTRACE") for one in partial)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("layers", "--size"), "layer 1 is counted without 1 directory that may not be read"),
        (("waste",), "counted without 1 directory that may not be read"),
    ],
    ids=["layers", "waste"],
)
def test_closed_directories_are_said(command: tuple[str, ...], words: str) -> None:
    with Run() as run:
        upper, lower = run.directory / "upper", run.directory / "lower"
        upper.mkdir()
        (lower / "closed").mkdir(parents=True)
        (lower / "closed").chmod(0o700)
        done = _as_nobody(*command, "--dirs", f"{upper}:{lower}")
    assert done.status == 0
    assert words in done.err


def _proc(hidepid: str) -> tuple[str, ...]:
    mount = f'mount -t proc -o hidepid={hidepid} proc /proc && exec "$@"'
    return ("unshare", "--mount", "--", "sh", "-c", mount, "sh")


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["plain", "json"])
def test_not_permitted(box: int, more: tuple[str, ...]) -> None:
    done = _as_nobody("ns", str(box), *more)
    assert done.status == exit_codes.NOT_PERMITTED
    assert done.out == b""
    error, hint = done.err.splitlines()
    assert error.endswith("may not be read")
    assert hint == "nsview: hint: root may (sudo nsview ...)"


def test_mounts_are_readable_by_everybody(box: int) -> None:
    theirs = nsview("mounts", str(box), "--json").json["mounts"]
    assert _as_nobody("mounts", str(box), "--json").json["mounts"] == theirs


def test_pids_are_readable_by_everybody(box: int) -> None:
    # Where its pid namespace is unknown, its number in there still is known: NSpid is public.
    document = _as_nobody("pid", str(box), "--json").json
    assert [one["pid"] for one in document["pids"]] == [box, 1]
    assert _as_nobody("pid", str(box)).lines[2].split()[0] == "1"


def test_inner_pid_of_what_is_unreadable(box: int) -> None:
    done = _as_nobody("pid", "1", "--in", str(box))
    assert done.status in (exit_codes.NOT_PERMITTED, exit_codes.NO_SUCH_OBJECT)
    assert done.err.startswith("nsview: error: ")


def test_own_processes_are_seen(box: int) -> None:
    launcher = ("unshare", "--net", "--")
    found = _as_nobody("ps", "--json", launcher=launcher).json["processes"]
    (own,) = [one for one in found if "nsview" in one["cmdline"] and one["uid"] == 65534]
    assert own["user"] == "nobody"
    assert own["namespaces"]["net"] not in (None, os.stat("/proc/self/ns/net").st_ino)


def test_with_hidepid(box: int) -> None:
    launcher = _proc("2")
    for words in (("ls",), ("ps",), ("ns",), ("doctor",)):
        done = _as_nobody(*words, launcher=launcher)
        assert done.status == 0
        assert "hidepid" in done.err


@pytest.mark.parametrize("hidepid", ["noaccess", "invisible"])
def test_what_hidepid_hides_may_be_there(box: int, hidepid: str) -> None:
    number = {"noaccess": "1", "invisible": "2"}[hidepid]
    for command in ("mounts", "ns", "ps", "pid"):
        done = _as_nobody(command, str(box), launcher=_proc(number))
        assert done.status == exit_codes.NO_SUCH_OBJECT
        assert done.err.splitlines()[-1] == "nsview: not root: it may be there, and out of sight"
