"""Limits where the host has no, or other, control groups; binds of whole trees."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from support.command import command, nsview

from nsview.kernel.cgroupfs import read_cgroupfs

#: What to do to the mounts, in a mount namespace that ends with the test.
_NONE = "umount -l -R /sys/fs/cgroup"
_BARE_V2 = f"{_NONE}; mount -t cgroup2 none /sys/fs/cgroup"


def run_after(script: str, root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`nsview run`, in a mount namespace that a script has changed."""
    launch = shlex.join(command("run", "--rm", "--rootfs", str(root), *words))
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", f"{script}; exec {launch}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


_LIMITS = ("--memory", "64m", "--cpus", "0.5", "--pids", "50")


@pytest.mark.parametrize("mounts", [_NONE, _BARE_V2], ids=["none", "v2"])
def test_what_the_host_cannot_limit_is_said(root: Path, mounts: str) -> None:
    done = run_after(mounts, root, *_LIMITS, "--json", "--", "true")
    assert done.returncode == 0, done.stderr
    partial = json.loads(done.stdout)["partial"]
    assert done.stderr.count("nsview: partial: ") == len(partial)
    if mounts == _NONE:
        lacking = "\n".join(partial)
        assert all(f"limit of {one}: no such controller" in lacking for one in ("memory", "cpu"))


@pytest.mark.parametrize("mounts", [_NONE], ids=["none"])
def test_strict_makes_that_an_error(root: Path, mounts: str) -> None:
    done = run_after(mounts, root, *_LIMITS, "--strict", "--", "true")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (125, "", 1)
    assert done.stderr.startswith("nsview: error: not allowed by this host: limit of ")


def test_strict_is_no_hindrance_where_all_is_allowed(root: Path) -> None:
    done = nsview("run", "--rm", "--rootfs", str(root), *_LIMITS, "--json", "--", "true")
    strict = nsview("run", "--rm", "--rootfs", str(root), *_LIMITS, "--strict", "--", "true")
    assert strict.status == (125 if done.json["partial"] else 0)


def test_a_hierarchy_that_is_mounted_twice(root: Path, place: Path) -> None:
    """As below the /sys of another root directory."""
    again = place / "again"
    again.mkdir()
    newest = max(read_cgroupfs().hierarchies, key=lambda one: one.version)
    script = f"mount --bind {newest.target} {again}"
    done = run_after(script, root, "--json", "--", "true")
    assert done.returncode == 0, done.stderr
    assert "File exists" not in done.stdout + done.stderr


@pytest.mark.parametrize("userns", [(), ("--userns",)], ids=["", "userns"])
def test_no_mount_gets_out_where_the_hosts_are_shared(
    root: Path, place: Path, userns: tuple[str, ...]
) -> None:
    """systemd makes all of a host's mounts shared."""
    table = place / f"mounts{len(userns)}"
    shared = place / f"shared{len(userns)}"
    shared.mkdir()
    options = ("--rm", "--rootfs", str(root), *userns, "--cap-add", "sys_admin")
    binds = ("--bind", f"{shared}:/srv", "--tmpfs", "/srv/below")
    script = "mount -t tmpfs x /etc && mount -t tmpfs x /srv && echo done"
    launch = shlex.join(command("run", *options, *binds, "--", "sh", "-c", script))
    ours = f"grep -c {place.name} /proc/self/mountinfo"
    script = f"mount --make-rshared /; {{ {ours}; {launch}; {ours}; }} >{table}; true"
    subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        check=True,
        timeout=60,
    )
    assert table.read_text().split() == ["0", "done", "0"]


@pytest.mark.parametrize("userns", [(), ("--userns",)], ids=["", "userns"])
def test_a_read_only_bind_is_so_with_all_that_is_mounted_in_it(
    root: Path, place: Path, userns: tuple[str, ...]
) -> None:
    source = place / "tree"
    (source / "inner").mkdir(parents=True, exist_ok=True)
    look = "ls /tree/inner; touch /tree/x; touch /tree/inner/y; echo done"
    done = run_after(
        f"mount -t tmpfs none {source}/inner && touch {source}/inner/there",
        root, *userns, "--bind", f"{source}:/tree:ro", "--", "sh", "-c", look,
    )  # fmt: skip
    assert done.stdout.split() == ["there", "done"]
    assert done.stderr.count("Read-only file system") == 2
