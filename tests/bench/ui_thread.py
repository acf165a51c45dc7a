"""For how long a look holds the UI's thread: ``sudo python tests/bench/ui_thread.py 10000 200``.

A key press waits for the callback of the event loop that runs, so each of them is timed: on the
clock (waiting for the interpreter's lock included), and what its thread computed. No key is pressed
meanwhile: what comes are looks, of a host that rests, and of one where processes and containers
come and go. The UI runs at real-time priority: its neighbours are not what is measured. A loop that
always computes the same tells beside it how even the machine's own time is.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
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
    """Be nsview; from one SIGUSR1 to the next, note what each callback took."""
    took: list[tuple[float, float]] = []
    timing = False
    run = asyncio.events.Handle._run

    def timed(handle: asyncio.events.Handle) -> Any:
        began, computed = time.perf_counter(), time.thread_time()
        result = run(handle)
        if timing:
            took.append((time.perf_counter() - began, time.thread_time() - computed))
        return result

    def turn(*_: object) -> None:
        nonlocal timing
        if timing:
            Path(report).write_text(json.dumps(took))
        took.clear()
        timing = not timing

    asyncio.events.Handle._run = timed  # type: ignore[method-assign]
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
                clock, computed = zip(*json.loads(Path(report).read_text()), strict=True)
                over = sum(one > _BAR for one in clock)
                print(f"{page:5} {what:10} come and go: {len(clock):5} callbacks, worst "
                      f"{max(clock) * 1000:4.1f} ms, of them computed {max(computed) * 1000:4.1f}; "
                      f"{over} over {_BAR * 1000:.0f} ms", flush=True)  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["timed"]:
        _be_timed(sys.argv[2])
    elif sys.argv[1:2] == ["loop"]:
        _be_a_loop()
    else:
        _measure(*(map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (0, 0)))
