"""The table of containers: which rows there are, in which order, and what stands in them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from nsview.display import display
from nsview.host.model import Container, Snapshot, Traffic
from nsview.kernel.namespaces import KINDS
from nsview.tui.row_layout import Cell, Column, Row
from nsview.tui.rows.filter import compile_filter
from nsview.tui.rows.outline import outline
from nsview.tui.rows.units import byte_rates, duration
from nsview.tui.status import plural

Grouping = Literal["pod", "flat", "engine", "user", "tree"]
GROUPINGS: tuple[Grouping, ...] = ("pod", "flat", "engine", "user", "tree")

SHORT_ID = 12
#: Keys of the two lines at the end that stand for what is not shown.
MORE_ISOLATED: Hashable = ("more", "isolated")
MORE_STOPPED: Hashable = ("more", "stopped")

NOTHING = "no container runs here; see i (isolated services), a (stopped ones), :ns, :ps"

_HEX_ID = re.compile("[0-9a-f]{32,}")
_NONE = Cell("–", "dim")
_HOST = "host"

COLUMNS = (
    Column(key="status", title="", width=2, align="right", sortable=False),
    Column(key="name", title="NAME", min_width=20, max_width=60, flex=True, tree=True, letter="N"),
    Column(key="engine", title="ENGINE", min_width=6, max_width=18),
    Column(key="id", title="ID", width=SHORT_ID, worth=3, sortable=False),
    Column(key="pid", title="PID", min_width=6, align="right", letter="P"),
    Column(key="processes", title="PROCS", min_width=6, align="right"),
    Column(key="net", title="NET RX/TX", width=11, align="right", worth=3),
    Column(key="namespaces", title="NAMESPACES", width=10, sortable=False),
    Column(key="rootfs", title="ROOTFS", max_width=12, worth=1),
    Column(key="user", title="USER", max_width=12, worth=2),
    Column(key="up", title="UP", min_width=4, align="right", worth=4, letter="T"),
)
#: Nothing is dropped and nothing cut: there is more than fits, and the arrows scroll to it.
WIDE_COLUMNS = (
    *(replace(column, worth=None, flex=False) for column in COLUMNS),
    Column(key="image", title="IMAGE", max_width=44),
    Column(key="pod", title="POD", max_width=30),
    Column(key="started", title="STARTED", max_width=19, sortable=False),
    Column(key="cgroup", title="CGROUP", max_width=60),
    Column(key="command", title="COMMAND", min_width=10, flex=True),
)

_SORT_KEYS: dict[str, Callable[[Container], tuple[object, ...]]] = {
    "name": lambda one: (one.name.casefold(), one.ref),
    "engine": lambda one: (one.engine, one.owner, one.name.casefold()),
    "pid": lambda one: (one.pid is None, one.pid or 0),
    "processes": lambda one: (-len(one.members), one.name.casefold()),
    "rootfs": lambda one: (one.rootfs.type, one.rootfs.layers) if one.rootfs else ("~", 0),
    "user": lambda one: (_user(one), one.name.casefold()),
    "up": lambda one: (one.started is None, -(one.started or 0.0)),
    "image": lambda one: (one.image or "~", one.name.casefold()),
    "pod": lambda one: (_pod(one) or "~", one.name.casefold()),
    "cgroup": lambda one: (one.cgroup or "~",),
    "command": lambda one: (one.command,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOptions:
    """How somebody wants to see the containers."""

    grouping: Grouping = "pod"
    isolated: bool = False
    stopped: bool = False
    wide: bool = False
    sort: str = "name"
    reverse: bool = False
    filter: str = ""
    folded: Collection[Hashable] = field(default_factory=frozenset)


def home_columns(options: HomeOptions) -> tuple[Column, ...]:
    """The columns, plain or wide."""
    return WIDE_COLUMNS if options.wide else COLUMNS


def home_rows(snapshot: Snapshot, options: HomeOptions) -> list[Row]:
    """The rows from top to bottom: the host, the containers, what is not shown."""
    chosen = choose(snapshot, options)
    build = _Builder(snapshot, options)
    host = [build.row(one) for one in chosen if one.kind == _HOST]
    others = [one for one in chosen if one.kind != _HOST]
    arrange = {
        "flat": build.flat,
        "tree": build.tree,
        "pod": build.pods,
        "engine": build.by_engine,
        "user": build.by_user,
    }[options.grouping]
    rows = [*host, *arrange(others), *_left_out(snapshot, options)]
    if not others and not options.filter:
        rows.append(Row(("remark", "nothing"), (f" {NOTHING}",), "dim"))
    return rows


def choose(snapshot: Snapshot, options: HomeOptions) -> list[Container]:
    """The containers that are wanted, sorted."""
    test = compile_filter(options.filter)
    chosen = [
        one
        for one in snapshot.containers
        if (options.isolated or one.kind != "isolated")
        and (options.stopped or one.status != "stopped")
        and (not options.filter or test(_searched(one)))
    ]
    key = partial(_quietness, snapshot) if options.sort == "net" else _SORT_KEYS[options.sort]
    return sorted(chosen, key=key, reverse=options.reverse)


def _searched(one: Container) -> str:
    words = (one.name, one.engine, one.ref, one.id, one.image, _pod(one), one.status, _user(one))
    return display(" ".join(word for word in (*words, *one.command) if word))


def _left_out(snapshot: Snapshot, options: HomeOptions) -> Iterable[Row]:
    if options.filter:
        return
    isolated = sum(
        one.kind == "isolated" and one.status != "stopped" for one in snapshot.containers
    )
    stopped = sum(one.status == "stopped" for one in snapshot.containers)
    if isolated and not options.isolated:
        text = f"{plural(isolated, 'isolated')} (services, browser sandboxes, ...): press i"
        yield Row(MORE_ISOLATED, (f" ◌  {text}",), "dim")
    if stopped and not options.stopped:
        yield Row(
            MORE_STOPPED, (f" ○  {stopped} stopped, only their files are left: press a",), "dim"
        )


class _Builder:
    def __init__(self, snapshot: Snapshot, options: HomeOptions) -> None:
        self._snapshot = snapshot
        self._now = snapshot.taken
        self._options = options

    def row(self, one: Container, prefix: str = "", **fold: bool) -> Row:
        """One container."""
        cells: tuple[Cell | str, ...] = (
            _status(one),
            Cell(one.name, "title" if one.kind == _HOST else ""),
            _engine(one),
            _id(one),
            str(one.pid) if one.pid else _NONE,
            str(len(one.members)) if one.members else _NONE,
            _net(self._snapshot, one),
            _namespaces(one),
            _rootfs(one),
            _user(one) or _NONE,
            duration(self._now - one.started) if one.started and one.members else _NONE,
        )
        if self._options.wide:
            cells = (
                *cells,
                one.image or _NONE,
                _pod(one) or _NONE,
                _clock(one.started) if one.started else _NONE,
                one.cgroup or _NONE,
                Cell(" ".join(one.command), "label") if one.command else _NONE,
            )
        return Row(one.ref, cells, "dim" if one.status == "stopped" else "", prefix, **fold)

    def flat(self, containers: Sequence[Container]) -> list[Row]:
        """One below the other."""
        return [self.row(one) for one in containers]

    def tree(self, containers: Sequence[Container]) -> list[Row]:
        """Each below the container that it runs in."""
        lines = outline(
            containers, lambda one: one.ref, lambda one: one.parent, self._options.folded
        )
        return [
            self.row(line.item, line.guide, expandable=line.below > 0, expanded=not line.folded)
            for line in lines
        ]

    def pods(self, containers: Sequence[Container]) -> list[Row]:
        """Containers of a pod below their pod; the others as they are."""
        return self._grouped(
            containers,
            key=lambda one: one.pod.uid if one.pod else None,
            title=lambda one: _pod(one) or "",
            engine="pod",
        )

    def by_engine(self, containers: Sequence[Container]) -> list[Row]:
        """Below their engine; a rootless engine is one of its own."""
        return self._grouped(containers, key=_engine_words, title=_engine_words)

    def by_user(self, containers: Sequence[Container]) -> list[Row]:
        """Below the user that their first process runs as."""
        return self._grouped(containers, key=_user, title=lambda one: _user(one) or "unknown")

    def _grouped(
        self,
        containers: Sequence[Container],
        *,
        key: Callable[[Container], str | None],
        title: Callable[[Container], str],
        engine: str = "",
    ) -> list[Row]:
        groups: dict[Hashable, list[Container]] = {}
        for one in containers:
            name = key(one)
            groups.setdefault(one.ref if name is None else ("group", name), []).append(one)
        arranged = list(groups.items())
        if self._options.sort == "name":
            # A pod stands under its own name, wherever the names of its containers would put it.
            arranged.sort(
                key=lambda item: (title(item[1][0]) or item[1][0].name).casefold(),
                reverse=self._options.reverse,
            )
        rows: list[Row] = []
        for group, members in arranged:
            if key(members[0]) is None:
                rows.append(self.row(members[0]))
                continue
            expanded = group not in self._options.folded
            rows.append(_group_row(group, title(members[0]), engine, members, expanded=expanded))
            if expanded:
                rows += [self.row(one, "│ ") for one in members]
        return rows


def _group_row(
    key: Hashable, title: str, engine: str, members: Sequence[Container], *, expanded: bool
) -> Row:
    processes = sum(len(one.members) for one in members)
    cells = {
        "name": Cell(f"{title}  {len(members)}", "group", ((len(title), len(title) + 8, "dim"),)),
        "engine": Cell(engine, "dim"),
        "processes": Cell(str(processes), "dim"),
    }
    return Row(
        key,
        tuple(cells.get(column.key, "") for column in WIDE_COLUMNS),
        expandable=True,
        expanded=expanded,
    )


def _status(one: Container) -> Cell:
    if one.kind == _HOST:
        return Cell("◆", "accent")
    if one.status == "paused":
        return Cell("‖", "warn")
    if one.status == "stopped":
        return Cell("○", "dim")
    return Cell("◌", "dim") if one.kind == "isolated" else Cell("●", "good")


def _id(one: Container) -> Cell:
    if one.id is None or one.id == one.name:  # LXC, nspawn: the name is the id
        return _NONE
    return Cell(one.id[:SHORT_ID] if _HEX_ID.fullmatch(one.id) else one.id, "label")


def _engine_words(one: Container) -> str:
    return f"{one.engine} ·u{one.owner}" if one.owner else one.engine


def _engine(one: Container) -> Cell:
    return _NONE if one.kind == _HOST else Cell(_engine_words(one))


def _user(one: Container) -> str:
    if one.user is not None:
        return one.user
    return "" if one.uid is None else str(one.uid)


def _pod(one: Container) -> str:
    if one.pod is None:
        return ""
    name = one.pod.name or one.pod.uid
    return f"{one.pod.namespace}/{name}" if one.pod.namespace else name


def _namespaces(one: Container) -> Cell:
    if not one.namespaces:
        return _NONE
    flags = one.flags
    # What the host shares with itself, and a sandboxed service with the host, is no alarm.
    if one.kind in (_HOST, "isolated"):
        return Cell(flags, "dim" if one.kind == _HOST else "")
    shared = [(at, at + 1, "alert") for at, letter in enumerate(flags) if letter == "-"]
    return Cell(flags, "", tuple(shared))


def _traffic(snapshot: Snapshot, one: Container) -> Traffic | None:
    # What shares the host's network has no traffic of its own.
    use = one.namespaces.get("net")
    if use is None or (use.shared and one.kind != _HOST):
        return None
    return snapshot.traffic.get(use.ino)


def _net(snapshot: Snapshot, one: Container) -> Cell | str:
    traffic = _traffic(snapshot, one)
    if traffic is None or traffic.rx_rate is None or traffic.tx_rate is None:
        return _NONE
    text = byte_rates(traffic.rx_rate, traffic.tx_rate)
    return Cell(text, "dim") if text == "0/0" else text


def _quietness(snapshot: Snapshot, one: Container) -> tuple[object, ...]:
    traffic = _traffic(snapshot, one)
    rates = (traffic.rx_rate or 0.0) + (traffic.tx_rate or 0.0) if traffic else -1.0
    return -rates, one.name.casefold()


def _rootfs(one: Container) -> Cell | str:
    if one.rootfs is None:
        return _NONE
    layers = one.rootfs.layers
    return f"{one.rootfs.type} {layers}" if layers > 1 else one.rootfs.type


def _clock(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


assert len(KINDS) <= COLUMNS[7].width  # type: ignore[operator]  # the flags fit
