"""``nsview ns``: every namespace, who is in it, and why it is alive."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_notes, print_table
from nsview.cli.words import dash, user_of
from nsview.errors import NoSuchObject, may_not_be_read
from nsview.host.holder_words import held_by_words
from nsview.host.host import Host
from nsview.host.model import Container, Holder, Namespace, Snapshot
from nsview.host.namespace_trees import (
    NamespaceNode,
    tree_by_owner,
    tree_by_parent,
    tree_by_process,
)
from nsview.host.namespaces import read_namespaces
from nsview.host.reference import (
    HOST_REF,
    find_container,
    parse_namespace_reference,
    process_named,
)
from nsview.kernel.namespaces import KINDS
from nsview.typed import TYPE_CHECKING, Callable, Sequence

if TYPE_CHECKING:
    from argparse import ArgumentParser

_TITLES = ("NS", "TYPE", "PROCS", "PID", "USER", "CONTAINER", "COMMAND", "HELD BY")
_RIGHT = frozenset({"PROCS", "PID"})

EPILOG = """\
PROCS, PID, USER and COMMAND are of the processes in it: how many, and the lowest PID. HELD BY is
why it is alive: processes, threads, open files, bind mounts, sockets, other namespaces.

  nsview ns 4711                        those of one process (lsns -p 4711)
  nsview ns net:[4026532180]            that one; nsview ps net:[4026532180] says who is in it
  nsview ns web --tree parent -t pid"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare which namespaces, in which order."""
    parser.add_argument(
        "ref", nargs="?", metavar="REF", help="only those of this container or process; or this one"
    )
    parser.add_argument(
        "-t",
        "--type",
        action="append",
        choices=KINDS,
        metavar="T",
        help=f"only this kind ({', '.join(KINDS)}); may be repeated",
    )
    parser.add_argument(
        "--tree",
        choices=("parent", "owner", "process"),
        help="below its parent, its owning user namespace, or the parent process's namespace",
    )
    parser.add_argument(
        "--persistent", action="store_true", help="only those without a process in them"
    )
    parser.add_argument(
        "--sockets",
        action="store_true",
        help="look also at the sockets of all processes, which may hold network namespaces",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """List them."""
    host = Host(census=arguments.census)
    snapshot = host.snapshot(rootfs=False)
    chosen = _chooser(snapshot, arguments.ref)
    kinds = tuple(kind for kind in KINDS if not arguments.type or kind in arguments.type)
    namespaces: Sequence[Namespace] = read_namespaces(
        host.procfs,
        snapshot,
        kinds=kinds,
        sockets=arguments.sockets,
        source=host.source,
        commands=True,
    )
    namespaces = [one for one in namespaces if chosen(one)]
    if not namespaces and parse_namespace_reference(arguments.ref or ""):
        raise NoSuchObject(f"no namespace {arguments.ref}")
    if arguments.persistent:
        namespaces = [one for one in namespaces if one.processes == 0]
    nodes = _ordered(namespaces, arguments.tree, snapshot)
    if arguments.json:
        print_json({"namespaces": [_json(node) for node in nodes]}, snapshot.partial)
        return 0
    print_notes(snapshot.partial)
    print_table(_TITLES, [_row(node, snapshot) for node in nodes], right=_RIGHT)
    return 0


def _chooser(snapshot: Snapshot, reference: str | None) -> Callable[[Namespace], bool]:
    """Which namespaces REF means: of a container, of one process, or itself alone."""
    if reference is None:
        return lambda _: True
    named = parse_namespace_reference(reference)
    if named is not None:
        return lambda one: (one.kind, one.ino) == named
    task = process_named(snapshot, reference)
    if task is None:
        container = find_container(snapshot, reference)
        return lambda one: _belongs(one, container, snapshot)
    if not any(task.namespaces):
        raise may_not_be_read(f"the namespaces of process {task.pid}")
    own = set(zip(KINDS, task.namespaces, strict=True))
    return lambda one: (one.kind, one.ino) in own


def _ordered(
    namespaces: Sequence[Namespace], tree: str | None, snapshot: Snapshot
) -> tuple[NamespaceNode, ...]:
    if tree == "parent":
        return tree_by_parent(namespaces)
    if tree == "owner":
        return tree_by_owner(namespaces)
    if tree == "process":
        return tree_by_process(namespaces, snapshot.tasks)
    return tuple(NamespaceNode(one, 0) for one in namespaces)


def _belongs(namespace: Namespace, container: Container, snapshot: Snapshot) -> bool:
    index = KINDS.index(namespace.kind)
    return namespace.container == container.ref or any(
        snapshot.tasks[pid].namespaces[index] == namespace.ino for pid in container.members
    )


def _row(node: NamespaceNode, snapshot: Snapshot) -> tuple[str, ...]:
    namespace = node.namespace
    return (
        "  " * node.depth + str(namespace.ino),
        namespace.kind,
        str(namespace.processes),
        dash(namespace.pid),
        user_of(namespace.uid, namespace.user),
        namespace.container or (HOST_REF if namespace.initial else "-"),
        dash(namespace.command),
        held_by_words(snapshot, namespace.held_by),
    )


def _json(node: NamespaceNode) -> dict[str, object]:
    namespace = node.namespace
    return {
        "type": namespace.kind,
        "ino": namespace.ino,
        "id": namespace.id,
        "initial": namespace.initial,
        "depth": node.depth,
        "processes": namespace.processes,
        "threads": namespace.threads,
        "pid": namespace.pid,
        "ppid": namespace.ppid,
        "command": namespace.command,
        "uid": namespace.uid,
        "user": namespace.user,
        "parent": namespace.parent,
        "owner": namespace.owner,
        "owner_uid": namespace.owner_uid,
        "netnsid": namespace.netnsid,
        "nsfs": list(namespace.nsfs),
        "path": namespace.path,
        "mounts": namespace.mounts,
        "container": namespace.container,
        "held_by": [_holder_json(holder) for holder in namespace.held_by],
    }


def _holder_json(holder: Holder) -> dict[str, object]:
    # Only what this kind of holder has: a bind mount has no pid, a process no path.
    said = {
        "pid": holder.pid,
        "tid": holder.tid,
        "fd": holder.fd,
        "path": holder.path,
        "mount_ns": holder.mount_ns,
        "type": holder.namespace_kind,
        "ino": holder.ino,
    }
    facts: dict[str, object] = {"kind": holder.kind}
    facts.update({key: value for key, value in said.items() if value is not None})
    if holder.kind == "process":
        facts["count"] = holder.count
    if holder.children:
        facts["children"] = True
    return facts
