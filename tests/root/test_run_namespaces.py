"""Sandboxes with user and time namespaces of their own."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support.command import Done, nsview
from support.processes import inode, wait_until
from support.sandboxes import LAYERS, fingerprint

from nsview.kernel.idmap import parse_id_map
from nsview.kernel.namespaces import KINDS


def inside(root: Path, script: str, *options: str) -> Done:
    return nsview("run", "--rootfs", str(root), "--rm", *options, "--", "sh", "-c", script)


def test_all_namespaces_are_new_and_its_own(root: Path) -> None:
    done = inside(
        root, "for kind in /proc/self/ns/*; do readlink $kind; done", "--userns",
        "--time-offset", "100",
    )  # fmt: skip
    found = {
        kind: int(number) for kind, number in re.findall(r"(\w+):\[(\d+)\]", done.out.decode())
    }
    assert not [kind for kind in KINDS if found[kind] == inode("self", kind)]


def test_root_inside_is_nobody_outside(root: Path, place: Path) -> None:
    name = f"{place.name}-user"
    before = fingerprint(root)
    script = "touch /made; rm /file; exec sleep 1000"
    started = nsview("run", "--rootfs", str(root), "-d", "--rm", "--name", name, "--userns",
                     "--json", "--", "sh", "-c", script)  # fmt: skip
    try:
        pid = started.json["pid"]
        (uids,) = parse_id_map(Path(f"/proc/{pid}/uid_map").read_bytes())
        assert (uids.inside, uids.length) == (0, 65536)
        assert uids.outside >= 65536
        assert os.stat(f"/proc/{pid}").st_uid in (0, uids.outside)  # 0: it is not dumpable
        upper = LAYERS / started.json["id"] / "upper"
        wait_until(lambda: (upper / "made").exists() and (upper / "file").exists())
        # On disk it is root's: another run may have other ids.
        assert (upper / "made").stat().st_uid == 0
        for words, wanted in (("-u\nroot", "0"), ("-u\n1000", "1000")):
            assert nsview("enter", name, *words.split("\n"), "--", "id", "-u").lines == [wanted]
        assert [one["role"] for one in nsview("layers", name, "--json").json["layers"]] == [
            "upper", "init", "lower",
        ]  # fmt: skip
        changes = nsview("diff", name, "--json").json["changes"]
        assert {(one["kind"], one["path"]) for one in changes} == {("A", "/made"), ("D", "/file")}
    finally:
        nsview("rm", "-f", name)
    assert fingerprint(root) == before


def test_its_root_cannot_do_what_the_hosts_can(root: Path, place: Path) -> None:
    (place / "secret").mkdir()
    (place / "secret/file").write_text("x")
    (place / "secret/file").chmod(0o600)
    script = """
        cat /secret/file || echo unread
        mknod /disk b 8 0 || echo unmade
        hostname new && hostname
        mount -t tmpfs x /etc && echo mounted
        echo 1 >/proc/sysrq-trigger || echo unwritten
    """
    done = inside(root, script, "--userns", "--cap-add", "all", "--hostname", "old",
                  "--bind", f"{place}/secret:/secret")  # fmt: skip
    assert done.lines == ["unread", "unmade", "new", "mounted", "unwritten"]


def test_devices_and_terminals_work(root: Path) -> None:
    script = (
        "echo x >/dev/null; head -c 3 /dev/urandom | wc -c; stat -c %u:%a /dev/null; ls /dev/pts"
    )
    assert inside(root, script, "--userns").lines == ["3", "0:666", "ptmx"]


@pytest.mark.parametrize("user", ["web", "1000:1001"])
def test_a_user_in_it(root: Path, user: str) -> None:
    done = inside(root, "id -u; id -g; touch /tmp/x; stat -c %u /tmp/x", "--userns", "--user", user,
                  "--tmpfs", "/tmp")  # fmt: skip
    assert done.lines == ["1000", "1001", "1000"]


@pytest.mark.parametrize("init", ["--init", "--no-init"])
def test_the_status_comes_through(root: Path, init: str) -> None:
    assert inside(root, "exit 7", "--userns", init).status == 7
    assert inside(root, "kill -KILL $$; kill -9 $$", "--userns").status == 128 + 9


def test_read_only_and_a_stack(root: Path, place: Path) -> None:
    top = place / "top"
    top.mkdir()
    (top / "file").write_text("top\n")
    stack = ("--lower", str(top), "--lower", str(root))
    done = nsview("run", "--rm", "--userns", "--ro", *stack, "--",
                  "sh", "-c", "cat /file; touch /x || echo refused")  # fmt: skip
    assert done.lines == ["top", "refused"]


def test_an_upper_directory_of_ones_own(root: Path, place: Path) -> None:
    upper = place / "upper"
    upper.mkdir()
    assert inside(root, "echo x >/made", "--userns", "--upper", str(upper)).status == 0
    assert (upper / "made").stat().st_uid == 0
    assert inside(root, "cat /made", "--userns", "--upper", str(upper)).out == b"x\n"


def test_the_hosts_network_is_refused(root: Path) -> None:
    done = inside(root, "true", "--userns", "--net", "host")
    assert (done.status, done.out) == (125, b"")
    assert "exclude each other" in done.err


@pytest.mark.parametrize("options", [(), ("--userns",)])
def test_clocks_are_ahead(root: Path, options: tuple[str, ...]) -> None:
    ahead = 1_000_000
    before = _uptime(Path("/proc/uptime").read_text())
    shown = _uptime(
        inside(root, "cat /proc/uptime", "--time-offset", str(ahead), *options).out.decode()
    )
    after = _uptime(Path("/proc/uptime").read_text())
    assert before + ahead <= shown <= after + ahead + 1


def _uptime(text: str) -> float:
    return float(text.split()[0])


@pytest.mark.parametrize("offset", ["-1e9", "inf", "nan", "1e30", "soon"])
def test_impossible_offsets(root: Path, offset: str) -> None:
    """The kernel's clocks begin with its boot, and end after some centuries."""
    done = inside(root, "true", f"--time-offset={offset}")
    assert done.status in (2, 125)
    assert not done.out
    assert "error: " in done.err
    assert "Traceback" not in done.err
