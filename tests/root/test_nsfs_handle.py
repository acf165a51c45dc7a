"""Namespaces reopened by their id."""

from __future__ import annotations

import errno
import os

import pytest
from support import processes
from support.processes import inode

from nsview.kernel.nsfs import get_id
from nsview.kernel.nsfs_handle import open_by_id

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")


def _id_of(pid: int, kind: str) -> int:
    descriptor = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
    try:
        number = get_id(descriptor)
    finally:
        os.close(descriptor)
    if number is None:
        pytest.skip("this kernel gives namespaces no ids")
    return number


@pytest.mark.parametrize("kind", ["net", "uts", "mnt"])
def test_a_namespace_by_its_id_kind_and_inode(kind: str) -> None:
    _id_of(os.getpid(), "net")  # Linux 6.18, as the handles; mount namespaces had ids before
    with processes.sandbox("--net", "--uts", "--mount") as pid:
        ino = inode(pid, kind)
        number = _id_of(pid, kind)
        descriptor = open_by_id(number, kind, ino)
        try:
            assert os.fstat(descriptor).st_ino == ino
        finally:
            os.close(descriptor)
    # The last process is gone, and nobody held it: nor did we.
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        processes.wait_until(lambda: os.close(open_by_id(number, kind, ino)))


def test_no_such_namespace() -> None:
    _id_of(os.getpid(), "net")
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        open_by_id(2**63 - 1)
