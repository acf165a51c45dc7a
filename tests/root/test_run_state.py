"""Sandboxes that stay: listed, looked into, stopped, removed, and collected after a SIGKILL."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.command import command, nsview
from support.processes import wait_until
from support.sandboxes import (
    LAYERS,
    STATE,
    is_clean,
    kill_at,
    leftovers,
    nothing_left,
    sandboxes,
)

from nsview.cli.main import main
from nsview.sandbox import control


@pytest.fixture
def name(place: Path) -> Iterator[str]:
    """A name for a sandbox that is removed at the end."""
    chosen = f"{place.name}-{random.randrange(10**9)}"
    yield chosen
    nsview("rm", "-f", chosen)


def start(root: Path, name: str, script: str = "sleep 1000", *options: str) -> str:
    """A detached sandbox; returns its id once the script has said that it is so far."""
    done = nsview("run", "--rootfs", str(root), "-d", "--name", name, *options, "--",
                  "sh", "-c", f"{script}")  # fmt: skip
    assert done.status == 0, done.err
    return done.lines[0]


def listed(name: str) -> dict[str, object] | None:
    found = nsview("ls", "--all", "--json").json["containers"]
    return next((one for one in found if one["ref"] == f"nsview/{name}"), None)


def test_a_detached_one_is_a_container_like_any_other(root: Path, name: str) -> None:
    identity = start(root, name, "echo x > /made; rm /file; touch /ready; exec sleep 1000")
    upper = LAYERS / identity / "upper"
    wait_until(lambda: (upper / "ready").exists())
    found = listed(name)
    assert found is not None
    assert (found["engine"], found["id"], found["status"]) == ("nsview", identity, "running")
    assert found["processes"] == 2
    layers = nsview("layers", name, "--json").json["layers"]
    assert [one["role"] for one in layers] == ["upper", "init", "lower"]
    assert [one["path"] for one in layers] == [str(upper), str(upper.parent / "init"), str(root)]
    # Before Linux 6.13 the kernel shows numbers of descriptors: then they are what we noted.
    assert {one["resolution"] for one in layers} in ({"exact"}, {"store"})
    changes = {(one["kind"], one["path"]) for one in nsview("diff", name, "--json").json["changes"]}
    assert changes == {("A", "/made"), ("A", "/ready"), ("D", "/file")}
    pids = nsview("ps", name, "--json").json["processes"]
    assert [one["pids"][-1] for one in pids] == [1, 2]
    assert nsview("enter", name, "--", "cat", "/made").out == b"x\n"


def test_who_enters_has_the_rights_of_the_command(root: Path, name: str) -> None:
    """And not those of the process that looks after it."""
    script = "touch /ready; sleep 1 & exec sleep 1000"
    identity = start(root, name, script, "--env", "WORD=a b", "--cap-drop", "net_raw")
    wait_until(lambda: (LAYERS / identity / "upper/ready").exists())
    look = "grep -E '^(Cap|Seccomp|NoNew)' /proc/{}/status; echo $WORD"
    inside = nsview("enter", name, "--", "sh", "-c", look.format("self"))
    command = nsview("enter", name, "--", "sh", "-c", look.format("2"))
    assert inside.out == command.out
    assert inside.lines[-1] == "a b"
    assert inside.lines[-2].split() == ["Seccomp_filters:", "1"]


def test_it_outlives_the_nsview_that_made_it_and_ends_with_a_status(root: Path, name: str) -> None:
    identity = start(root, name, "while [ ! -e /go ]; do sleep 0.05; done; exit 5")
    assert nsview("enter", name, "--", "touch", "/go").status == 0
    ended = STATE / identity / "ended"
    wait_until(ended.exists)
    assert ended.read_text().split()[0] == "5"
    found = listed(name)
    assert found is not None
    assert found["status"] == "stopped"
    assert {one["path"] for one in nsview("diff", name, "--json").json["changes"]} == {"/go"}
    assert identity not in nsview("gc").out.decode()  # it is kept
    assert nsview("rm", name).status == 0
    assert listed(name) is None


def test_stop_asks_first(root: Path, name: str) -> None:
    identity = start(
        root, name, "trap 'touch /asked; exit 0' TERM; touch /up; while :; do sleep 0.05; done"
    )
    upper = LAYERS / identity / "upper"
    wait_until((upper / "up").exists)
    assert nsview("stop", "--time", "100", name).status == 0
    assert (upper / "asked").exists()
    assert (STATE / identity / "ended").read_text().split()[0] == "0"


@pytest.mark.parametrize("init", ["--init", "--no-init"])
def test_stop_does_not_ask_for_ever(root: Path, name: str, init: str) -> None:
    identity = start(root, name, "trap '' TERM; touch /up; while :; do sleep 0.05; done", init)
    wait_until((LAYERS / identity / "upper/up").exists)
    assert nsview("stop", "--time", "0.2", identity[:8]).status == 0
    assert (STATE / identity / "ended").exists()


def test_stop_waits_as_long_as_it_is_told_to(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = start(root, name, "trap '' TERM; touch /up; while :; do sleep 0.05; done")
    wait_until((LAYERS / identity / "upper/up").exists)
    waited = []
    has_ended = control._has_ended

    def note(pidfd: int, seconds: float | None) -> bool:
        waited.append(seconds)
        return has_ended(pidfd, seconds)

    monkeypatch.setattr(control, "_has_ended", note)
    assert main(["stop", "--time", "0.2", name]) == 0
    assert list(filter(None, waited)) == [0.2]
    assert waited[-1] is None


def test_one_that_runs_is_not_removed_by_mistake(root: Path, name: str) -> None:
    identity = start(root, name)
    done = nsview("rm", name)
    assert done.status == 1
    assert "runs" in done.err
    assert nsview("rm", "--force", name).status == 0
    assert not any(identity in str(one) for one in leftovers(sandboxes()).values())


def test_a_name_is_taken_once(root: Path, name: str) -> None:
    words = ("run", "--rootfs", str(root), "-d", "--name", name, "--", "sleep", "1000")
    with ThreadPoolExecutor(6) as pool:
        all_done = list(pool.map(lambda _: nsview(*words), range(6)))
    assert sorted(one.status for one in all_done) == [0, *[125] * 5]
    assert all("is taken" in one.err for one in all_done if one.status)


def test_many_at_once(root: Path) -> None:
    known = sandboxes()
    words = ("run", "--rootfs", str(root), "--rm", "--", "sh", "-c", "echo $$ > /x; cat /x")
    with ThreadPoolExecutor(8) as pool:
        all_done = list(pool.map(lambda _: nsview(*words), range(20)))
    assert {(one.status, one.out) for one in all_done} == {(0, b"2\n")}
    nothing_left(known, root)


def test_unknown_and_ambiguous_references(root: Path) -> None:
    for verb in ("stop", "rm"):
        assert nsview(verb, "no-such-sandbox").status == 3


def test_deep_and_odd_trees_are_removed(root: Path, name: str) -> None:
    script = """
        i=0
        while [ $i -lt 150 ]; do mkdir -p d/d/d/d/d/d/d/d/d/d && cd d/d/d/d/d/d/d/d/d/d || exit 1
        i=$((i + 1)); done
        touch "$(printf 'a\\nb')" "$(printf '\\377')"; mknod pipe p; ln -s / root
        touch /done
    """
    identity = start(root, name, script, "--tmpfs", "/t")
    wait_until((STATE / identity / "ended").exists)
    assert (LAYERS / identity / "upper/done").exists()
    assert nsview("rm", name).status == 0
    assert not (LAYERS / identity).exists()


# A SIGKILL at any moment.


@pytest.mark.parametrize("launcher", [False, True], ids=["nsview", "launcher"])
@pytest.mark.parametrize("way", ["directory", "host-root", "userns"])
def test_a_kill_leaves_nothing_that_gc_does_not_find(root: Path, launcher: bool, way: str) -> None:
    words = ["--host-root"] if way == "host-root" else ["--rootfs", str(root)]
    if way == "userns":
        words.append("--userns")
    known = sandboxes()
    for step in range(16):
        run = command("run", *words, "--rm", "--", "sleep", "1000")
        kill_at(0.08 + step * 0.012, run, launcher=launcher)

    ours = "/" if way == "host-root" else root
    wait_until(lambda: nsview("gc").status == 0 and is_clean(known, ours))
