"""What hangs on what: user namespace > pid namespace > container > processes.

The user namespace decides what root inside may do to the namespaces that it owns
(user_namespaces(7)), so it stands on top.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from nsview.display import display
from nsview.host.model import Container, Namespace, Snapshot
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.tui.rows.outline import Line, outline
from nsview.tui.rows.processes import command_line

NodeKind = Literal["user", "pid", "container", "process"]
Key = tuple[str, int | str]

_PID = KINDS.index("pid")
_USER = KINDS.index("user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One line of the tree."""

    key: Key
    kind: NodeKind
    above: Key | None
    text: str
    """Display-safe."""
    detail: str = ""
    """Display-safe."""
    ref: str | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class XrayRow:
    """A node with its guide."""

    key: Key
    node: Node
    line: Line[Node]


def xray_nodes(
    snapshot: Snapshot, namespaces: Iterable[Namespace], container: Container | None = None
) -> list[Node]:
    """Every node of the host, or those above and below `container` alone."""
    known = [one for one in namespaces if one.kind in ("user", "pid")]
    nodes = [_namespace_node(one) for one in known if one.kind == "user"]
    nodes += [_namespace_node(one) for one in known if one.kind == "pid"]
    nodes += _container_nodes(snapshot)
    nodes += _process_nodes(snapshot)
    return nodes if container is None else _around(nodes, ("container", container.ref))


def _namespace_node(one: Namespace) -> Node:
    above = one.parent if one.kind == "user" else one.owner
    words = ["the host's"] if one.initial else []
    if one.kind == "user" and one.owner_uid is not None and not one.initial:
        words.append(f"made by uid {one.owner_uid}")
    words.append(f"{one.processes} processes" if one.processes != 1 else "1 process")
    return Node(
        key=(one.kind, one.ino),
        kind="user" if one.kind == "user" else "pid",
        above=None if above is None else ("user", above),
        text=f"{one.kind}:[{one.ino}]",
        detail=", ".join(words),
    )


def _container_nodes(snapshot: Snapshot) -> list[Node]:
    nodes = []
    for one in snapshot.containers:
        if one.status == "stopped":
            continue
        use = one.namespaces.get("pid")
        if one.kind == "host":
            above: Key | None = ("pid", snapshot.initial.get("pid", 0))
        elif use is not None and use.ino:
            above = ("pid", use.ino)
        else:
            above = None
        count = len(one.members)
        nodes.append(
            Node(
                key=("container", one.ref),
                kind="container",
                above=above,
                text=display(one.name),
                detail=f"{display(one.engine)}, {count} process{'' if count == 1 else 'es'}",
                ref=one.ref,
                pid=one.pid,
            )
        )
    return nodes


# A process hangs below its parent process while that is in the same container, else below the
# container itself.
def _process_nodes(snapshot: Snapshot) -> list[Node]:
    host = next((one.ref for one in snapshot.containers if one.kind == "host"), "host")

    def ref_of(task: Task) -> str:
        return snapshot.membership.get(task.pid, host)

    nodes = []
    for task in snapshot.tasks.values():
        ref = ref_of(task)
        parent = snapshot.tasks.get(task.ppid)
        same = parent is not None and ref_of(parent) == ref
        inner = f" = {task.pids[-1]} inside" if len(task.pids) > 1 else ""
        nodes.append(
            Node(
                key=("process", task.pid),
                kind="process",
                above=("process", task.ppid) if same else ("container", ref),
                text=command_line(snapshot, task),
                detail=f"{task.pid}{inner}",
                ref=ref,
                pid=task.pid,
            )
        )
    return nodes


def _around(nodes: list[Node], centre: Key) -> list[Node]:
    by_key = {node.key: node for node in nodes}
    wanted: set[Key] = set()
    above: Key | None = centre
    while above is not None and above in by_key and above not in wanted:
        wanted.add(above)
        above = by_key[above].above
    kept = [node for node in nodes if node.key in wanted]
    below = {centre}
    children: dict[Key, list[Node]] = {}
    for node in nodes:
        if node.above is not None:
            children.setdefault(node.above, []).append(node)
    queue = [centre]
    while queue:
        for child in children.get(queue.pop(), []):
            if child.key not in below:
                below.add(child.key)
                queue.append(child.key)
    return kept + [node for node in nodes if node.key in below and node.key not in wanted]


def xray_rows(nodes: Iterable[Node], folded: Collection[Key]) -> list[XrayRow]:
    """The nodes as a tree."""
    lines: list[Line[Node]] = outline(nodes, lambda node: node.key, lambda node: node.above, folded)
    return [XrayRow(key=line.item.key, node=line.item, line=line) for line in lines]
