"""A real mount table against findmnt, in a mount namespace that nobody else changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from unshared import Unshared

from nsview.kernel.mountinfo import read_mountinfo
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes a mount namespace")


@pytest.mark.skipif(not shutil.which("findmnt"), reason="findmnt is the oracle")
def test_table_equals_findmnt() -> None:
    columns = "ID,PARENT,MAJ:MIN,FSROOT,TARGET,VFS-OPTIONS"
    with Unshared("unshare", "--mount") as pid:
        command = ["findmnt", "--list", "--json", "--task", str(pid), "-o", columns]
        rows = json.loads(subprocess.check_output(command))["filesystems"]
        mounts = read_mountinfo(Procfs(), pid)
    assert mounts is not None
    listed = {int(row["id"]): row for row in rows}
    assert listed.keys() == {mount.id for mount in mounts}
    for mount in mounts:
        row = listed[mount.id]
        assert (int(row["parent"]), row["maj:min"]) == (mount.parent, mount.device)
        assert (row["fsroot"], row["target"]) == (mount.root, mount.target)
        assert row["vfs-options"] == ",".join(mount.options)


def test_zombie_and_nobody_have_no_table() -> None:
    child = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and not reaped yet
        assert read_mountinfo(Procfs(), child.pid) is None
    finally:
        child.wait()
    beyond = int(Path("/proc/sys/kernel/pid_max").read_text()) + 1
    assert read_mountinfo(Procfs(), beyond) is None
