"""``nsview ls``: the containers."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_note, print_notes, print_table
from nsview.cli.words import dash, image_name, user_of
from nsview.host.host import Host
from nsview.host.model import Container, Snapshot
from nsview.host.naming import short_id
from nsview.typed import TYPE_CHECKING
from nsview.units import duration

if TYPE_CHECKING:
    from argparse import ArgumentParser

_TITLES = ("REF", "ID", "STATUS", "PID", "PROCS", "NAMESPACES", "USER", "ROOT", "UP", "IMAGE")

EPILOG = """\
NAMESPACES has a letter for each kind: mnt net pid uts ipc User Cgroup time; `-` where it is the
host's, `?` where it may not be read. UP is the time since the first process started.

  nsview ls --all
  nsview ls --json | jq -r '.containers[] | select(.status == "running").ref'"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what to list."""
    parser.add_argument(
        "-a", "--all", action="store_true", help="also stopped ones, which exist on disk only"
    )
    parser.add_argument(
        "-i",
        "--isolated",
        action="store_true",
        help="also processes that have some namespace of their own, but the host's root: services "
        "with PrivateTmp, browser sandboxes, ...",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """List them."""
    snapshot = Host(census=arguments.census).snapshot(stopped=arguments.all)
    isolated = [one for one in snapshot.containers if one.kind == "isolated"]
    shown = [
        one
        for one in snapshot.containers
        if one.kind != "host" and (arguments.isolated or one.kind != "isolated")
    ]
    if arguments.json:
        document = {"containers": [_json(one) for one in shown], "isolated": len(isolated)}
        print_json(document, snapshot.partial)
        return 0
    print_notes(snapshot.partial)
    if shown:
        rows = [_row(one, snapshot) for one in shown]
        print_table(_TITLES, rows, right=frozenset({"PID", "PROCS", "UP"}))
    else:
        print_note(
            "no containers run here" + ("" if arguments.all else "; --all lists stopped ones")
        )
    if isolated and not arguments.isolated:
        print_note(f"{len(isolated)} isolated (services, browser sandboxes): --isolated lists them")
    return 0


def _row(container: Container, snapshot: Snapshot) -> tuple[str, ...]:
    rootfs = container.rootfs
    return (
        container.ref,
        dash(short_id(container.id) if container.id else None),
        container.status,
        dash(container.pid),
        dash(len(container.members) or None),
        container.flags if container.pid else "-",
        user_of(container.uid, container.user),
        f"{rootfs.type}, {rootfs.layers} layers"
        if rootfs and rootfs.layers > 1
        else dash(rootfs.type if rootfs else None),
        duration(snapshot.taken - container.started)
        if container.pid and container.started
        else "-",
        dash(image_name(container.image)),
    )


def _json(container: Container) -> dict[str, object]:
    pod = container.pod
    rootfs = container.rootfs
    return {
        "ref": container.ref,
        "engine": container.engine,
        "id": container.id,
        "name": container.name,
        "image": container.image,
        "kind": container.kind,
        "status": container.status,
        "pod": {"uid": pod.uid, "name": pod.name, "namespace": pod.namespace} if pod else None,
        "parent": container.parent,
        "pid": container.pid,
        "processes": len(container.members),
        "started": container.started,
        "user": {"uid": container.uid, "name": container.user},
        "owner": container.owner,
        "cgroup": container.cgroup,
        "namespaces": {
            kind: {"ino": use.ino or None, "shared": use.shared}
            for kind, use in container.namespaces.items()
        },
        "rootfs": {"type": rootfs.type, "layers": rootfs.layers} if rootfs else None,
        "command": list(container.command),
        "driver": container.driver,
        "home": container.home,
        "ip": container.ip,
        "veth": container.veth,
    }
