"""A joining process that was started ahead ends with whom it waits for, and gets what it needs."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.descriptors import open_descriptors
from support.processes import children, read_line, sandbox, wait_until, watched

from nsview.enter import spawn
from nsview.enter.enter import Choice, enter
from nsview.enter.sealed import seal_program
from nsview.enter.standby import Standby
from nsview.enter.told import _renumber
from nsview.host.census import read_task
from nsview.kernel.procfs import Procfs

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="joins namespaces")

_WAITER = """
import time
from nsview.enter.standby import Standby
with Standby() as joiner:
    print("ready", flush=True)
    time.sleep(1000)
"""


def test_one_that_is_not_needed_ends_at_once() -> None:
    before = open_descriptors(), children(os.getpid())
    with Standby() as joiner:
        assert joiner.pid is not None
        assert joiner.pid in children(os.getpid())
    assert (open_descriptors(), children(os.getpid())) == before


def test_one_whose_parent_is_killed_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", _WAITER], stdout=subprocess.PIPE) as waiter:
        assert read_line(waiter) == "ready"
        with watched(children(waiter.pid)) as ended:
            waiter.send_signal(signal.SIGKILL)
            wait_until(ended)


def test_it_runs_on_a_sealed_copy_from_the_beginning() -> None:
    with Standby() as joiner:
        link = wait_until(lambda: _memory_file(joiner.pid))
        assert link.startswith("/memfd:")


def _memory_file(pid: int | None) -> str:
    # Before execve(2) it is our own program.
    link = os.readlink(f"/proc/{pid}/exe")
    return link if link != os.readlink("/proc/self/exe") else ""


def test_an_interpreter_that_does_not_run_from_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(spawn, "seal_program", lambda _: seal_program("/bin/false"))
    out = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT, 0o600)
    with sandbox("--net", "--uts") as pid:
        task = read_task(Procfs(), pid, own_pid_ns=0)
        assert task is not None
        words = ("readlink", "/proc/self/ns/net")
        with Standby() as joiner:
            outcome = enter(Procfs(), task, Choice(command=words, stdout=out), _quiet, joiner)
        assert (outcome.status, outcome.sealed) == (0, False)
        assert (tmp_path / "out").read_text().strip() == os.readlink(f"/proc/{pid}/ns/net")
    os.close(out)


def _quiet(*_: object) -> None:
    return None


def test_descriptors_get_their_numbers_whatever_was_received_where() -> None:
    """Also with two numbers that nothing was received at, before and behind."""
    made = [os.memfd_create("one") for _ in range(5)]
    for wanted in itertools.permutations(made, 3):
        received = [os.memfd_create(str(at)) for at in range(3)]
        # What is received has numbers that others are to get: the lowest, as the kernel gives them.
        for at, fd in enumerate(made[:3]):
            os.dup2(received[at], fd)
            os.close(received[at])
        for fd in made[3:]:
            os.close(fd)
        _renumber(made[:3], wanted)
        links = [os.readlink(f"/proc/self/fd/{fd}") for fd in wanted]
        assert links == [f"/memfd:{at} (deleted)" for at in range(3)]
        for fd in made:
            if fd not in wanted:
                with pytest.raises(OSError, match="Bad file descriptor"):
                    os.fstat(fd)
                os.dup2(wanted[0], fd)
    for fd in made:
        os.close(fd)
