"""Processes as rows: a tree or flat, each with its PID at every level."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nsview.display import display
from nsview.host.model import Snapshot
from nsview.host.process_users import ProcessUsers, user_words
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.tui.rows.levels import level_cells
from nsview.tui.rows.outline import Line, outline

#: Field 3 of /proc/PID/stat in words (proc_pid_stat(5)).
STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "uninterruptible",
    "Z": "zombie",
    "T": "stopped",
    "t": "traced",
    "X": "dead",
    "I": "idle",
}

#: How much of a command line a row carries: a row is never wider than a screen.
_COMMAND_LIMIT = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """What one line of a process table says; text is exact where it came from the system."""

    key: tuple[int, int]
    """(pid, start time)."""
    task: Task
    pids: tuple[str, ...]
    """A number or a dash for each level column."""
    user: str
    """Inside, and outside where that is another one."""
    uptime: float
    """Seconds."""
    container: str | None
    """`ref` of its container."""
    command: str
    """Display-safe."""
    line: Line[Task]
    """Where it stands in the tree."""
    thread: bool = False
    """One of the others of its process, which is its parent here."""
    cpu: str = "–"
    memory: str = "–"


def process_lines(
    tasks: Sequence[Task],
    *,
    flat: bool = False,
    folded: Collection[tuple[int, int]] = (),
) -> list[Line[Task]]:
    """Where each process stands, siblings in the order of `tasks`."""
    if flat:
        return [Line(task, "", 0, 0, False) for task in tasks]
    closed = {task.pid for task in tasks if task.identity in folded} if folded else ()
    return outline(tasks, lambda task: task.pid, lambda task: task.ppid, closed)


def process_row(
    snapshot: Snapshot,
    line: Line[Task],
    levels: int,
    user: str,
    figures: tuple[str, str] = ("–", "–"),
    *,
    thread: bool = False,
) -> ProcessRow:
    """What one line says."""
    task = line.item
    cpu, memory = figures
    return ProcessRow(
        key=task.identity,
        task=task,
        pids=level_cells(task, levels),
        user=user,
        uptime=max(0.0, snapshot.taken - snapshot.started(task)),
        container=snapshot.membership.get(task.ppid if thread else task.pid),
        command=thread_words(snapshot, task) if thread else command_line(snapshot, task),
        line=line,
        thread=thread,
        cpu=cpu,
        memory=memory,
    )


def user_of(snapshot: Snapshot, task: Task, users: ProcessUsers, *, thread: bool = False) -> str:
    """Who it runs as; the names are those of the process."""
    named = task._replace(pid=task.ppid) if thread else task
    return str(user_words(snapshot, named, users))


def thread_words(snapshot: Snapshot, thread: Task) -> str:
    """Its name, and which namespaces it has left those of its process for. Display-safe."""
    process = snapshot.tasks.get(thread.ppid)
    words = f"thread {display(thread.comm)}"
    if process is None or process.namespaces == thread.namespaces:
        return words
    pairs = zip(KINDS, process.namespaces, thread.namespaces, strict=True)
    own = [kind for kind, theirs, its in pairs if theirs != its]
    return f"{words} (in another {', '.join(own)} namespace than its process)"


def command_line(snapshot: Snapshot, task: Task) -> str:
    """The command line, display-safe and bounded; ``[comm]`` where there is none, as ps(1) does."""
    words = snapshot.commands.get(task.pid)
    if not words:
        return f"[{display(task.comm)}]"
    text = " ".join(words)
    return display(text[:_COMMAND_LIMIT]) + ("…" if len(text) > _COMMAND_LIMIT else "")


def process_words(snapshot: Snapshot, task: Task) -> str:
    """Which process is meant, in a question: ``process 4790, nginx: worker process``."""
    return f"process {task.pid}, {command_line(snapshot, task)}"


def members_within(snapshot: Snapshot, ref: str) -> list[int]:
    """Host PIDs of a container and of those that run inside it; the host's own for the host."""
    within = {ref}
    containers = snapshot.containers
    if (one := snapshot.container(ref)) is None:
        return []
    if one.kind == "host":
        return [pid for pid in snapshot.tasks if pid not in snapshot.membership]
    while more := {c.ref for c in containers if c.parent in within} - within:
        within |= more
    pids = {pid for c in containers if c.ref in within for pid in c.members}
    return sorted(pid for pid in pids if pid in snapshot.tasks)
