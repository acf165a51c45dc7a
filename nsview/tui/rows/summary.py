"""The Summary of a container: who it is, its namespace matrix, and what bounds it."""

from __future__ import annotations

from collections.abc import Sequence

from nsview.display import display
from nsview.host.details import Account, Capabilities, Details
from nsview.host.model import Container, Snapshot
from nsview.host.sysctls import Sysctl
from nsview.kernel.capabilities import ENGINE_DEFAULT
from nsview.kernel.idmap import IdRange
from nsview.kernel.task import CgroupPath
from nsview.tui.row_layout import Cell
from nsview.tui.rows.grid import Grid, fact
from nsview.tui.rows.matrix import Holders, MatrixRow, matrix_rows
from nsview.tui.rows.mounts import mount_source
from nsview.tui.rows.pages import clock, id_map_grids

_NANO = 1_000_000_000
#: Supplementary groups that are spelled out.
_GROUPS_SHOWN = 8


def summary_grids(
    snapshot: Snapshot,
    container: Container,
    details: Details | None,
    holders: Holders | None = None,
) -> list[Grid]:
    """The whole page; without `details`, which come a moment later, what the snapshot knows."""
    grids = [identity_grid(snapshot, container)]
    if container.namespaces:
        grids.append(matrix_grid(snapshot, container, holders))
    if details is None:
        return [*grids, Grid(title="", rows=((Cell("reading more ...", "dim"),),))]
    if details.process is not None:
        grids.append(rights_grid(details))
        grids += _maps(details)
        grids.append(place_grid(details))
    if details.sysctls:
        grids.append(sysctl_grid(details.sysctls))
    if details.partial:
        rows = tuple((Cell(reason, "warn"),) for reason in details.partial)
        grids.append(Grid(title="partial", rows=rows))
    return grids


def identity_grid(snapshot: Snapshot, container: Container) -> Grid:
    """Who it is, from the snapshot alone: there at once."""
    one = container
    rows = [
        fact("ref", one.ref),
        fact("status", _status(snapshot, one)),
    ]
    if one.image is not None:
        rows.append(fact("image", one.image))
    if one.id is not None:
        rows.append(fact("id", one.id))
    if one.pod is not None:
        name = "/".join(filter(None, (one.pod.namespace, one.pod.name))) or one.pod.uid
        rows.append(fact("pod", name))
    if one.parent is not None:
        rows.append(fact("runs inside", one.parent))
    if one.command:
        rows.append(fact("command", " ".join(one.command)))
    rows.append(fact("first process", _first(snapshot, one)))
    if one.rootfs is not None:
        stack = "" if one.rootfs.layers <= 1 else f", {one.rootfs.layers} layers"
        rows.append(fact("root file system", one.rootfs.type + stack))
    if one.home is not None:
        rows.append(fact("engine's files", one.home))
    return Grid(title=display(one.name), rows=tuple(rows))


def _status(snapshot: Snapshot, one: Container) -> str:
    if one.started is None:
        return one.status
    return f"{one.status} since {clock(one.started)}"


def _first(snapshot: Snapshot, one: Container) -> str:
    if one.pid is None:
        return "–"
    task = snapshot.tasks.get(one.pid)
    inside = task.pids[-1] if task and len(task.pids) > 1 else None
    many = len(one.members)
    count = f" (of {many})" if many > 1 else ""
    return f"{one.pid} on the host{'' if inside is None else f' = {inside} inside'}{count}"


def matrix_grid(snapshot: Snapshot, container: Container, holders: Holders | None = None) -> Grid:
    """The namespace matrix. What is the host's is red, and says so in words."""
    return Grid(
        title="namespaces",
        headers=("KIND", "THIS CONTAINER", "HOST", "SHARED WITH", "HELD BY"),
        rows=tuple(
            _matrix_cells(row, is_host=container.kind == "host")
            for row in matrix_rows(snapshot, container, holders)
        ),
    )


def _matrix_cells(row: MatrixRow, *, is_host: bool) -> tuple[Cell, ...]:
    own = Cell(str(row.own), "alert" if row.shared else "") if row.own else Cell("–", "dim")
    host = "= host (shared)" if row.shared else str(row.host) if row.host else "–"
    with_whom = "alert" if row.shared else "dim" if row.with_whom == "nobody" else ""
    return (
        Cell(row.kind, "label"),
        own,
        Cell("this is it" if is_host else host, "alert" if row.shared else "dim"),
        Cell(row.with_whom, with_whom),
        Cell(row.held_by, "dim"),
    )


def rights_grid(details: Details) -> Grid:
    """What its first process may do."""
    rows = [
        fact("runs as", f"{_both(details.user, details.group)}"),
        fact("groups", _groups(details.groups)),
        *_capability_rows(details.capabilities),
        _seccomp(details),
        fact("no_new_privs", _yes_no(details.no_new_privs)),
        fact("label", details.label or "none", "" if details.label else "dim"),
    ]
    if details.oom_score_adj is not None:
        rows.append(fact("oom_score_adj", str(details.oom_score_adj)))
    return Grid(title="rights of its first process", rows=tuple(rows))


# "0:0 (root:root) inside = 100000:100000 outside".
def _both(user: Account | None, group: Account | None) -> str:
    if user is None or group is None:
        return "not readable"
    inside = _pair(user.inside, group.inside, user.inside_name, group.inside_name)
    outside = _pair(user.outside, group.outside, user.outside_name, group.outside_name)
    return f"{inside} inside = {outside} outside"


def _pair(uid: int | None, gid: int | None, user: str | None, group: str | None) -> str:
    numbers = ":".join("unmapped" if number is None else str(number) for number in (uid, gid))
    names = f" ({user or '-'}:{group or '-'})" if user or group else ""
    return numbers + names


def _id(number: int | None, name: str | None) -> str:
    if number is None:
        return "unmapped"
    return f"{number}({name})" if name else str(number)


def _groups(groups: Sequence[Account]) -> str:
    shown = [_id(one.inside, one.inside_name) for one in groups[:_GROUPS_SHOWN]]
    if len(groups) > _GROUPS_SHOWN:
        shown.append(f"and {len(groups) - _GROUPS_SHOWN} more")
    return " ".join(shown) or "none"


def _capability_rows(held: Capabilities | None) -> list[tuple[Cell, Cell]]:
    if held is None:
        return [fact("caps", "not readable", "dim")]
    count = f"{len(held.effective)} of {held.total}"
    default = [name for name in held.effective if name in ENGINE_DEFAULT]
    if held.effective and len(held.effective) == held.total:
        return [fact("caps", f"{count}: all there are, as root on the host has", "alert")]
    rows = [fact("caps", f"{count}: {' '.join(default)}" if default else count)]
    if held.beyond_default:
        beyond = " ".join(held.beyond_default)
        rows.append(fact("", f"beyond docker's default: {beyond}", "alert"))
    if held.ambient:
        rows.append(fact("ambient", " ".join(held.ambient)))
    return rows


def _seccomp(details: Details) -> tuple[Cell, Cell]:
    if details.seccomp is None:
        return fact("seccomp", "not readable", "dim")
    filters = details.seccomp_filters
    count = f", {filters} filters" if filters and filters > 1 else ""
    return fact("seccomp", details.seccomp + count, "warn" if details.seccomp == "off" else "")


def _yes_no(value: bool | None) -> str:
    return "not readable" if value is None else "yes" if value else "no"


#: The map of the initial user namespace: every id is itself.
_WHOLE = (IdRange(0, 0, 4294967295),)


def _maps(details: Details) -> tuple[Grid, ...]:
    if details.uid_map == details.gid_map == _WHOLE:
        row = fact("uid, gid maps", "every id is itself: root inside is root on the host", "alert")
        whose = details.container.kind == "host"
        plain = fact("uid, gid maps", "every id is itself")
        return (Grid(title="", rows=(plain if whose else row,)),)
    return id_map_grids(details.uid_map, details.gid_map)


def place_grid(details: Details) -> Grid:
    """Where it is: root, cgroups, clocks, names, and what all share."""
    rows = []
    if details.root is not None:
        rows.append(fact("root", f"{details.root.fstype} {mount_source(details.root)}"))
    rows += _cgroup_facts(details.cgroups)
    if details.hostname is not None:
        domain = f", domain {details.domainname}" if details.domainname else ""
        rows.append(fact("host name", details.hostname + domain))
    offsets = details.time_offsets
    if offsets is not None:
        moved = offsets.monotonic or offsets.boottime
        words = f"monotonic {_seconds(offsets.monotonic)}, boottime {_seconds(offsets.boottime)}"
        rows.append(fact("clocks", words if moved else "the host's", "" if moved else "dim"))
    rows.append(fact("kernel", f"{details.kernel}, one for all"))
    return Grid(title="where it is", rows=tuple(rows))


def _cgroup_facts(cgroups: Sequence[CgroupPath]) -> list[tuple[Cell, Cell]]:
    """In each hierarchy it has one; with v1 there are ten of them, and mostly of one path."""
    hierarchies: dict[str, list[str]] = {}
    for one in cgroups:
        hierarchies.setdefault(one.path, []).append(one.controllers or "v2")
    return [fact("cgroup", f"{path} ({', '.join(of)})") for path, of in hierarchies.items()]


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / _NANO:+.9g} s"


def sysctl_grid(sysctls: Sequence[Sysctl]) -> Grid:
    """Settings: own ones beside the host's. What differs stands out."""
    return Grid(
        title="kernel settings",
        headers=("SETTING", "WHOSE", "HERE", "HOST"),
        rows=tuple(_sysctl_cells(one) for one in sysctls),
    )


def _sysctl_cells(one: Sysctl) -> tuple[Cell, ...]:
    whose = "host's" if one.shared else f"own ({one.kind})"
    differs = one.value is not None and one.value != one.host
    here = "not readable" if one.value is None else _spaced(one.value)
    host = (
        "–" if one.host is None else _spaced(one.host) if differs or one.value is None else "same"
    )
    return (
        Cell(one.name, "label"),
        Cell(whose, "dim" if one.shared else ""),
        Cell(here, "title" if differs else "dim" if one.value is None else ""),
        Cell(host, "" if differs else "dim"),
    )


# The kernel separates the numbers of one setting with tabs.
def _spaced(value: str) -> str:
    return value.replace("\t", " ")
