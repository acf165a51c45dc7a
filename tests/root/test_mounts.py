"""Mount tables of real mount namespaces; oracles are findmnt(8) and the kernel's path walk."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator

import pytest
from support import processes

from nsview.host.mounts import MountNode, read_mounts, read_mounts_of_namespace
from nsview.kernel.nsfs import get_id
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes mounts")

#: Every mount has a directory named after it, so that who looks sees where a path ends.
_SETUP = """
set -e
put() { mount -t tmpfs "$1" "$2"; : >"$2/is-$1"; }
put base /mnt
mkdir -p /mnt/place /mnt/up/a/b /mnt/shared
put first /mnt/place
put second /mnt/place
put deep /mnt/up/a/b
put cover /mnt/up
mkdir -p /mnt/up/a/b
put new /mnt/up/a/b
put peer /mnt/shared
mount --make-shared /mnt/shared
put over /
echo
exec cat
"""


@contextlib.contextmanager
def _constructed() -> Iterator[int]:
    with processes.started("unshare", "--mount", "--", "sh", "-c", _SETUP) as process:
        processes.read_line(process)
        processes.wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe").endswith("/cat"))
        yield process.pid


def _nodes(pid: int) -> dict[str, MountNode]:
    """By the source, which names the mount here."""
    nodes = read_mounts(Procfs(), pid)
    assert nodes is not None
    return {node.mount.source: node for node in nodes}


def test_the_tree_is_that_of_findmnt() -> None:
    with _constructed() as pid:
        nodes = read_mounts(Procfs(), pid)
        command = ["findmnt", "--json", "-N", str(pid), "-o", "ID,PARENT,TARGET"]
        text = subprocess.check_output(command, text=True)
    assert nodes is not None
    expected = {}

    def collect(rows: list[dict[str, object]], depth: int) -> None:
        for row in rows:
            expected[int(str(row["id"]))] = (int(str(row["parent"])), row["target"], depth)
            collect(row.get("children", []), depth + 1)  # type: ignore[arg-type]  # JSON

    collect(json.loads(text)["filesystems"], 0)
    shown = {one.mount.id: (one.mount.parent, one.mount.target, one.depth) for one in nodes}
    assert shown == expected


def test_overmounts_in_place_and_higher_up() -> None:
    with _constructed() as pid:
        nodes = _nodes(pid)
    assert nodes["first"].hidden == "in place"
    assert nodes["first"].hidden_by == nodes["second"].mount.id
    assert nodes["deep"].hidden == "higher up"
    assert nodes["deep"].hidden_by == nodes["cover"].mount.id
    assert nodes["over"].hidden == "over root"
    for name in ("base", "second", "cover", "new", "peer"):
        assert nodes[name].hidden is None, name
    assert nodes["peer"].propagation.startswith("shared:")
    assert nodes["base"].propagation == "private"
    assert nodes["second"].mount.id in nodes["first"].children


def test_every_path_of_a_mount_that_is_not_hidden_leads_to_it() -> None:
    """Asked of the kernel: the mount id of what the path opens (proc_pid_fdinfo(5))."""
    with _constructed() as pid:
        for node in read_mounts(Procfs(), pid) or ():
            try:
                found = _mount_id(f"/proc/{pid}/root{node.mount.target}")
            except FileNotFoundError:
                found = None  # nothing of that name in what covers it
            assert (found == node.mount.id) == (node.hidden is None), node


def _mount_id(path: str) -> int:
    descriptor = os.open(path, os.O_PATH)
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
    finally:
        os.close(descriptor)
    return int(fields["mnt_id"])


def test_a_chroot_shows_what_is_below_it_only() -> None:
    script = "mount -t tmpfs in /mnt && mkdir -p /mnt/a/proc && mount -t tmpfs below /mnt/a/proc"
    script += " && mkdir /mnt/a/bin && mount --bind /usr /mnt/a/bin"
    script += " && for l in lib lib64; do mkdir /mnt/a/$l; mount --bind /$l /mnt/a/$l; done"
    script += " && echo && exec chroot /mnt/a /bin/bin/cat"
    with processes.started("unshare", "--mount", "--", "sh", "-c", script) as process:
        processes.read_line(process)
        processes.wait_until(lambda: os.readlink(f"/proc/{process.pid}/root") == "/mnt/a")
        nodes = _nodes(process.pid)
    assert "in" not in nodes
    below = nodes["below"]
    assert (below.mount.target, below.depth, below.hidden) == ("/proc", 0, None)


def test_a_namespace_without_processes_by_its_id() -> None:
    with _constructed() as pid:
        descriptor = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    try:
        number = get_id(descriptor)
        nodes = None if number is None else read_mounts_of_namespace(number)
    finally:
        os.close(descriptor)
    if nodes is None:
        pytest.skip("this kernel has no statmount")
    by_source = {node.mount.source: node for node in nodes}
    if set(by_source) == {""}:
        pytest.skip("statmount says no source here (Linux 6.13)")
    # Who enters starts on top of what was mounted over the root.
    assert by_source["over"].hidden is None
    assert by_source["base"].hidden == "higher up"
    assert by_source["base"].hidden_by == by_source["over"].mount.id


def test_a_process_that_is_gone_has_none() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert read_mounts(Procfs(), process.pid) is None
