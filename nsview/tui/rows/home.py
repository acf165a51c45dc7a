"""The table of containers: which rows there are, in which order, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

from nsview.display import display
from nsview.host.model import Container, Snapshot, Traffic
from nsview.host.resources import Resources
from nsview.tui.row_layout import Cell, Column, Row
from nsview.tui.rows.filter import compile_filter
from nsview.tui.rows.home_cells import HOST, Seen, engine_words, pod_words, user_words
from nsview.tui.rows.home_columns import MOVING, PLAIN, RANKS, WIDE
from nsview.tui.rows.outline import outline
from nsview.tui.status import plural
from nsview.tui.user_choice import EVERYBODY
from nsview.units import byte_pair, percent

Grouping = Literal["pod", "flat", "engine", "user", "tree"]
GROUPINGS: tuple[Grouping, ...] = ("pod", "flat", "engine", "user", "tree")

#: Keys of the two lines at the end that stand for what is not shown.
MORE_ISOLATED: Hashable = ("more", "isolated")
MORE_STOPPED: Hashable = ("more", "stopped")

NOTHING = "no container runs here; see i (isolated services), a (stopped ones), :ns, :ps"


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
    user: str = EVERYBODY
    folded: Collection[Hashable] = field(default_factory=frozenset)


def home_columns(options: HomeOptions) -> tuple[Column, ...]:
    """The columns, plain or wide."""
    return tuple(one.column for one in (WIDE if options.wide else PLAIN))


class HomeRows:
    """Makes the rows again and again. Where nothing has changed, a row is the very same object."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._chosen = _Chosen((), None, [], [])

    def rows(self, seen: Seen, options: HomeOptions) -> list[Row]:
        """The rows from top to bottom: the host, the containers, what is not shown."""
        chosen = self._choose(seen, options)
        build = _Builder(seen, options, self._kept)
        host = [build.row(one) for one in chosen.containers if one.kind == HOST]
        others = [one for one in chosen.containers if one.kind != HOST]
        arrange = {
            "flat": build.flat,
            "tree": build.tree,
            "pod": build.pods,
            "engine": build.by_engine,
            "user": build.by_user,
        }[options.grouping]
        rows = [*host, *arrange(others), *chosen.left_out]
        self._kept = build.kept
        if not others and not options.filter and options.user == EVERYBODY:
            rows.append(Row(("remark", "nothing"), (f" {NOTHING}",), "dim"))
        return rows

    def _choose(self, seen: Seen, options: HomeOptions) -> _Chosen:
        # Of the same containers the same are chosen, in the same order unless figures make it.
        before = self._chosen
        if (
            before.of is not seen.snapshot.containers
            or before.options != options
            or options.sort in MOVING
        ):
            left_out = list(_left_out(seen.snapshot, options))
            chosen = choose(seen, options)
            self._chosen = _Chosen(seen.snapshot.containers, options, chosen, left_out)
        return self._chosen


class _Chosen(NamedTuple):
    """Which of these containers somebody wants to see."""

    of: tuple[Container, ...]
    options: HomeOptions | None
    containers: list[Container]
    left_out: list[Row]


def choose(seen: Seen, options: HomeOptions) -> list[Container]:
    """The containers that are wanted, sorted."""
    chosen = [
        one
        for one in _fitting(seen.snapshot, options)
        if (options.isolated or one.kind != "isolated")
        and (options.stopped or one.status != "stopped")
    ]
    return sorted(chosen, key=partial(RANKS[options.sort], seen), reverse=options.reverse)


def _fitting(snapshot: Snapshot, options: HomeOptions) -> list[Container]:
    test = compile_filter(options.filter)
    return [
        one
        for one in snapshot.containers
        if (options.user == EVERYBODY or whose(one) == options.user)
        and (not options.filter or test(_searched(one)))
    ]


def whose(one: Container) -> str:
    """The user that its first process runs as, or ran."""
    return user_words(one) or "unknown"


def _searched(one: Container) -> str:
    words = (one.name, one.engine, one.ref, one.id, one.image, one.status, *one.command)
    return display(" ".join(filter(None, (*words, pod_words(one), user_words(one)))))


def _left_out(snapshot: Snapshot, options: HomeOptions) -> Iterable[Row]:
    fitting = _fitting(snapshot, options)
    isolated = sum(one.kind == "isolated" and one.status != "stopped" for one in fitting)
    stopped = sum(one.status == "stopped" for one in fitting)
    if isolated and not options.isolated:
        text = f"{plural(isolated, 'isolated')} (services, browser sandboxes, ...): press i"
        yield Row(MORE_ISOLATED, (f" ◌  {text}",), "dim")
    if stopped and not options.stopped:
        yield Row(
            MORE_STOPPED, (f" ○  {stopped} stopped, only their files are left: press a",), "dim"
        )


class _Kept(NamedTuple):
    """A row, and what it was made of."""

    container: Container
    resources: Resources
    traffic: Traffic | None
    row: Row
    since: float
    until: float
    """From then until then it is this one, as long as all that is the same."""


class _Builder:
    def __init__(self, seen: Seen, options: HomeOptions, before: Mapping[str, _Kept]) -> None:
        self._seen = seen
        self._now = seen.snapshot.taken
        self._options = options
        self._columns = WIDE if options.wide else PLAIN
        self._all = list(enumerate(self._columns))
        self._others = [(at, one) for at, one in self._all if one.made_of != "container"]
        self._moving = [(at, one) for at, one in self._others if one.made_of == "time"]
        self._holds = [one.holds for one in self._columns if one.holds is not None]
        self._before = before
        self.kept: dict[str, _Kept] = {}

    def row(
        self, one: Container, prefix: str = "", *, expandable: bool = False, expanded: bool = True
    ) -> Row:
        """One container."""
        seen, before = self._seen, self._before.get(one.ref)
        resources, traffic = seen.resources(one), seen.snapshot.traffic_of(one)
        style = "dim" if one.status == "stopped" else ""
        if before is None or len(before.row.cells) != len(self._columns):
            cells = tuple(column.cell(seen, one) for column in self._columns)
            row = Row(one.ref, cells, style, prefix, expandable, expanded)
        else:
            same = one is before.container
            rests = same and resources is before.resources and traffic is before.traffic
            cells = before.row.cells
            if not rests or not before.since <= self._now < before.until:
                cells = self._cells(one, cells, same=same, rests=rests)
            elif before.row[2:] == (style, prefix, expandable, expanded):
                self.kept[one.ref] = before
                return before.row
            row = Row(one.ref, cells, style, prefix, expandable, expanded)
            row = before.row if row == before.row else row
        until = min(holds(seen, one) for holds in self._holds)
        self.kept[one.ref] = _Kept(one, resources, traffic, row, self._now, until)
        return row

    def _cells(
        self, one: Container, before: tuple[Cell | str, ...], *, same: bool, rests: bool
    ) -> tuple[Cell | str, ...]:
        # Only what may be another one is made anew.
        cells = list(before)
        for at, column in self._moving if rests else self._others if same else self._all:
            cells[at] = column.cell(self._seen, one)
        return tuple(cells)

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
            title=lambda one: pod_words(one) or "",
            engine="pod",
        )

    def by_engine(self, containers: Sequence[Container]) -> list[Row]:
        """Below their engine; a rootless engine is one of its own."""
        return self._grouped(containers, key=engine_words, title=engine_words)

    def by_user(self, containers: Sequence[Container]) -> list[Row]:
        """Below the user that their first process runs as."""
        return self._grouped(containers, key=whose, title=whose)

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
            words = {"name": title(members[0]), "engine": engine}
            rows.append(self._group_row(group, words, members, expanded=expanded))
            if expanded:
                rows += [self.row(one, "│ ") for one in members]
        return rows

    def _group_row(
        self,
        key: Hashable,
        words: Mapping[str, str],
        members: Sequence[Container],
        *,
        expanded: bool,
    ) -> Row:
        title = words["name"]
        used = [self._seen.resources(one) for one in members]
        percents = [one.cpu.percent for one in used if one.cpu and one.cpu.percent is not None]
        bytes_used = [one.memory.working_set for one in used if one.memory]
        cells = {
            "name": Cell(
                f"{title}  {len(members)}", "group", ((len(title), len(title) + 8, "dim"),)
            ),
            "engine": Cell(words["engine"], "dim"),
            "processes": Cell(str(sum(len(one.members) for one in members)), "dim"),
            "cpu": Cell(percent(sum(percents)) if percents else "", "dim"),
            "memory": Cell(byte_pair(sum(bytes_used), None) if bytes_used else "", "dim"),
        }
        return Row(
            key,
            tuple(cells.get(one.column.key, "") for one in self._columns),
            expandable=True,
            expanded=expanded,
        )
