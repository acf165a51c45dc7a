"""The commands on the real host: what they print, in which shape, and how they end."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import ENVIRONMENT, command, nsview, nsview_on_a_terminal
from support.oracles import lsns
from support.processes import (
    PATIENCE,
    inode,
    joined_by_setns,
    read_line,
    running,
    sandbox,
    started,
    wait_until,
)

from nsview.cli import exit_codes
from nsview.kernel.namespaces import KINDS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")

_ISOLATION = ("--mount-proc", "--pid", "--net", "--uts", "--ipc")


@pytest.fixture(scope="module")
def box() -> Iterator[int]:
    with sandbox(*_ISOLATION) as pid:
        yield pid


@pytest.fixture(scope="module")
def ref(box: int) -> str:
    return f"unshare/{box}"


_Shape = dict[str, Any]

_CONTAINER: _Shape = {
    "ref": str, "engine": str, "id": str | None, "name": str, "image": str | None, "kind": str,
    "status": str, "pod": dict | None, "parent": str | None, "pid": int | None, "processes": int,
    "started": float | None, "user": dict, "cgroup": str | None, "namespaces": dict,
    "rootfs": dict | None,
}  # fmt: skip
_PROCESS: _Shape = {
    "pid": int, "ppid": int, "pids": list, "container": str | None, "command": str,
    "cmdline": list, "uid": int, "user": str | None, "started": float, "cgroup": str | None,
    "namespaces": dict,
}  # fmt: skip
_NAMESPACE: _Shape = {
    "type": str, "ino": int, "id": int | None, "initial": bool, "processes": int, "threads": int,
    "pid": int | None, "ppid": int | None, "command": str | None, "uid": int | None,
    "user": str | None, "parent": int | None, "owner": int | None, "owner_uid": int | None,
    "netnsid": int | None, "nsfs": list, "path": str | None, "container": str | None,
    "held_by": list,
}  # fmt: skip
_MOUNT: _Shape = {
    "id": int, "parent": int, "device": str, "root": str, "target": str, "fstype": str,
    "source": str, "options": list, "super_options": list, "propagation": str, "hidden": bool,
}  # fmt: skip


def _check(rows: list[dict[str, Any]], shape: _Shape) -> None:
    assert rows
    for row in rows:
        for key, kind in shape.items():
            assert isinstance(row[key], kind), (key, row[key])


@pytest.mark.parametrize(
    ("words", "key", "shape"),
    [
        (("ls",), "containers", _CONTAINER),
        (("ls", "--all", "--isolated"), "containers", _CONTAINER),
        (("ps",), "processes", _PROCESS),
        (("ps", "REF"), "processes", _PROCESS),
        (("pid", "PID"), "pids", {"pid": int, "pid_ns": int | None}),
        (("ns",), "namespaces", _NAMESPACE),
        (("ns", "REF", "--tree", "parent"), "namespaces", _NAMESPACE),
        (("ns", "--tree", "owner"), "namespaces", _NAMESPACE),
        (("ns", "--tree", "process", "--sockets"), "namespaces", _NAMESPACE),
        (("mounts", "REF"), "mounts", _MOUNT),
        (("doctor",), "findings", {"name": str, "ok": bool, "found": str, "cost": str | None}),
    ],
    ids=" ".join,
)
def test_each_command_plain_and_json(
    box: int, ref: str, words: tuple[str, ...], key: str, shape: _Shape
) -> None:
    words = tuple({"REF": ref, "PID": str(box)}.get(word, word) for word in words)
    document = nsview(*words, "--json").json
    assert document["schema"] == 1
    assert isinstance(document["partial"], list)
    _check(document[key], shape)

    plain = nsview(*words)
    assert plain.lines[0] == plain.lines[0].upper()
    assert len(plain.lines) > 1
    assert all(line.startswith("nsview: ") for line in plain.err.splitlines())


def test_ls_knows_the_sandbox(box: int, ref: str) -> None:
    found = {one["ref"]: one for one in nsview("ls", "--json").json["containers"]}[ref]
    assert (found["engine"], found["pid"], found["status"]) == ("unshare", box, "running")
    assert set(found["namespaces"]) == set(KINDS)
    assert found["namespaces"]["net"] == {"ino": inode(box, "net"), "shared": False}
    assert found["namespaces"]["user"] == {"ino": inode(box, "user"), "shared": True}
    assert found["user"] == {"uid": 0, "name": "root"}
    (row,) = [line for line in nsview("ls").lines if line.startswith(f"{ref} ")]
    assert "mnpui---" in row.split()


def test_ps_of_a_container_of_the_host_and_of_a_namespace(box: int, ref: str) -> None:
    # unshare, too, is in all those namespaces but the pid namespace.
    launcher, inside = nsview("ps", ref, "--json").json["processes"]
    assert (launcher["command"], launcher["pids"]) == ("unshare", [inside["ppid"]])
    assert (inside["pid"], inside["pids"], inside["container"]) == (box, [box, 1], ref)
    assert (inside["command"], inside["cmdline"]) == ("sleep", ["sleep", "infinity"])
    on_host = {one["pid"]: one for one in nsview("ps", "host", "--json").json["processes"]}
    assert on_host[os.getpid()]["container"] is None
    assert box not in on_host
    of_net = nsview("ps", f"net:[{inode(box, 'net')}]", "--json").json["processes"]
    assert box in {one["pid"] for one in of_net}
    assert {one["namespaces"]["net"] for one in of_net} == {inode(box, "net")}


def test_ns_of_a_container_of_a_process_and_one_alone(box: int, ref: str) -> None:
    own = {(kind, inode(box, kind)) for kind in KINDS}

    def found(*words: str) -> set[tuple[str, int]]:
        rows = nsview("ns", *words, "--json").json["namespaces"]
        return {(one["type"], one["ino"]) for one in rows}

    assert found(str(box)) == own
    assert found(f"pid:{box}") == own
    assert found(ref) == own | {("pid", inode(os.getpid(), "pid"))}  # unshare is a member
    assert found(str(box), "--type", "net", "-t", "uts") == {
        one for one in own if one[0] in ("net", "uts")
    }
    assert found(f"net:[{inode(box, 'net')}]") == {("net", inode(box, "net"))}


def test_ns_of_one_process_is_not_that_of_its_container(box: int, ref: str) -> None:
    with joined_by_setns(box, "--pid", command=("unshare", "--uts", "sleep", "infinity")) as pid:
        wait_until(lambda: inode(pid, "uts") != inode(os.getpid(), "uts"))
        rows = nsview("ns", str(pid), "--json").json["namespaces"]
        assert {one["type"]: one["ino"] for one in rows} == {
            kind: inode(pid, kind) for kind in KINDS
        }
        of_ref = nsview("ns", ref, "--json").json["namespaces"]
        assert len([one for one in of_ref if one["type"] == "uts"]) == 2


_LSNS_COLUMNS = {
    "ns": "ino", "type": "type", "nprocs": "processes", "pid": "pid", "ppid": "ppid",
    "command": "command", "uid": "uid", "user": "user", "pns": "parent", "ons": "owner",
}  # fmt: skip


def test_ns_has_what_lsns_has(box: int) -> None:
    theirs = {one["ns"]: one for one in lsns("--output-all", "--task", str(box))}
    ours = {one["ino"]: one for one in nsview("ns", str(box), "--json").json["namespaces"]}
    assert set(ours) == set(theirs)
    own = [ino for ino, one in ours.items() if not one["initial"]]
    assert len(own) == len(_ISOLATION)
    for ino in own:  # those of the host change all the time
        for column, key in _LSNS_COLUMNS.items():
            assert (theirs[ino][column] or None) == (ours[ino][key] or None), (column, key)
        assert ours[ino]["path"] == theirs[ino]["path"]


def test_pid_in_both_directions(box: int, ref: str) -> None:
    enter = ("nsenter", "--target", str(box), "--pid", "--mount", "--")
    script = 'read -r self rest </proc/self/stat && echo "$self" && exec cat'
    with started(*enter, "sh", "-c", script) as process:
        inside = int(read_line(process))  # its own number, as its own /proc says
        outside = wait_until(lambda: running(process.pid))
        namespaces = [inode(os.getpid(), "pid"), inode(box, "pid")]
        for words in ((str(outside),), (str(inside), "--in", ref), (str(inside), "--in", str(box))):
            found = nsview("pid", *words, "--json").json
            assert found["pids"] == [
                {"pid": outside, "pid_ns": namespaces[0]},
                {"pid": inside, "pid_ns": namespaces[1]},
            ]
            assert (found["container"], found["command"]) == (ref, "cat")
            lines = nsview("pid", *words).lines
            assert [line.split()[0] for line in lines[1:3]] == [str(outside), str(inside)]
        assert (
            nsview("pid", str(outside), "--in", "host", "--json").json["pids"][1]["pid"] == inside
        )


def test_a_number_that_nobody_has() -> None:
    free = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    done = nsview("pid", str(free))
    assert (done.status, done.err) == (3, f"nsview: error: no process {free}\n")


def test_mounts_of_the_sandbox(box: int, ref: str) -> None:
    theirs = json.loads(
        subprocess.check_output(
            ["findmnt", "--task", str(box), "--json", "--list", "--output", "ID,PARENT,MAJ:MIN"]
        )
    )["filesystems"]
    for reference in (ref, str(box), f"pid:{box}"):
        ours = nsview("mounts", reference, "--json").json["mounts"]
        assert sorted((one["id"], one["parent"], one["device"]) for one in ours) == sorted(
            (one["id"], one["parent"], one["maj:min"]) for one in theirs
        )


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("ps", "no such thing"), exit_codes.NO_SUCH_OBJECT),
        (("ns", "no such thing"), exit_codes.NO_SUCH_OBJECT),
        (("ns", "net:[1]"), exit_codes.NO_SUCH_OBJECT),
        (("ps", "net:[1]"), exit_codes.NO_SUCH_OBJECT),
        (("mounts", "no such thing"), exit_codes.NO_SUCH_OBJECT),
        (("mounts", "9" * 5000), exit_codes.NO_SUCH_OBJECT),
        (("pid", "1", "--in", "no such thing"), exit_codes.NO_SUCH_OBJECT),
        (("pid", "4194305"), exit_codes.NO_SUCH_OBJECT),
        (("pid", "12345678901"), exit_codes.NO_SUCH_OBJECT),
        (("pid", "x"), exit_codes.USAGE),
        (("pid", "-1"), exit_codes.USAGE),
        (("pid", "٣"), exit_codes.USAGE),
        (("pid", "9" * 5000), exit_codes.USAGE),
        (("pid",), exit_codes.USAGE),
        (("mounts",), exit_codes.USAGE),
        (("ls", "--no-such-option"), exit_codes.USAGE),
        (("ls", "--js"), exit_codes.USAGE),
        (("ns", "--type", "nett"), exit_codes.USAGE),
        (("--no-such-option",), exit_codes.USAGE),
        (("--interval", "nan"), exit_codes.USAGE),
        ((), exit_codes.FAILED),
        (("--help",), exit_codes.DONE),
        (("ns", "--help"), exit_codes.DONE),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_exit_status(words: tuple[str, ...], status: int) -> None:
    is_command = words[:1] in (("ps",), ("ns",), ("mounts",), ("pid",))
    for more in ((), ("--json",)) if is_command else ((),):
        done = nsview(*words, *more)
        assert done.status == status
        if status:
            assert done.out == b""
            lines = done.err.splitlines()
            assert lines[0].startswith("nsview: error: ")
            assert all(line.startswith("nsview: hint: ") for line in lines[1:])
            assert len(lines) <= 2


def test_a_process_that_is_gone(ref: str) -> None:
    with sandbox("--uts") as pid:
        assert nsview("pid", str(pid)).status == 0
    for words in (("pid", str(pid)), ("mounts", str(pid)), ("ns", str(pid)), ("ps", str(pid))):
        assert nsview(*words).status == exit_codes.NO_SUCH_OBJECT
    done = nsview("pid", str(1 << 22), "--in", ref)
    assert done.status == exit_codes.NO_SUCH_OBJECT
    assert f"in {ref}" in done.err


def test_a_zombie_has_no_mounts() -> None:
    with started("sh", "-c", "sh -c 'echo $$' & exec sleep infinity") as process:
        zombie = read_line(process)
        wait_until(lambda: Path(f"/proc/{zombie}/stat").read_text().split()[2] == "Z")
        assert nsview("mounts", zombie).status == exit_codes.NO_SUCH_OBJECT
        assert nsview("ns", zombie).status == exit_codes.DONE  # it has credentials and a PID
        assert nsview("pid", zombie).status == exit_codes.DONE


def test_ambiguous_names_the_candidates(box: int, ref: str) -> None:
    share = ("nsenter", "--target", str(box), "--net", "--")
    unshare = ("unshare", "--pid", "--kill-child", "--mount-proc", "--", "sleep", "infinity")
    with started(*share, *unshare) as process:
        other = wait_until(lambda: running(process.pid))
        done = nsview("mounts", f"net:[{inode(box, 'net')}]")
        assert done.status == exit_codes.NO_SUCH_OBJECT
        error, hint = done.err.splitlines()
        assert "ambiguous" in error
        assert set(hint.partition("it may be ")[2].split(", ")) == {ref, f"unshare/{other}"}


def test_a_number_that_exists_only_inside_is_explained() -> None:
    with sandbox(*_ISOLATION) as pid:
        last = Path("/proc/sys/kernel/ns_last_pid")
        inside = _a_number_that_the_host_has_not()
        enter = ("nsenter", "--target", str(pid), "--pid", "--mount", "--")
        script = f"echo {inside - 1} >{last}; sleep infinity & echo $! && exec cat"
        with started(*enter, "sh", "-c", script) as process:
            if int(read_line(process)) != inside:
                pytest.skip("the kernel lets us choose no PID")
            done = nsview("pid", str(inside))
            assert done.status == exit_codes.NO_SUCH_OBJECT
            assert done.err.splitlines()[1] == (
                f"nsview: hint: {inside} exists inside unshare/{pid}: --in REF"
            )


def _a_number_that_the_host_has_not() -> int:
    # As far as can be from those that it gives out next; /proc/TID is there for threads, too.
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    last = int(Path("/proc/sys/kernel/ns_last_pid").read_text())
    numbers = ((last + most // 2 + more) % most for more in range(most))
    return next(one for one in numbers if one > 301 and not os.path.exists(f"/proc/{one}"))


@contextlib.contextmanager
def _into_a_small_pipe(*words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(
        command(*words), stdout=writing, stderr=subprocess.PIPE, env=ENVIRONMENT
    )
    os.close(writing)
    try:
        yield process, reading
    finally:
        process.kill()
        process.communicate()
        with contextlib.suppress(OSError):  # a test may have closed it
            os.close(reading)


def _is_stuck(process: subprocess.Popen[bytes], reading: int) -> bool:
    """It has begun to print, and sleeps: the pipe takes no more."""
    (waiting,) = struct.unpack("i", fcntl.ioctl(reading, termios.FIONREAD, bytes(4)))
    return waiting > 0 and Path(f"/proc/{process.pid}/stat").read_text().split()[2] == "S"


@pytest.fixture
def talkative() -> Iterator[int]:
    """A process whose arguments alone fill the pipe."""
    with started("sh", "-c", "read line", "sh", "x" * 6_000) as process:
        wait_until(lambda: b"xxx" in Path(f"/proc/{process.pid}/cmdline").read_bytes())
        yield process.pid


_LONG = pytest.mark.parametrize("words", [("pid", "PID"), ("ps",), ("ps", "--json")], ids=" ".join)


@_LONG
def test_a_reader_that_has_seen_enough(talkative: int, words: tuple[str, ...]) -> None:
    words = tuple(str(talkative) if word == "PID" else word for word in words)
    with _into_a_small_pipe(*words) as (process, reading):
        wait_until(lambda: _is_stuck(process, reading))
        os.close(reading)
        assert process.wait(PATIENCE) == -signal.SIGPIPE
        assert process.stderr is not None
        assert b"rror" not in process.stderr.read()


@_LONG
def test_interrupted_while_nobody_reads(talkative: int, words: tuple[str, ...]) -> None:
    words = tuple(str(talkative) if word == "PID" else word for word in words)
    with _into_a_small_pipe(*words) as (process, reading):
        wait_until(lambda: _is_stuck(process, reading))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == exit_codes.INTERRUPTED
        assert process.stderr is not None
        assert all(line.startswith(b"nsview: partial") for line in process.stderr.readlines())


def test_lines_are_cut_on_a_terminal_alone(box: int) -> None:
    words = ("pid", str(box))
    narrow = nsview_on_a_terminal(*words, columns=12)
    assert narrow.status == 0
    shown = [line for line in narrow.out.decode().split("\r\n") if "nsview: " not in line]
    assert max(map(len, shown)) == 12
    assert any(line.endswith("…") for line in shown)
    assert not any(line.endswith("…") for line in nsview(*words).lines)


def test_inside_a_pid_namespace_of_its_own() -> None:
    launcher = ("unshare", "--pid", "--kill-child", "--mount-proc", "--")
    document = nsview("ps", "--json", launcher=launcher).json
    assert [one["pid"] for one in document["processes"]] == [1]
    assert any("inside a pid namespace" in one for one in document["partial"])
    for words in (("ls",), ("ps",), ("ns",), ("pid", "1"), ("mounts", "1"), ("doctor",)):
        done = nsview(*words, launcher=launcher)
        assert done.status == 0, done.err
        assert "inside a pid namespace" in done.err


def test_without_proc() -> None:
    launcher = ("unshare", "--mount", "--", "sh", "-c", 'umount -l /proc && exec "$@"', "sh")
    done = nsview("ls", launcher=launcher)
    assert done.status == exit_codes.FAILED
    assert done.err.splitlines()[0] == "nsview: error: /proc is not mounted"
