"""For how long a look holds the UI's thread: ``sudo python tests/bench/ui_thread.py 10000 200``.

A key press waits for the callback of the event loop that runs, so each of them is timed: on the
clock, what of it its thread computed, and for how long it waited while the scan computed: any rest
it waited for a processor. Before that it waits for its turn, from when there is something to do;
here what it waited for a processor is left out. No key is pressed meanwhile: what comes are looks,
of a host that rests, and of one where processes and containers come and go. The UI runs at
real-time priority: its neighbours are not what is measured. A loop that always computes the same
tells beside it how even the machine's own time is.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

_BAR = 0.005
_SECONDS = 30.0
_SETTLE_SECONDS = 15.0
_AT_ONCE = ("chrt", "--fifo", "10", sys.executable, __file__)
_PAGES = {"home": b"", ":ps": b":ps\r"}
_COMING = {
    "nothing": (),
    "processes": ("sleep", "3"),
    "containers": ("unshare", "-pmnf", "--kill-child", "--", "sleep", "3"),
}


def _be_timed(report: str) -> None:
    """Be nsview; from one SIGUSR1 to the next, note what each callback took, and each turn."""
    delay = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
    took: dict[str, list[float]] = {name: [] for name in ("clock", "computed", "scan", "turn")}
    timing = False
    woken = math.inf
    run = asyncio.events.Handle._run
    select = selectors.EpollSelector.select
    wake = asyncio.SelectorEventLoop._write_to_self  # type: ignore[attr-defined]

    def delayed() -> float:
        text = ctypes.create_string_buffer(100)
        ctypes.PyDLL(None).pread(delay, text, 100, 0)  # keeps the interpreter, unlike os.pread
        return int(text.value.split()[1]) / 1e9

    def timed(handle: asyncio.events.Handle) -> Any:
        began = time.perf_counter(), time.thread_time(), time.process_time()
        result = run(handle)
        if timing:
            ended = time.perf_counter(), time.thread_time(), time.process_time()
            clock, own, every = (ended[each] - began[each] for each in range(3))
            took["clock"].append(clock)
            took["computed"].append(own)
            took["scan"].append(min(clock - own, every - own))
        return result

    def timed_select(selector: selectors.EpollSelector, timeout: float | None = None) -> Any:
        nonlocal woken
        before, began = delayed(), time.perf_counter()
        due = math.inf if timeout is None else began + math.ceil(max(timeout, 0) * 1000) / 1000
        result = select(selector, timeout)
        ended = time.perf_counter()
        if timing and (ready := min(due, max(woken, began))) <= ended:
            took["turn"].append(max(0.0, ended - ready - (delayed() - before)))
        woken = math.inf
        return result

    def timed_wake(loop: asyncio.SelectorEventLoop) -> None:
        nonlocal woken
        woken = min(woken, time.perf_counter())
        wake(loop)

    def turn(*_: object) -> None:
        nonlocal timing
        if timing:
            Path(report).write_text(json.dumps(took))
        for of_each in took.values():
            of_each.clear()
        timing = not timing

    asyncio.events.Handle._run = timed  # type: ignore[method-assign]
    selectors.EpollSelector.select = timed_select  # type: ignore[method-assign]
    asyncio.SelectorEventLoop._write_to_self = timed_wake  # type: ignore[attr-defined]
    signal.signal(signal.SIGUSR1, turn)
    sys.argv = ["nsview"]
    from nsview.cli.main import main

    main()


def _be_a_loop() -> None:
    """Compute the same again and again; say how long it took."""
    took = []
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        began = time.perf_counter()
        sum(number for number in range(20_000))
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(0.05)
    took.sort()
    print(f"a loop of {took[0]:.1f} ms took {took[len(took) // 2]:.1f}, at worst {took[-1]:.1f}:",
          flush=True)  # fmt: skip


def _measure(processes: int, sandboxes: int) -> None:
    from programs import running
    from sleepers import sleepers

    with (
        tempfile.TemporaryDirectory(prefix="nsview-bench-") as directory,
        sleepers(processes, sandboxes),
        running(*_AT_ONCE, "timed", report := f"{directory}/took") as ui,
    ):
        for page, keys in _PAGES.items():
            ui.read_for(_SETTLE_SECONDS)
            os.write(ui.terminal, keys)
            ui.read_for(_SETTLE_SECONDS)
            for what, command in _COMING.items():
                os.kill(ui.pid, signal.SIGUSR1)
                loop = subprocess.Popen([*_AT_ONCE, "loop"])
                end = time.monotonic() + _SECONDS
                while time.monotonic() < end:
                    coming = subprocess.Popen(command) if command else None
                    ui.read_for(3.3)
                    if coming is not None:
                        coming.kill()
                        coming.wait()
                os.kill(ui.pid, signal.SIGUSR1)
                ui.read_for(2)
                loop.wait()
                _tell(f"{page:5} {what:10}", json.loads(Path(report).read_text()))


def _tell(what: str, took: dict[str, list[float]]) -> None:
    worst = ", ".join(
        f"{name} {max(seconds) * 1000:4.1f} ms ({sum(one > _BAR for one in seconds)})"
        for name, seconds in took.items()
    )
    callbacks = len(took["clock"])
    print(f"{what} come and go: {callbacks:5} callbacks, at worst (over 5 ms): {worst}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["timed"]:
        _be_timed(sys.argv[2])
    elif sys.argv[1:2] == ["loop"]:
        _be_a_loop()
    else:
        _measure(*(map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (0, 0)))
