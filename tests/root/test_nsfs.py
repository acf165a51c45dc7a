"""Namespaces of our own making, asked by their descriptors; lsns is the oracle."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.descriptors import open_descriptors
from support.oracles import lsns
from unshared import Unshared

from nsview.kernel.namespaces import INITIAL_INODES, KINDS
from nsview.kernel.nsfs import (
    get_id,
    get_next_mount_ns,
    get_parent,
    get_type,
    get_userns,
    iter_mount_namespaces,
    mount_ns_info,
    open_namespace,
    read_ancestry,
    read_facts,
)
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")


@pytest.fixture(autouse=True)
def _no_descriptor_is_left() -> Iterator[None]:
    before = open_descriptors()
    yield
    assert open_descriptors() == before


@pytest.fixture
def nested() -> Iterator[int]:
    """In a user namespace within one that nobody is in any more, for unshare exec'd away."""
    inner = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
    with Unshared("unshare", "--user", "--map-root-user", *inner) as pid:
        yield pid


def opened(pid: int, kind: str) -> int:
    return os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)


@pytest.mark.parametrize("kind", KINDS)
def test_own_namespaces(kind: str) -> None:
    fd = opened(os.getpid(), kind)
    try:
        assert not os.get_inheritable(fd)
        facts = read_facts(fd)
        assert get_type(fd) == facts.kind == kind
        assert facts.ino == os.stat(f"/proc/self/ns/{kind}").st_ino
        assert (facts.mounts is not None) == (kind == "mnt" and mount_ns_info(fd) is not None)
        assert (facts.owner_uid is not None) == (kind == "user")
        if facts.ino == INITIAL_INODES[kind]:
            assert facts.parent is None
    finally:
        os.close(fd)


def test_mounts_are_those_of_mountinfo() -> None:
    with Unshared("unshare", "--mount") as pid:
        fd = opened(pid, "mnt")
        try:
            info = mount_ns_info(fd)
            if info is None:
                pytest.skip("no NS_MNT_GET_INFO")
            assert info.mounts == Path(f"/proc/{pid}/mountinfo").read_bytes().count(b"\n")
            assert info.id == get_id(fd)
        finally:
            os.close(fd)


def test_a_hidden_user_namespace_is_found(nested: int) -> None:
    fd = opened(nested, "net")
    try:
        net = read_facts(fd)
        inner, hidden, *rest = read_ancestry(fd)
        assert read_ancestry(fd, known={inner.ino}) == ()
    finally:
        os.close(fd)
    assert net.owner is not None
    assert net.owner == inner.ino == os.stat(f"/proc/{nested}/ns/user").st_ino
    assert inner.parent == inner.owner == hidden.ino
    assert inner.owner_uid == hidden.owner_uid == os.geteuid()
    assert hidden.ino not in {
        int(os.stat(f"/proc/{pid}/ns/user").st_ino) for pid in (os.getpid(), nested)
    }
    assert [facts.ino for facts in rest] == [hidden.parent]
    assert hidden.parent == os.stat("/proc/self/ns/user").st_ino


def test_pid_namespaces_up_to_ours() -> None:
    fork = ["unshare", "--pid", "--fork"]
    with Unshared(*fork, *fork) as pid:
        fd = opened(pid, "pid")
        try:
            facts = read_facts(fd)
            ancestors = [one for one in read_ancestry(fd) if one.kind == "pid"]
        finally:
            os.close(fd)
        top = os.stat("/proc/self/ns/pid").st_ino
        assert facts.parent == ancestors[0].ino
        assert [one.parent for one in ancestors][:1] == [top]
        assert ancestors[1].ino == top


def test_from_inside_what_is_above_is_hidden(nested: int) -> None:
    code = (
        "import os, nsview.kernel.nsfs as n; f = os.open('/proc/self/ns/user', os.O_RDONLY);"
        "print(n.read_facts(f))"
    )
    command = ["unshare", "--user", sys.executable, "-c", code]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "parent=None" in text
    assert "owner=None" in text


def test_lsns_agrees_on_owner_and_parent(nested: int) -> None:
    if not shutil.which("lsns"):
        pytest.skip("lsns is the oracle")
    rows = lsns("-p", str(nested), "-o", "NS,TYPE,PNS,ONS")
    assert len(rows) == len(KINDS)
    for row in rows:
        fd = opened(nested, row["type"])
        try:
            facts = read_facts(fd)
        finally:
            os.close(fd)
        assert facts.ino == row["ns"]
        assert (facts.parent or 0) == row["pns"]
        assert (facts.owner or 0) == row["ons"]


def test_what_is_no_namespace() -> None:
    with open(os.devnull) as file:
        for ask in (get_type, read_facts, get_userns, get_parent):
            with pytest.raises(OSError, match=os.strerror(errno.ENOTTY)):
                ask(file.fileno())
        assert get_id(file.fileno()) is None
        assert mount_ns_info(file.fileno()) is None
        assert list(iter_mount_namespaces(file.fileno())) == []


def walkable() -> bool:
    fd = opened(os.getpid(), "mnt")
    try:
        above = get_next_mount_ns(fd)
    except OSError:
        return False
    finally:
        os.close(fd)
    if above is not None:
        os.close(above)
    return True


@pytest.mark.skipif(os.geteuid() != 0 or not walkable(), reason="no NS_MNT_GET_NEXT here")
def test_every_mount_namespace_in_both_directions() -> None:
    with Unshared("unshare", "--mount") as low, Unshared("unshare", "--mount") as high:
        expected = {os.stat(f"/proc/{pid}/ns/mnt").st_ino for pid in (os.getpid(), low, high)}
        lists = []
        for pid in (low, high):
            fd = opened(pid, "mnt")
            try:
                rows = list(iter_mount_namespaces(fd))
            finally:
                os.close(fd)
            assert rows[0].ino == os.stat(f"/proc/{pid}/ns/mnt").st_ino
            assert len({row.id for row in rows}) == len(rows)
            lists.append({row.ino for row in rows})
        assert expected <= lists[0] & lists[1]


@pytest.mark.skipif(os.geteuid() != 0 or not walkable(), reason="no NS_MNT_GET_NEXT here")
def test_descriptors_of_the_walk_live_for_one_step() -> None:
    fd = opened(os.getpid(), "mnt")
    try:
        for row in iter_mount_namespaces(fd):
            assert os.fstat(row.fd).st_ino == row.ino
        for _ in itertools.islice(iter_mount_namespaces(fd), 3):
            pass  # left in the middle: the fixture counts what stays open
    finally:
        os.close(fd)


@pytest.mark.skipif(os.geteuid() != 0 or not walkable(), reason="no NS_MNT_GET_NEXT here")
def test_the_walk_says_when_it_is_forbidden() -> None:
    fd = opened(os.getpid(), "mnt")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setuid(65534)
            list(iter_mount_namespaces(fd))
        except PermissionError:
            status = 0
        finally:
            os._exit(status)
    os.close(fd)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_open_namespace() -> None:
    with Unshared("unshare", "--pid", "--fork") as pid:
        fd = open_namespace(Procfs(), pid, "pid_for_children")
        try:
            assert not os.get_inheritable(fd)
            assert os.fstat(fd).st_ino == os.stat(f"/proc/{pid}/ns/pid").st_ino
        finally:
            os.close(fd)
    with pytest.raises((FileNotFoundError, ProcessLookupError)):
        open_namespace(Procfs(), pid, "pid")
