"""``nsview top``: what containers use, again and again."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import asdict

from nsview.cli.arguments import Arguments, bad_value
from nsview.cli.output import (
    flush,
    print_json,
    print_line,
    print_note,
    print_notes,
    print_table,
    write_bytes,
)
from nsview.cli.words import byte_size, dash
from nsview.host.alerts import find_alerts
from nsview.host.host import Host
from nsview.host.model import Container, Snapshot
from nsview.host.reference import HOST_REF, find_container
from nsview.host.resources import Io, Resources
from nsview.kernel.pressure import Pressure
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_TITLES = (
    *("REF", "CPU%", "MEMORY", "LIMIT", "READ/S", "WRITE/S", "RX/S", "TX/S", "PIDS"),
    *("ANON", "CACHE", "CPU LIMIT", "PRESSURE", "ALERTS"),
)
_RIGHT = frozenset(_TITLES) - {"REF", "PRESSURE", "ALERTS"}
_INTERVAL = 2.0
#: In less time rates say more of chance than of the container.
_SHORTEST_INTERVAL = 0.5
_PRESSURES = ("cpu", "memory", "io")

EPILOG = """\
CPU% is of one processor: two that are busy make 200. MEMORY is the working set, what would not
simply be given back (`docker stats` shows it too); LIMIT is the strictest up the hierarchy.
PRESSURE is in how many per cent of the last 10 seconds tasks waited for cpu/memory/io. `host` is
the whole machine. `*`: it has no control group of its own, this is a sum over its processes.

  nsview top --count 1
  nsview top web --json --interval 5 | jq '.containers[0].memory.working_set'
  nsview top --openmetrics >/var/lib/node_exporter/nsview.prom.new"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what to measure, how often, and in which form."""
    parser.add_argument("ref", nargs="?", metavar="REF", help="only this container")
    parser.add_argument(
        "-i", "--isolated", action="store_true", help="also isolated services and sandboxes"
    )
    parser.add_argument(
        "--interval",
        type=_seconds,
        metavar="S",
        help=f"seconds between readings, {_SHORTEST_INTERVAL:g} or more (default: {_INTERVAL:g})",
    )
    parser.add_argument(
        "--count",
        type=_positive,
        metavar="N",
        help="end after N readings (default: go on until Ctrl-C)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line and reading")
    form.add_argument(
        "--openmetrics",
        action="store_true",
        help="all counters, once and at once, in the OpenMetrics text format",
    )
    parser.set_defaults(usage_error=parser.error)


def run(arguments: Arguments) -> int:
    """Measure."""
    if arguments.openmetrics and (arguments.interval or arguments.count):
        arguments.usage_error("--openmetrics is one reading, without --interval and --count")
    host = Host(census=arguments.census)
    snapshot = _look(host)
    ref = None if arguments.ref is None else find_container(snapshot, arguments.ref).ref
    if arguments.openmetrics:
        from nsview.cli.openmetrics import exposition

        print_notes(snapshot.partial)
        chosen = _chosen(snapshot, ref, isolated=arguments.isolated)
        write_bytes(exposition(snapshot, chosen).encode())
        return 0
    numbers = itertools.count() if arguments.count is None else range(arguments.count)
    for number in numbers:
        time.sleep(arguments.interval or _INTERVAL)
        snapshot = _look(host)
        chosen = _chosen(snapshot, ref, isolated=arguments.isolated)
        if ref is not None and not chosen:
            print_note(f"{ref} has ended")
            break
        if arguments.json:
            document = {"time": snapshot.taken, **_json(snapshot, chosen)}
            print_json(document, snapshot.partial, lines=True)
        else:
            _print(snapshot, chosen, first=number == 0)
        flush()
    return 0


def _seconds(text: str) -> float:
    seconds = float(text)  # argparse reports the ValueError
    if not math.isfinite(seconds) or seconds < _SHORTEST_INTERVAL:
        raise bad_value(f"{text} is less than {_SHORTEST_INTERVAL:g} seconds")
    return seconds


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise bad_value(f"{text} is less than 1")
    return number


def _look(host: Host) -> Snapshot:
    return host.snapshot(resources=True, traffic=True)


# The host first, then who computes most.
def _chosen(snapshot: Snapshot, ref: str | None, *, isolated: bool) -> list[Container]:
    found = [
        one
        for one in snapshot.containers
        if one.ref in snapshot.resources
        and (one.ref == ref if ref is not None else isolated or one.kind != "isolated")
    ]

    def rank(one: Container) -> tuple[bool, float, str]:
        cpu = snapshot.resources[one.ref].cpu
        return one.ref != HOST_REF, -(cpu.percent or 0.0) if cpu else 0.0, one.ref

    return sorted(found, key=rank)


def _print(snapshot: Snapshot, chosen: list[Container], *, first: bool) -> None:
    if first:
        print_notes(snapshot.partial)
    else:
        print_line("")
    print_table(_TITLES, [_row(snapshot, one) for one in chosen], right=_RIGHT)


def _row(snapshot: Snapshot, one: Container) -> tuple[str, ...]:
    resources = snapshot.resources[one.ref]
    cpu, memory, io, pids = resources.cpu, resources.memory, resources.io, resources.pids
    traffic = snapshot.traffic_of(one)
    return (
        one.ref + ("*" if resources.counted == "processes" else ""),
        _figure(cpu.percent if cpu else None),
        byte_size(memory.working_set if memory else None),
        byte_size(memory.limit if memory else None),
        _rate(io.read if io else None),
        _rate(io.write if io else None),
        _rate(traffic.rx_rate if traffic else None),
        _rate(traffic.tx_rate if traffic else None),
        dash(pids.current if pids else None),
        byte_size(memory.anon if memory else None),
        byte_size(memory.cache if memory else None),
        _figure(cpu.limit if cpu else None),
        "/".join(_figure(_waiting(resources, name)) for name in _PRESSURES),
        ", ".join(alert.text for alert in find_alerts(resources)) or "-",
    )


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _rate(value: float | None) -> str:
    return byte_size(None if value is None else round(value))


def _waiting(resources: Resources, name: str) -> float | None:
    pressure = resources.pressure.get(name)
    return None if pressure is None else pressure.some.avg10


def _json(snapshot: Snapshot, chosen: list[Container]) -> dict[str, object]:
    return {
        "host": next((_of(snapshot, one) for one in chosen if one.ref == HOST_REF), None),
        "containers": [_of(snapshot, one) for one in chosen if one.ref != HOST_REF],
    }


def _of(snapshot: Snapshot, one: Container) -> dict[str, object]:
    resources = snapshot.resources[one.ref]
    cpu, memory, pids = resources.cpu, resources.memory, resources.pids
    traffic = snapshot.traffic_of(one)
    return {
        "ref": one.ref,
        "status": one.status,
        "counted": resources.counted,
        "cpu_percent": cpu.percent if cpu else None,
        "cpu_limit": cpu.limit if cpu else None,
        "cpu_seconds": cpu.usage if cpu else None,
        "throttled": cpu.throttled if cpu else None,
        "memory": {**asdict(memory), "events": memory.events._asdict()} if memory else None,
        "io": _io(resources.io) if resources.io else None,
        "pids": asdict(pids) if pids else None,
        "pressure": {name: _stalls(resources.pressure.get(name)) for name in _PRESSURES},
        "net": {"rx": traffic.rx_rate, "tx": traffic.tx_rate} if traffic else None,
        "oom_kills": memory.events.oom_kill if memory else None,
        "alerts": [alert.kind for alert in find_alerts(resources)],
    }


def _io(io: Io) -> dict[str, object]:
    totals = {"read_bytes": io.read_bytes, "written_bytes": io.written_bytes}
    return {"read": io.read, "write": io.write, **totals, "counted": io.counted}


def _stalls(pressure: Pressure | None) -> dict[str, float | None] | None:
    if pressure is None:
        return None
    return {"some": pressure.some.avg10, "full": pressure.full.avg10 if pressure.full else None}
