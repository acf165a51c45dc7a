"""The object pages: one process, one namespace, one mount, as grids of facts."""

from __future__ import annotations

import time
from collections.abc import Iterable

from nsview.display import display
from nsview.host.holder_words import holder_words
from nsview.host.model import Namespace, Snapshot
from nsview.host.mounts import MountNode
from nsview.host.pid_map import pid_levels
from nsview.host.process_details import ProcessDetails
from nsview.host.process_users import ProcessUsers, user_words
from nsview.kernel.idmap import IdRange
from nsview.kernel.namespaces import KINDS
from nsview.kernel.task import Task
from nsview.tui.row_layout import Cell
from nsview.tui.rows.grid import Grid, fact
from nsview.tui.rows.levels import namespace_names
from nsview.tui.rows.mounts import mount_facts
from nsview.tui.rows.processes import STATES, command_line

#: How many members the page of a namespace lists: the host's have thousands.
_MEMBERS_SHOWN = 200


def clock(moment: float) -> str:
    """A moment in local time: ``2023-11-14 22:13:20``."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def clock_time(moment: float) -> str:
    """The time of day alone: ``22:13:20``."""
    return time.strftime("%H:%M:%S", time.localtime(moment))


def process_grids(
    snapshot: Snapshot, task: Task, details: ProcessDetails | None, users: ProcessUsers
) -> list[Grid]:
    """Everything about one process; `details` and `users` come a moment later."""
    return [
        _process_facts(snapshot, task, details, users),
        _numbers(snapshot, task),
        _namespaces(snapshot, task),
        Grid(
            title="cgroups",
            headers=("hierarchy", "controllers", "path"),
            rows=tuple(
                (Cell(str(one.hierarchy)), Cell(one.controllers or "v2"), Cell(one.path))
                for one in task.cgroups
            ),
        ),
        *(id_map_grids(details.uid_map, details.gid_map) if details else ()),
    ]


def _process_facts(
    snapshot: Snapshot, task: Task, details: ProcessDetails | None, users: ProcessUsers
) -> Grid:
    words = details.command if details else ()
    rows = [
        fact("command", " ".join(words) if words else command_line(snapshot, task)),
        fact("name", task.comm),
        fact("state", f"{task.state} {STATES.get(task.state, '')}"),
        fact("user", _user(snapshot, task, users)),
        fact("started", clock(snapshot.started(task))),
        fact("threads", str(task.threads)),
        fact("parent", _parent(snapshot, task)),
        fact("container", snapshot.membership.get(task.pid, "host")),
    ]
    if details:
        rows += [
            fact("executable", details.executable or "–"),
            fact("root", details.root or "–"),
            fact("directory", details.directory or "–"),
        ]
    return Grid(title="process", rows=tuple(rows))


def _user(snapshot: Snapshot, task: Task, users: ProcessUsers) -> str:
    words = user_words(snapshot, task, users)
    if words.same:
        number = "" if words.inside == str(task.uid) else f" (uid {task.uid})"
        return words.inside + number
    number = "" if words.outside == str(task.uid) else f" (uid {task.uid})"
    return f"{words.inside} inside = {words.outside}{number} outside"


def _parent(snapshot: Snapshot, task: Task) -> str:
    above = snapshot.tasks.get(task.ppid)
    return f"{task.ppid} ({display(above.comm)})" if above else str(task.ppid)


def _numbers(snapshot: Snapshot, task: Task) -> Grid:
    names = namespace_names(snapshot)
    rows = tuple(
        (
            Cell(str(pid)),
            Cell(f"pid:[{inode}]" if inode else "unknown"),
            Cell("the host" if level == 0 else names.get(inode, "–")),
        )
        for level, (pid, inode) in enumerate(pid_levels(snapshot, task))
    )
    return Grid(title="its number at each level", headers=("PID", "in", "of"), rows=rows)


def _namespaces(snapshot: Snapshot, task: Task) -> Grid:
    rows = []
    for kind, inode in zip(KINDS, task.namespaces, strict=True):
        host = snapshot.initial.get(kind, 0)
        if inode == 0:
            mark = Cell("not readable", "dim")
        elif inode == host:
            mark = Cell("the host's", "dim")
        else:
            mark = Cell("own")
        children = _for_children(kind, task)
        if children not in (0, inode):
            mark = Cell(f"{mark.text}; its next child will be in {children}")
        rows.append((Cell(kind, "label"), Cell(str(inode) if inode else "–"), mark))
    return Grid(title="namespaces", rows=tuple(rows))


# unshare(2) and setns(2) of these two kinds act on children alone (pid_namespaces(7)).
def _for_children(kind: str, task: Task) -> int:
    if kind == "pid":
        return task.pid_for_children
    return task.time_for_children if kind == "time" else 0


def id_map_grids(uid_map: Iterable[IdRange], gid_map: Iterable[IdRange]) -> tuple[Grid, ...]:
    """A uid map and a gid map, as user_namespaces(7) has them."""
    return _id_map("uid map", uid_map), _id_map("gid map", gid_map)


def _id_map(title: str, ranges: Iterable[IdRange]) -> Grid:
    rows = tuple(
        (Cell(str(one.inside)), Cell(str(one.outside)), Cell(str(one.length))) for one in ranges
    )
    if not rows:
        return Grid(title=title, rows=((Cell("empty, or not readable", "dim"),),))
    return Grid(title=title, headers=("inside", "outside", "count"), rows=rows)


def namespace_grids(snapshot: Snapshot, namespace: Namespace) -> list[Grid]:
    """Everything about one namespace: what it is, all that hold it, its members."""
    return [
        _namespace_facts(namespace),
        Grid(
            title="held by",
            rows=tuple((Cell(holder_words(snapshot, one)),) for one in namespace.held_by)
            or ((Cell("nothing that is visible, or not read yet", "dim"),),),
        ),
        _members(snapshot, namespace),
    ]


def _namespace_facts(namespace: Namespace) -> Grid:
    parent, owner = namespace.parent, namespace.owner
    rows = [
        fact("namespace", f"{namespace.kind}:[{namespace.ino}]"),
        fact("id", "–" if namespace.id is None else str(namespace.id)),
        fact("the host's", "yes" if namespace.initial else "no"),
        fact("container", namespace.container or "–"),
        fact("parent", "–" if parent is None else f"{namespace.kind}:[{parent}]"),
        fact("owner", "–" if owner is None else f"user:[{owner}]"),
    ]
    if namespace.owner_uid is not None:
        rows.append(fact("made by uid", str(namespace.owner_uid)))
    if namespace.netnsid is not None:
        rows.append(fact("netnsid", str(namespace.netnsid)))
    if namespace.mounts is not None:
        rows.append(fact("mounts", str(namespace.mounts)))
    rows += [fact("bind mount", path) for path in namespace.nsfs]
    return Grid(title="namespace", rows=tuple(rows))


def _members(snapshot: Snapshot, namespace: Namespace) -> Grid:
    index = KINDS.index(namespace.kind)
    members = [t for t in snapshot.tasks.values() if t.namespaces[index] == namespace.ino]
    rows = [
        (
            Cell(str(task.pid)),
            Cell(str(task.pids[-1])),
            Cell(snapshot.membership.get(task.pid, "host")),
            Cell(command_line(snapshot, task)),
        )
        for task in members[:_MEMBERS_SHOWN]
    ]
    if len(members) > _MEMBERS_SHOWN:
        rows.append((Cell("…"), Cell(""), Cell(""), Cell(f"{len(members)} in all")))
    return Grid(
        title=f"members: {len(members)}",
        headers=("HOST", "INSIDE", "CONTAINER", "COMMAND") if rows else (),
        rows=tuple(rows),
    )


def mount_grids(node: MountNode) -> list[Grid]:
    """Everything about one mount."""
    return [Grid(title="mount", rows=tuple(fact(*pair) for pair in mount_facts(node)))]
