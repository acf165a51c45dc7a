"""The columns of a table of processes, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from nsview.tui.row_layout import Cell, Column
from nsview.tui.rows.processes import ProcessRow
from nsview.units import duration, percent, short_size

_CONTAINER = Column(key="container", title="CONTAINER", max_width=24)
_COLUMNS = (
    Column(key="user", title="USER (in)", max_width=18, worth=5),
    Column(key="state", title="S", width=1, worth=2),
    Column(key="threads", title="THR", align="right", min_width=3, worth=1),
    Column(key="cpu", title="CPU%", width=5, align="right", worth=6, letter="C"),
    Column(key="memory", title="MEM", width=4, align="right", worth=4, letter="M"),
    Column(key="uptime", title="UP", align="right", min_width=4, worth=3, letter="T"),
    Column(key="command", title="COMMAND", min_width=20, flex=True, tree=True),
)
_NONE = Cell("–", "dim")


def process_columns(levels: Sequence[str], *, container: bool) -> tuple[Column, ...]:
    """`levels`: what its numbers are called, one column each."""
    numbers = [
        Column(key=f"level-{n}", title=title, align="right", min_width=7, letter=letter)
        for n, (title, letter) in enumerate(zip_longest(levels, "P", fillvalue=""))
    ]
    return (*numbers, *([_CONTAINER] if container else []), *_COLUMNS)


def process_cells(row: ProcessRow, *, container: bool) -> tuple[Cell, ...]:
    """What one line says, in the order of the columns."""
    whose = Cell(row.container or "host", "" if row.container else "dim")
    quiet = row.thread or row.task.kernel_thread
    return (
        *(Cell(pid, "dim" if pid == "–" else "") for pid in row.pids),
        *([whose] if container else []),
        Cell(row.user),
        Cell(row.task.state, "good" if row.task.state == "R" else ""),
        Cell("" if row.thread else str(row.task.threads)),
        cpu_cell(row.cpu),
        Cell("" if row.thread else row.memory),
        Cell(duration(row.uptime)),
        Cell(row.command, "label" if quiet else ""),
    )


def cpu_cell(text: str) -> Cell:
    """Who does nothing is dim."""
    return Cell(text, "dim" if text in ("–", "0.0") else "")


def figure_texts(cpu: float | None, memory: int) -> tuple[str, str]:
    """Per cent of one processor, resident memory; a dash where that is not known, or is none."""
    return "–" if cpu is None else percent(cpu), short_size(memory) if memory else "–"
