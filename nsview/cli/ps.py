"""``nsview ps``: processes, each with its number at every level of pid namespace."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_notes, print_table
from nsview.cli.words import command_line, user_of
from nsview.errors import NoSuchObject
from nsview.host.host import Host
from nsview.host.model import Snapshot
from nsview.host.reference import HOST_REF, find_container, parse_namespace_reference
from nsview.host.users import user_name
from nsview.kernel.cgroup import preferred_path
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.typed import TYPE_CHECKING
from nsview.units import duration

if TYPE_CHECKING:
    from argparse import ArgumentParser

_TITLES = ("PID", "INSIDE", "PPID", "CONTAINER", "USER", "UP", "COMMAND")

EPILOG = """\
INSIDE is the PID in each deeper pid namespace, outermost first. UP is the time since the process
started.

  nsview ps web
  nsview ps net:[4026532180]      whoever is in that network namespace"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whose processes."""
    parser.add_argument(
        "ref",
        nargs="?",
        metavar="REF",
        help="only this container's (`host`: those in none), or those in this namespace",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """List them."""
    snapshot = Host(census=arguments.census).snapshot(
        commands=True, stopped=arguments.ref is not None
    )
    tasks = _chosen(snapshot, arguments.ref)
    if arguments.json:
        print_json({"processes": [_json(task, snapshot) for task in tasks]}, snapshot.partial)
        return 0
    print_notes(snapshot.partial)
    rows = [_row(task, snapshot) for task in tasks]
    print_table(_TITLES, rows, right=frozenset({"PID", "INSIDE", "PPID", "UP"}))
    return 0


def _chosen(snapshot: Snapshot, reference: str | None) -> list[Task]:
    if reference is None:
        return list(snapshot.tasks.values())
    namespace = parse_namespace_reference(reference)
    if namespace is None:
        return [snapshot.tasks[pid] for pid in find_container(snapshot, reference).members]
    index, ino = KINDS.index(namespace[0]), namespace[1]
    found = [task for task in snapshot.tasks.values() if task.namespaces[index] == ino]
    if not found:
        raise NoSuchObject(f"no process in {reference}", hint="nsview ns lists namespaces")
    return found


def _row(task: Task, snapshot: Snapshot) -> tuple[str, ...]:
    return (
        str(task.pid),
        "/".join(map(str, task.pids[1:])) or "-",
        str(task.ppid),
        snapshot.membership.get(task.pid, HOST_REF),
        user_of(task.uid, user_name(task.uid)),
        duration(snapshot.taken - snapshot.started(task)),
        command_line(snapshot.commands.get(task.pid, ()), task.comm),
    )


def _json(task: Task, snapshot: Snapshot) -> dict[str, object]:
    return {
        "pid": task.pid,
        "ppid": task.ppid,
        "pids": list(task.pids),
        "container": snapshot.membership.get(task.pid),
        "command": task.comm,
        "cmdline": list(snapshot.commands.get(task.pid, ())),
        "uid": task.uid,
        "user": user_name(task.uid),
        "state": task.state,
        "threads": task.threads,
        "started": snapshot.started(task),
        "cgroup": preferred_path(task.cgroups) or None,
        "namespaces": {kind: ino or None for kind, ino in zip(KINDS, task.namespaces, strict=True)},
    }
