"""In whose place others enter a container."""

from __future__ import annotations

from nsview.host.model import Container, Snapshot
from nsview.kernel.task import Task
from nsview.typed import Final

#: What number 1 of our sandboxes is called, unless that is the command itself.
INIT: Final = "nsview-init"


def process_to_join(snapshot: Snapshot, container: Container) -> Task | None:
    """The first process; of a sandbox of ours, the command that its number 1 looks after.

    That number 1 has neither the command's rights nor its environment, and is of nobody's image.
    None when the container does not run.
    """
    first = None if container.pid is None else snapshot.tasks.get(container.pid)
    if first is None or container.engine != "nsview" or first.comm != INIT:
        return first
    children = [one for one in snapshot.tasks.values() if one.ppid == first.pid]
    # The command is what it has forked; whoever else is its child came later, as an orphan.
    return min(children, key=lambda one: (one.start_time, one.pids[-1]), default=first)
