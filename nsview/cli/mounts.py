"""``nsview mounts``: a container's mount table as the tree that it is."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_notes, print_table
from nsview.errors import NoSuchObject, may_not_be_read
from nsview.host.host import Host
from nsview.host.model import Snapshot
from nsview.host.mounts import MountNode, read_mounts
from nsview.host.reference import find_container, process_named
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

_TITLES = ("TARGET", "TYPE", "SOURCE", "OPTIONS", "PROPAGATION", "")

EPILOG = """\
Each mount stands below the one that it is mounted on. The last column says what is hidden, and
how: by another mount in the same place, or by one on a directory above it.

  nsview mounts web
  nsview mounts 4711"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare whose mounts."""
    parser.add_argument("ref", metavar="REF", help="a container, or a host PID for that process's")
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """Show them."""
    host = Host(census=arguments.census)
    snapshot = host.snapshot(stopped=True)
    pid = _pid(snapshot, arguments.ref)
    try:
        nodes = read_mounts(host.procfs, pid)
    except PermissionError:
        raise may_not_be_read(f"the mounts of process {pid}") from None
    if nodes is None:
        raise NoSuchObject(f"process {pid} is gone")
    if arguments.json:
        print_json({"mounts": [_json(node) for node in nodes]}, snapshot.partial)
        return 0
    print_notes(snapshot.partial)
    print_table(_TITLES, [_row(node) for node in nodes])
    return 0


def _pid(snapshot: Snapshot, reference: str) -> int:
    # A number is that very process, whose mounts may be others than its container's first one's.
    task = process_named(snapshot, reference)
    if task is not None:
        return task.pid
    container = find_container(snapshot, reference)
    if container.pid is None:
        raise NoSuchObject(f"{container.ref} does not run: it has no mounts")
    return container.pid


def _row(node: MountNode) -> tuple[str, ...]:
    mount = node.mount
    return (
        "  " * node.depth + mount.target,
        mount.fstype,
        mount.source,
        ",".join(mount.options),
        node.propagation,
        f"hidden {node.hidden}" if node.hidden else "",
    )


def _json(node: MountNode) -> dict[str, object]:
    mount = node.mount
    return {
        "id": mount.id,
        "parent": mount.parent,
        "depth": node.depth,
        "device": mount.device,
        "root": mount.root,
        "target": mount.target,
        "fstype": mount.fstype,
        "source": mount.source,
        "options": list(mount.options),
        "super_options": list(mount.super_options),
        "propagation": node.propagation,
        "hidden": node.hidden is not None,
        "hidden_how": node.hidden,
        "hidden_by": node.hidden_by,
    }
