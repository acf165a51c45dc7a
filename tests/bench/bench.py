"""How fast nsview is here and now: ``sudo python tests/bench/bench.py``.

One table: censuses, commands, the UI, and beside them what others need for the like on the same
host at the same time. Figures are medians of milliseconds, or per cent of one CPU. It never fails
by time: hosts differ, and the ratios say more than the seconds.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from first_sight import FIRST_FRAME, STARTS, first_sight, forking
from programs import NSVIEW, medians, running
from sleepers import sleepers
from support.churn import churn

import nsview

_ROUNDS = 5
_IDLE_SECONDS = 12
#: The small charts of all rows have grown to their width by then.
_SETTLE_SECONDS = 20
_FRAMES = 5
_FORKS = (0, 50)
_CHURN_SECONDS = 60
_FAILURE = b"cannot read"
#: (processes, sandboxes that they are spread over)
_HOSTS = ((100, 0), (1_000, 50), (5_000, 200), (10_000, 200), (10_000, 500))
_QUICK = 2

#: In the process that takes it, without the start of Python: load, first, then the median look.
_CENSUS = """
import statistics, sys, time
from nsview.host.census_choice import choose_census
from nsview.host.host import Host
from nsview.kernel.procfs import Procfs
def took(call):
    times = []
    for _ in range(7):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)
began = time.perf_counter()
source = choose_census(Procfs(), sys.argv[1])
source.read()
first = (time.perf_counter() - began) * 1000
host = Host(source=source)
host.snapshot(commands=True)
print(first, took(source.read), took(lambda: host.snapshot(commands=True)))
"""
_PSUTIL = """
import psutil
for process in psutil.process_iter(["pid", "ppid", "name", "username", "cmdline", "create_time"]):
    process.info
"""


def report(what: str, figure: str, remark: str = "") -> None:
    """One line of the table."""
    print(f"  {what:<44} {figure:>12}   {remark}", flush=True)


def report_ms(what: str, figure: float, remark: str = "") -> None:
    """The same, of milliseconds."""
    report(what, f"{figure:.0f} ms", remark)


def censuses() -> None:
    """Both sources, in a process that has nothing else to do."""
    for name in ("bpf", "procfs"):
        command = [sys.executable, "-c", _CENSUS, name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            report(f"census, {name}", "-", done.stderr.strip().rpartition("\n")[2])
            continue
        first, again, snapshot = map(float, done.stdout.split())
        report_ms(f"census, {name}: loaded, first read", first)
        report_ms(f"census, {name}: read again", again)
        target = "at most 60 ms with 10,000" if name == "bpf" else ""
        report_ms(f"census, {name}: snapshot of it", snapshot, target)


def commands(rounds: int) -> None:
    """From the command line to the end of its output, beside what others offer."""
    ours = {f"nsview {word}": (*NSVIEW, word, "--json") for word in ("ns", "ls", "ps")}
    others = {
        "lsns": ("lsns", "--json"),
        "ps": ("ps", "-eo", "pid,ppid,user,lstart,args"),
        "psutil": (sys.executable, "-c", _PSUTIL),
        "python": (sys.executable, "-c", "pass"),
    }
    took = medians(ours | others, rounds)
    report_ms("python -c pass", took["python"])
    ratio = took["lsns"] / took["nsview ns"]
    report_ms(
        "nsview ns --json", took["nsview ns"], f"{ratio:.1f} times as fast as lsns: 10 with 10,000"
    )
    report_ms("lsns --json", took["lsns"])
    report_ms("nsview ls --json", took["nsview ls"], "at most 150 ms on an idle host")
    report_ms("nsview ps --json", took["nsview ps"])
    report_ms("ps -eo pid,ppid,user,lstart,args", took["ps"])
    report_ms("psutil.process_iter", took["psutil"])


def interface() -> None:
    """The UI: first frame, a container that starts, what it costs while nobody touches it."""
    frames = []
    for _ in range(_FRAMES):
        with running(*NSVIEW) as one:
            frames.append(one.milliseconds_until(FIRST_FRAME))
    report_ms("first frame of the UI", statistics.median(frames), "at most 400 ms")
    with running(*NSVIEW) as one:
        one.milliseconds_until(FIRST_FRAME)
        one.read_for(_SETTLE_SECONDS)
        share = one.cpu_share(_IDLE_SECONDS)
        resident = one.resident_mb()
        sights = []
        for forks in _FORKS:
            with forking(forks):
                sights.append(first_sight(one))
    theirs = _idle_htop()
    ratio = f", {share / theirs:.2f} of htop's" if theirs else ""
    report("idle UI, every 2 s: CPU", f"{share:.1f} %", f"at most 4 % with 10,000{ratio}: 0.1")
    report("idle UI: resident", f"{resident:.0f} MB", "at most 140 MB")
    if theirs is not None:
        report("idle htop, every 2 s: CPU", f"{theirs:.1f} %")
    for forks, (median, worst) in zip(_FORKS, sights, strict=True):
        report_ms(f"a container that starts, beside {forks} forks a second", median,
                  f"worst of {STARTS}: {worst:.0f} ms; at most 300 ms")  # fmt: skip


def _idle_htop() -> float | None:
    if not shutil.which("htop"):
        return None
    with running("htop", "-d", "20") as one:
        one.read_for(_SETTLE_SECONDS)
        return one.cpu_share(_IDLE_SECONDS)


def churning(seconds: float) -> None:
    """The UI beside hundreds of forks, unshares and exits a second: what grows, what goes wrong.

    Memory has to settle: what counts is what it has grown by in the second half.
    """
    what = f"{seconds:.0f} s of churn"
    with running(*NSVIEW) as one:
        one.milliseconds_until(FIRST_FRAME)
        with churn():
            one.read_for(_SETTLE_SECONDS)
            descriptors = one.descriptors()
            painted = one.read_for(seconds / 2)
            resident = one.resident_mb()
            painted += one.read_for(seconds / 2 - _IDLE_SECONDS)
            share = one.cpu_share(_IDLE_SECONDS)
            report(f"{what}: resident, growth", f"{one.resident_mb() - resident:+.1f} MB",
                   f"in the second half, of {resident:.0f} MB")  # fmt: skip
            report(f"{what}: descriptors, growth", f"{one.descriptors() - descriptors:+}")
        one.read_for(_SETTLE_SECONDS)
        report(f"{what}: CPU", f"{share:.1f} %")
        report(f"{what}: descriptors afterwards", f"{one.descriptors() - descriptors:+}")
        report(f"{what}: errors", str(painted.count(_FAILURE)), "0")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="up to 1,000 processes")
    parser.add_argument("--only", type=int, metavar="N", help="with so many processes")
    parser.add_argument("--churn", type=float, nargs="?", const=_CHURN_SECONDS, metavar="SECONDS",
                        help=f"only a host that never rests, {_CHURN_SECONDS} s")  # fmt: skip
    arguments = parser.parse_args()
    if os.geteuid() or not shutil.which("busybox"):
        sys.exit("needs root and busybox")
    # As pip does when it installs; the environment may forbid it on the way.
    compileall.compile_dir(Path(nsview.__file__).parent, quiet=2)
    if not arguments.only:
        churning(arguments.churn or _CHURN_SECONDS)
    if arguments.churn:
        return
    for processes, sandboxes in _HOSTS[:_QUICK] if arguments.quick else _HOSTS:
        if arguments.only not in (None, processes):
            continue
        with sleepers(processes, sandboxes):
            time.sleep(_SETTLE_SECONDS)
            load = os.getloadavg()[0]
            print(f"{processes:,} processes in {sandboxes} sandboxes; {os.cpu_count()} CPUs, load "
                  f"{load:.1f} (their start included)", flush=True)  # fmt: skip
            censuses()
            commands(_ROUNDS if processes < 5_000 else 3)
            interface()


if __name__ == "__main__":
    main()
