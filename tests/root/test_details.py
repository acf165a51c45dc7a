"""One container closer: real processes in real namespaces, looked at through `read_details`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import processes
from support.descriptors import open_descriptors
from support.nobody import python_as_nobody
from support.processes import inode

from nsview.host.census import ProcfsCensus
from nsview.host.details import Details, read_details
from nsview.host.initial import find_initial
from nsview.host.model import Container, NamespaceUse, Snapshot
from nsview.kernel.idmap import IdRange
from nsview.kernel.namespaces import KINDS
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")


def _details(pid: int, *others: int) -> Details:
    procfs = Procfs()
    tasks = ProcfsCensus(procfs).read()
    initial = find_initial(procfs, tasks)

    def container(number: int) -> Container:
        links = tasks[number].namespaces
        uses = {
            kind: NamespaceUse(ino, ino == initial[kind])
            for kind, ino in zip(KINDS, links, strict=True)
        }
        return Container(
            ref=f"test/{number}",
            engine="test",
            id=None,
            name=str(number),
            pid=number,
            members=(number,),
            namespaces=uses,
        )

    containers = tuple(map(container, (pid, *others)))
    snapshot = Snapshot(tasks=tasks, containers=containers, membership={}, initial=initial)
    return read_details(procfs, snapshot, containers[0])


def _own_text(name: str) -> str:
    return Path(f"/proc/sys/{name}").read_text().strip()


def test_host_name_and_settings_are_read_inside() -> None:
    script = "echo inside-name >/proc/sys/kernel/hostname"
    script += "; echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start"
    script += "; echo 4242 >/proc/sys/kernel/msgmax; echo; exec cat"
    command = ("unshare", "--uts", "--net", "--ipc", "--", "sh", "-c", script)
    with processes.started(*command) as process:
        processes.read_line(process)
        details = _details(process.pid)
    rows = {row.name: row for row in details.sysctls}
    assert details.hostname == rows["kernel.hostname"].value == "inside-name"
    assert rows["net.ipv4.ip_unprivileged_port_start"].value == "0"
    assert rows["kernel.msgmax"].value == "4242"
    for name in ("kernel.hostname", "kernel.msgmax", "net.ipv4.ip_unprivileged_port_start"):
        assert not rows[name].shared
        assert rows[name].host == _own_text(name.replace(".", "/"))
    assert rows["vm.swappiness"].shared
    assert rows["vm.swappiness"].value == _own_text("vm/swappiness")
    assert details.kernel == os.uname().release


def test_we_ourselves_have_gone_nowhere() -> None:
    before = {kind: inode("self", kind) for kind in KINDS}
    open_before = open_descriptors()
    with processes.sandbox("--uts", "--net", "--ipc") as pid:
        _details(pid)
    assert {kind: inode("self", kind) for kind in KINDS} == before
    assert open_descriptors() == open_before


def test_a_mapped_root_is_somebody_else_outside() -> None:
    with processes.uid_mapped("--mount") as pid:
        details = _details(pid)
    assert details.user is not None
    assert (details.user.outside, details.user.inside) == (100_000, 0)
    assert details.user.inside_name == "root"
    assert details.user.outside_name is None
    assert details.uid_map == (IdRange(0, 100_000, 65_536),)
    assert details.group is not None
    assert (details.group.outside, details.group.inside_name) == (100_000, "root")


def test_capabilities_seccomp_and_no_new_privs() -> None:
    drop = ("setpriv", "--bounding-set=-all,+chown,+net_admin", "--no-new-privs", "--", "cat")
    with processes.started(*drop) as process:
        processes.wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe").endswith("/cat"))
        details = _details(process.pid)
    assert details.capabilities is not None
    assert details.capabilities.bounding == ("chown", "net_admin")
    assert set(details.capabilities.effective) <= {"chown", "net_admin"}
    assert details.capabilities.beyond_default == ("net_admin",)
    assert details.capabilities.total == int(_own_text("kernel/cap_last_cap")) + 1
    assert details.no_new_privs is True
    assert details.seccomp in ("off", "filter")


def test_the_matrix_says_who_shares_and_who_rules() -> None:
    with (
        processes.sandbox("--net", "--mount") as pid,
        processes.joined_by_setns(pid, "--net") as other,
    ):
        details = _details(pid, other)
    rows = {row.kind: row for row in details.namespaces}
    assert rows["net"].shared_with == (f"test/{other}",)
    assert rows["net"].members == 2
    assert not rows["net"].shared
    assert (rows["mnt"].shared_with, rows["mnt"].members) == ((), 1)
    assert rows["uts"].shared
    assert rows["net"].owner == inode("self", "user")


def test_clocks_of_a_time_namespace() -> None:
    with processes.shifted_time(monotonic=1_000, boottime=100_000) as pid:
        details = _details(pid)
    assert details.time_offsets is not None
    assert details.time_offsets.monotonic == 1_000 * 10**9
    assert details.time_offsets.boottime == 100_000 * 10**9


#: Files that a container would put where names are looked for, and what they would lead to.
_TRAPS = {
    "fifo": "mkfifo /mnt/etc/passwd",
    "link out": "ln -s /../../../etc/passwd /mnt/etc/passwd",
    "magic link": "ln -s /proc/1/root/etc/passwd /mnt/etc/passwd",
    "endless": "mknod /mnt/etc/passwd c 1 5",
    "huge": "truncate -s 10G /mnt/etc/passwd",
}


@pytest.mark.parametrize("trap", _TRAPS.values(), ids=_TRAPS)
def test_a_hostile_passwd_gives_no_names_and_costs_no_time(trap: str) -> None:
    script = f"mount -t tmpfs t /mnt && mkdir -p /mnt/etc /mnt/bin /mnt/usr && {trap}"
    script += " && mount --bind /usr /mnt/usr && ln -s usr/lib /mnt/lib"
    script += " && ln -s usr/lib64 /mnt/lib64 && echo && exec chroot /mnt /usr/bin/cat"
    with processes.started("unshare", "--mount", "--", "sh", "-c", script) as process:
        processes.read_line(process)
        processes.wait_until(lambda: os.readlink(f"/proc/{process.pid}/root") != "/")
        details = _details(process.pid)
    assert details.user is not None
    assert (details.user.outside, details.user.inside_name) == (0, None)
    assert details.root is not None
    assert (details.root.fstype, details.root.source) == ("tmpfs", "t")


def test_what_is_gone_is_said() -> None:
    with processes.sandbox("--net") as pid:
        procfs = Procfs()
        tasks = ProcfsCensus(procfs).read()
    container = Container(ref="test/x", engine="test", id=None, name="x", pid=pid)
    snapshot = Snapshot(tasks=tasks, containers=(container,), membership={}, initial={})
    assert read_details(procfs, snapshot, container).partial == ("its first process is gone",)


def test_an_unprivileged_reader_is_told_what_it_may_not_read() -> None:
    with processes.sandbox("--net", "--uts") as pid:
        code = f"""
from root.test_details import _details
details = _details({pid})
print(details.user.outside, details.hostname, details.process.executable, *details.partial)
"""
        words = python_as_nobody(code).split(maxsplit=3)
    assert words[:3] == ["0", "None", "None"]
    assert words[3].startswith("host name and settings inside:")
