"""What stands in the cells of the home table: a function a column."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from nsview.host.alerts import Alert, AlertKind, find_alerts
from nsview.host.model import Container, Snapshot
from nsview.host.resources import Resources
from nsview.tui.history import Figure, History
from nsview.tui.row_layout import Cell
from nsview.tui.rows.charts import peak, sparkline
from nsview.units import byte_pair, byte_rates, duration, duration_ends, percent, short_size

SHORT_ID = 12
HOST = "host"

_HEX_ID = re.compile("[0-9a-f]{32,}")
NONE = Cell("–", "dim")
_TREND = 8
_IDLE = "▁ "
_LETTERS: dict[AlertKind, tuple[str, str]] = {
    "oom": ("K", "alert"), "memory": ("M", "alert"), "pids": ("P", "alert"),
    "throttled": ("T", "warn"),
}  # fmt: skip


class Seen(NamedTuple):
    """What cells are made from."""

    snapshot: Snapshot
    history: History

    def resources(self, one: Container) -> Resources:
        """What it uses; nothing where that is not known."""
        return self.snapshot.resources.get(one.ref, _NOTHING)


_NOTHING = Resources()


def engine_words(one: Container) -> str:
    """``podman ·u1000``: a rootless engine is one of its own."""
    return f"{one.engine} ·u{one.owner}" if one.owner else one.engine


def user_words(one: Container) -> str:
    """Name or number of the user that its first process runs as."""
    if one.user is not None:
        return one.user
    return "" if one.uid is None else str(one.uid)


def pod_words(one: Container) -> str:
    """``shop/cart-7d9f``."""
    if one.pod is None:
        return ""
    name = one.pod.name or one.pod.uid
    return f"{one.pod.namespace}/{name}" if one.pod.namespace else name


def alerts_of(seen: Seen, one: Container) -> tuple[Alert, ...]:
    """The worst first."""
    return find_alerts(seen.resources(one))


def status_cell(seen: Seen, one: Container) -> Cell:
    """A glyph for what it is, and in front of it a letter for the worst that is wrong with it."""
    glyph, style = _glyph(one)
    alerts = alerts_of(seen, one)
    if not alerts:
        return Cell(glyph, style)
    letter, alarm = _LETTERS[alerts[0].kind]
    return Cell(letter + glyph, style, ((0, 1, alarm),))


def _glyph(one: Container) -> tuple[str, str]:
    if one.kind == HOST:
        return "◆", "accent"
    if one.status == "paused":
        return "‖", "warn"
    if one.status == "stopped":
        return "○", "dim"
    return ("◌", "dim") if one.kind == "isolated" else ("●", "good")


def name_cell(_: Seen, one: Container) -> Cell:
    """Its name."""
    return Cell(one.name, "title" if one.kind == HOST else "")


def engine_cell(_: Seen, one: Container) -> Cell:
    """Who made it."""
    return NONE if one.kind == HOST else Cell(engine_words(one))


def short_id_cell(_: Seen, one: Container) -> Cell:
    """The beginning of its id, where that is not its name."""
    if one.id is None or one.id == one.name:  # LXC, nspawn: the name is the id
        return NONE
    return Cell(one.id[:SHORT_ID] if _HEX_ID.fullmatch(one.id) else one.id, "label")


def cpu_cell(seen: Seen, one: Container) -> Cell | str:
    """Per cent of one processor."""
    cpu = seen.resources(one).cpu
    if cpu is None or cpu.percent is None:
        return NONE
    text = percent(cpu.percent)
    return Cell(text, "dim") if text == "0.0" else text


def memory_cell(seen: Seen, one: Container) -> Cell | str:
    """Working set, and the limit where there is one."""
    memory = seen.resources(one).memory
    return byte_pair(memory.working_set, memory.limit) if memory else NONE


def io_cell(seen: Seen, one: Container) -> Cell | str:
    """Bytes a second that are read and written."""
    io = seen.resources(one).io
    if io is None or io.read is None or io.write is None:
        return NONE
    text = f"{short_size(round(io.read))}/{short_size(round(io.write))}"
    return Cell(text, "dim") if text == "0/0" else text


def trend_cell(figure: Figure) -> Callable[[Seen, Container], Cell | str]:
    """A figure of the last minutes, as a line of blocks."""

    def cell(seen: Seen, one: Container) -> Cell | str:
        values = seen.history.values(one.ref, figure)
        # Of who rests it does not matter what would fill a cell.
        top = max(_full(seen, one, figure), peak(values)) if any(values[-_TREND:]) else 0.0
        text = sparkline(values, _TREND, top)
        return Cell(text, "dim" if not text.strip(_IDLE) else "accent")

    return cell


def trend_holds(figure: Figure) -> Callable[[Seen, Container], float]:
    """Until when that line is the same if the figures are: moved on, equal blocks are equal."""

    def holds(seen: Seen, one: Container) -> float:
        if seen.history.repeats(one.ref) < _TREND:
            return seen.snapshot.taken
        values = seen.history.values(one.ref, figure)
        # What is higher, and out of sight, will be forgotten: then the same fills more of a cell.
        return math.inf if values[-1] in (0.0, max(values)) else seen.snapshot.taken

    return holds


# What fills the whole cell: one processor or the quota, the limit; of what has none its own peak.
def _full(seen: Seen, one: Container, figure: Figure) -> float:
    resources = seen.resources(one)
    if figure == "cpu":
        return resources.cpu.limit or 100.0 if resources.cpu else 100.0
    if figure == "memory":
        return float(resources.memory.limit or 0) if resources.memory else 0.0
    return 0.0


def net_cell(seen: Seen, one: Container) -> Cell | str:
    """Bytes a second that are received and sent."""
    traffic = seen.snapshot.traffic_of(one)
    if traffic is None or traffic.rx_rate is None or traffic.tx_rate is None:
        return NONE
    text = byte_rates(traffic.rx_rate, traffic.tx_rate)
    return Cell(text, "dim") if text == "0/0" else text


def namespaces_cell(_: Seen, one: Container) -> Cell:
    """A letter for each that is its own; what it shares with the host is red."""
    if not one.namespaces:
        return NONE
    flags = one.flags
    # What the host shares with itself, and a sandboxed service with the host, is no alarm.
    if one.kind in (HOST, "isolated"):
        return Cell(flags, "dim" if one.kind == HOST else "")
    shared = [(at, at + 1, "alert") for at, letter in enumerate(flags) if letter == "-"]
    return Cell(flags, "", tuple(shared))


def rootfs_cell(_: Seen, one: Container) -> Cell | str:
    """What its root is."""
    if one.rootfs is None:
        return NONE
    layers = one.rootfs.layers
    return f"{one.rootfs.type} {layers}" if layers > 1 else one.rootfs.type


def up_cell(seen: Seen, one: Container) -> Cell | str:
    """Since when."""
    if not one.started or not one.members:
        return NONE
    return duration(seen.snapshot.taken - one.started)


def up_holds(seen: Seen, one: Container) -> float:
    """Until when `up_cell` says so."""
    if not one.started or not one.members:
        return math.inf
    return one.started + duration_ends(seen.snapshot.taken - one.started)


def alerts_cell(seen: Seen, one: Container) -> Cell:
    """What is wrong with it, in words."""
    alerts = alerts_of(seen, one)
    return Cell(", ".join(alert.text for alert in alerts), "warn") if alerts else NONE


def throttled_cell(seen: Seen, one: Container) -> Cell | str:
    """Per cent of the periods in which its quota was used up."""
    cpu = seen.resources(one).cpu
    return NONE if cpu is None or cpu.throttled is None else percent(cpu.throttled)


def pressure_cell(seen: Seen, one: Container) -> Cell | str:
    """Per cent of ten seconds in which some task waited for processor, memory, disk."""
    pressure = seen.resources(one).pressure
    figures = [pressure.get(name) for name in ("cpu", "memory", "io")]
    if not any(figures):
        return NONE
    return " ".join(f"{percent(each.some.avg10) if each else '–':>5}" for each in figures)


def tasks_cell(seen: Seen, one: Container) -> Cell | str:
    """Processes and threads, and how many there may be."""
    pids = seen.resources(one).pids
    if pids is None:
        return NONE
    return str(pids.current) if pids.limit is None else f"{pids.current}/{pids.limit}"


def oom_cell(seen: Seen, one: Container) -> Cell | str:
    """Processes that were killed for want of memory."""
    memory = seen.resources(one).memory
    if memory is None or not memory.events.oom_kill:
        return NONE
    return Cell(str(memory.events.oom_kill), "" if one.kind == HOST else "alert")


def command_cell(_: Seen, one: Container) -> Cell:
    """Its command line."""
    return Cell(" ".join(one.command), "label") if one.command else NONE


def clock(moment: float) -> str:
    """A moment in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
