"""``nsview pid``: a process's numbers outside and inside."""

from __future__ import annotations

from nsview.cli.arguments import Arguments, bad_value
from nsview.cli.output import print_json, print_notes, print_table
from nsview.cli.words import command_line
from nsview.errors import NoSuchObject, may_not_be_read
from nsview.host.host import Host
from nsview.host.model import Container, Snapshot
from nsview.host.pid_map import pid_levels, tasks_with_inner_pid
from nsview.host.reference import HOST_REF, find_container, find_task
from nsview.kernel.task import Task
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_MANY = 5

EPILOG = """\
  nsview pid 4711              what process 4711 of the host is called inside
  nsview pid 7 --in web        which process of the host is 7 in web"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which number, and who calls it so."""
    parser.add_argument("number", type=_number, metavar="N", help="a PID on the host, without --in")
    parser.add_argument(
        "--in", dest="ref", metavar="REF", help="N is a number as REF's first process sees it"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """Say who it is at every level."""
    snapshot = Host(census=arguments.census).snapshot(commands=True, rootfs=False)
    task = _find(snapshot, arguments.number, arguments.ref)
    container = snapshot.membership.get(task.pid)
    levels = pid_levels(snapshot, task)
    command = command_line(snapshot.commands.get(task.pid, ()), task.comm)
    if arguments.json:
        pids = [{"pid": one.pid, "pid_ns": one.pid_ns or None} for one in levels]
        print_json({"pids": pids, "container": container, "command": command}, snapshot.partial)
        return 0
    print_notes(snapshot.partial)
    rows = [
        (str(one.pid), f"pid:[{one.pid_ns or '?'}]", _whose(snapshot, one.pid_ns)) for one in levels
    ]
    print_table(("PID", "IN", "OF"), rows, right=frozenset({"PID"}))
    print_table(("CONTAINER", "COMMAND"), [(container or HOST_REF, command)])
    return 0


def _find(snapshot: Snapshot, number: int, ref: str | None) -> Task:
    if ref is None:
        try:
            return find_task(snapshot, str(number))
        except NoSuchObject as error:
            error.hint = _who_has_it_inside(snapshot, number)
            raise
    container = find_container(snapshot, ref)
    if container.pid is None:
        raise NoSuchObject(f"{container.ref} does not run: it has no PIDs")
    pid_ns = _pid_ns(snapshot, container)
    if pid_ns == 0:
        raise may_not_be_read(f"the pid namespace of {container.ref}")
    found = tasks_with_inner_pid(snapshot, number, pid_ns)
    if not found:
        raise NoSuchObject(f"no process {number} in {container.ref}")
    return found[0]


def _pid_ns(snapshot: Snapshot, container: Container) -> int:
    # PID 1 of the host may be unreadable even for root; its namespaces are known nevertheless.
    if container.kind == "host":
        return snapshot.initial["pid"]
    return container.namespaces["pid"].ino


def _who_has_it_inside(snapshot: Snapshot, number: int) -> str | None:
    found = tasks_with_inner_pid(snapshot, number)
    refs = sorted({snapshot.membership.get(task.pid, HOST_REF) for task in found})
    if not refs:
        return None
    more = f" and {len(refs) - _MANY} more" if len(refs) > _MANY else ""
    return f"{number} exists inside {', '.join(refs[:_MANY])}{more}: --in REF"


def _whose(snapshot: Snapshot, pid_ns: int) -> str:
    if pid_ns == snapshot.initial["pid"]:
        return HOST_REF
    owners = [
        one.ref
        for one in snapshot.containers
        if one.kind != "host" and (use := one.namespaces.get("pid")) and use.ino == pid_ns
    ]
    return ", ".join(owners) or "-"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise bad_value(f"{text!r} is not a PID")
    return int(text)
