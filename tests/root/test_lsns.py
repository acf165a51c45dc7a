"""On a host with thirty varied sandboxes, nsview tells what lsns(8) tells, and more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support import oracles, processes
from support.processes import Held
from support.requirements import need_programs
from support.varied import Varied, varied_sandboxes

from nsview.kernel.namespaces import KINDS

Row = dict[str, Any]
_COLUMNS = "NS,TYPE,NPROCS,PID,PPID,COMMAND,UID,USER,PNS,ONS"


@pytest.fixture(scope="module")
def varied() -> Iterator[Varied]:
    need_programs("lsns", "unshare", "nsenter", "setpriv")
    with varied_sandboxes() as made:
        yield made


def lsns() -> dict[int, Row]:
    # --list: otherwise rows are nested below those of their parent processes.
    return {int(row["ns"]): row for row in oracles.lsns("--list", "--output", _COLUMNS)}


def nsview(*words: str) -> dict[int, Row]:
    command = [sys.executable, "-m", "nsview", "ns", "--json", *words]
    rows = json.loads(subprocess.check_output(command, timeout=120))["namespaces"]
    assert len({row["ino"] for row in rows}) == len(rows)
    return {row["ino"]: row for row in rows}


def both() -> list[tuple[Row, Row]]:
    """Rows of lsns with their counterparts, where nothing changed while the two looked."""
    before, ours, after = lsns(), nsview("--sockets"), lsns()
    missed = before.keys() & after.keys() - ours.keys()
    assert missed == set()
    return [(row, ours[ns]) for ns, row in before.items() if after.get(ns) == row]


def own_namespaces(varied: Varied) -> set[int]:
    """Those of the sandboxes that are not also ours: nothing else on the host changes them."""
    inodes = {processes.inode(pid, kind) for pid in varied.pids for kind in KINDS}
    return inodes - {processes.inode("self", kind) for kind in KINDS}


def test_the_same_namespaces(varied: Varied) -> None:
    pairs = both()
    of_sandboxes = own_namespaces(varied)
    assert len(of_sandboxes) > 60
    seen = {row["ns"] for row, _ in pairs}
    assert of_sandboxes <= seen


def test_the_same_in_every_column(varied: Varied) -> None:
    for theirs, ours in both():
        if theirs["ns"] not in own_namespaces(varied):
            continue  # of the host's own, whose processes come and go
        assert ours["type"] == theirs["type"]
        assert ours["processes"] == theirs["nprocs"]
        assert ours["pid"] == theirs["pid"]
        assert ours["ppid"] == theirs["ppid"]
        assert ours["command"] == theirs["command"]
        assert (ours["uid"], ours["user"] or str(ours["uid"])) == (theirs["uid"], theirs["user"])


def test_the_same_parents_and_owners(varied: Varied) -> None:
    for theirs, ours in both():
        assert (ours["parent"] or 0) == theirs["pns"]
        assert (ours["owner"] or 0) == theirs["ons"]


def test_the_hosts_own_are_the_same(varied: Varied) -> None:
    for theirs, ours in both():
        assert ours["type"] == theirs["type"]
        assert ours["initial"] == (theirs["ns"] == processes.inode("self", theirs["type"]))


def only_ours(held: list[Held], *words: str) -> list[tuple[Held, Row]]:
    ours, theirs = nsview(*words), lsns()
    assert not {one.ino for one in held} & theirs.keys()
    return [(one, ours[one.ino]) for one in held]


def test_held_by_threads(varied: Varied) -> None:
    for held, row in only_ours(varied.held_by_threads):
        assert (row["processes"], row["threads"]) == (0, 1)
        assert {"kind": "thread", "pid": held.pid, "tid": held.tid} in row["held_by"]


def test_held_by_mounts_elsewhere(varied: Varied) -> None:
    for held, row in only_ours(varied.held_by_mounts):
        mount_ns = processes.inode(held.pid, "mnt")
        assert row["processes"] == 0
        assert {"kind": "bind", "path": held.path, "mount_ns": mount_ns}.items() <= (
            next(one for one in row["held_by"] if one["kind"] == "bind").items()
        )


def test_held_by_descriptors(varied: Varied) -> None:
    ours = nsview()
    for held in varied.held_by_fds:
        row = ours[held.ino]
        assert row["processes"] == 0
        assert {"kind": "fd", "pid": held.pid, "fd": held.fd} in row["held_by"]


def test_held_by_sockets(varied: Varied) -> None:
    ours = nsview("--sockets")  # lsns looks at sockets, too, since util-linux 2.41
    for held in varied.held_by_sockets:
        holder = {"kind": "socket", "pid": held.pid, "fd": held.fd}
        assert holder in ours[held.ino]["held_by"]


def test_one_kind_only(varied: Varied) -> None:
    rows = nsview("--type", "net")
    assert {row["type"] for row in rows.values()} == {"net"}
    assert rows.keys() >= {one.ino for one in varied.held_by_threads if _is_net(one)}


def _is_net(held: Held) -> bool:
    return os.readlink(f"/proc/{held.pid}/task/{held.tid}/ns/net") == f"net:[{held.ino}]"
