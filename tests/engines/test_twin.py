"""A twin of an engine's container: on the same image layers, which stay as they are."""

from __future__ import annotations

import pwd
from pathlib import Path

from support import engines
from support.command import nsview
from support.sandboxes import fingerprint
from support.user import command_for_users, run_as

_LOOK = "cat /two; ls -a /; cat /mine 2>/dev/null; echo x >/new; rm -r /d; echo done"


def look_twice(container: engines.Started) -> None:
    """In the twin, the image's files; in the engine's layers, no change."""
    root = nsview("layers", f"pid:{container.pid}", "--json").json["layers"]
    lower = [Path(one["path"]) for one in root if not one["writable"]]
    before = [fingerprint(one) for one in lower]
    done = nsview("run", "--like", f"pid:{container.pid}", "--rm", "--", "sh", "-c", _LOOK)
    assert done.out.startswith(b"two\n"), done.err
    assert done.out.endswith(b"done\n"), done.err
    names = set(done.out.split())
    assert {b"two", b"bin", b"d"} <= names
    assert not {name for name in names if name in (b"one", b"mine") or name.startswith(b".wh.")}
    assert [fingerprint(one) for one in lower] == before


_CHANGE = ("/bin/sh", "-c", "echo x >/mine; rm /d/x; exec sleep 100000")


def test_of_docker(docker: engines.Docker) -> None:
    look_twice(docker.start(command=_CHANGE))


def test_of_podman(podman: engines.Podman) -> None:
    look_twice(podman.start(command=_CHANGE))


def test_of_podman_with_fuse_overlayfs(fuse_podman: engines.FusePodman) -> None:
    """Its image deletes ``/one`` by a file named ``.wh.one``."""
    container = fuse_podman.start(command=_CHANGE)
    root = nsview("layers", f"pid:{container.pid}", "--json").json
    assert root["root"]["fstype"] == "fuse.fuse-overlayfs"
    assert any(Path(one["path"], ".wh.one").exists() for one in root["layers"])
    look_twice(container)


def test_of_containerd(containerd: engines.Containerd) -> None:
    look_twice(containerd.start())


def test_it_starts_as_the_container_did(docker: engines.Docker) -> None:
    container = docker.start()
    done = nsview("run", "--like", f"pid:{container.pid}", "-d", "--rm", "--json")
    try:
        inside = nsview("ps", done.json["id"][:12], "--json").json["processes"]
        assert inside[-1]["cmdline"] == ["/bin/sleep", "100000"]
    finally:
        nsview("rm", "-f", done.json["id"])


def test_a_user_makes_twins_of_what_its_own_podman_runs(
    rootless_overlay_podman: engines.RootlessOverlayPodman,
) -> None:
    podman = rootless_overlay_podman
    container = podman.start(command=_CHANGE)
    home = Path(podman.run.environment["HOME"])
    places = {"HOME": home, "XDG_RUNTIME_DIR": home / "run"}
    gid = pwd.getpwuid(podman.user).pw_gid
    nsview_words = (*command_for_users(), "run", "--rm", "--like", f"pid:{container.pid}")
    words = (*nsview_words, "--", "sh", "-c", f"id -u; {_LOOK}")
    done = run_as(podman.user, gid, places, *words)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["0", "two"], done.stderr
    assert lines[-1] == "done"
    assert not {"one", "mine"} & set(lines)
    assert podman.podman("exec", container.id, "ls", "/mine") == "/mine"


def test_layers_of_a_users_own_engine_are_refused(rootless_podman: engines.RootlessPodman) -> None:
    container = rootless_podman.start()
    done = nsview("run", "--like", f"pid:{container.pid}", "--", "true")
    assert (done.status, done.err.count("\n")) == (125, 1)
    assert "no twin of" in done.err
