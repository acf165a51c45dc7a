"""The three lines that frame every page: status, breadcrumbs, hints. Each is one line, always."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from nsview.display import display
from nsview.tui.status import Piece, Status


class Line(Widget):
    """One line with a left part and a right one; where both do not fit, both are cut."""

    _left: tuple[Piece, ...] = ()
    _right: tuple[Piece, ...] = ()
    _short: tuple[Piece, ...] = ()

    def show_parts(
        self, left: Iterable[Piece], right: Iterable[Piece] = (), short: Iterable[Piece] = ()
    ) -> None:
        """Draw again if anything differs. `short` is for when `left` and `right` do not fit."""
        new = tuple(left), tuple(right), tuple(short)
        if new != (self._left, self._right, self._short):
            self._left, self._right, self._short = new
            self.refresh()

    def render(self) -> Content:
        """Both parts, fitted."""
        width = self.size.width - 2
        kept = min(_length(cut(self._right, width)), width // _RIGHT_SHARE)
        left = cut(self._left_part(), width - kept - 2)
        room = width - _length(left)
        right = cut(self._right, room - 2)
        space = " " * max(0, room - _length(right))
        return Content.assemble(" ", *left, space, *right, " ")

    def _left_part(self) -> tuple[Piece, ...]:
        width = self.size.width - 2
        whole = _length(cut(self._left, width)) + _length(cut(self._right, width)) + 2
        return self._short if self._short and whole > width else self._left


def cut(parts: Sequence[Piece], width: int) -> list[Piece]:
    """The parts, display-safe, in at most `width` screen cells."""
    kept: list[Piece] = []
    for text, style in parts:
        safe = display(text)
        length = cell_len(safe)
        if length > width:
            if width > 1:
                kept.append((set_cell_size(safe, width - 1) + "…", style))
            break
        kept.append((safe, style))
        width -= length
    return kept


def _length(parts: Iterable[Piece]) -> int:
    return sum(cell_len(text) for text, _ in parts)


class StatusLine(Line):
    """`` nsview  host-a  6.18.44 · cgroup v2 · 14 containers · 412 processes      ● 2 s``."""

    def show(self, status: Status) -> None:
        """What is known of the host and of the scanner."""
        self.show_parts(*status)


class Crumbs(Line):
    """Where you are, and a remark about it; a click goes back to a crumb."""

    class Chosen(Message):
        """The user clicked a crumb: its place in the trail."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def on_click(self, event: events.Click) -> None:
        """Crumbs and what stands between them take turns."""
        parts = self._left_part()
        first = (len(self._left) - len(parts)) // 2
        start = 1
        for number, (text, _) in enumerate(cut(parts, self.size.width - 2)):
            end = start + cell_len(text)
            if start <= event.x < end and number % 2 == 0:
                self.post_message(self.Chosen(first + number // 2))
            start = end

    def show(self, trail: Sequence[str], remark: str, *, alarming: bool) -> None:
        """`trail`: from the home screen to this one."""
        parts: list[Piece] = []
        for number, crumb in enumerate(trail):
            if number:
                parts.append((" › ", _BETWEEN))
            parts.append((crumb, "bold" if number == len(trail) - 1 else "$foreground 70%"))
        style = "bold $text-error" if alarming else "$foreground 60%"
        # Where you are counts more than how you came there.
        last = [piece for one in parts[-_LAST_TWO:] for piece in cut([one], _LONG)]
        short = [("…", _BETWEEN), *last] if len(parts) > _LAST_TWO else []
        self.show_parts(parts, [(remark, style)], short)


_BETWEEN = "$foreground 40%"
#: Two crumbs, and what stands before each of them.
_LAST_TWO = 4
#: A crumb that is longer would leave no room for the other.
_LONG = 40
_HINT_GAP = 2
#: What begins so can be done nearly everywhere: it is named where there is room left, in order.
_COMMON = ("table.sort", "page.", "home.signal", "sandbox.", "app.")
#: The right part of a line gets one part in so many, if it needs that.
_RIGHT_SHARE = 4


class Hint(NamedTuple):
    """A key, and what it does here."""

    key: str
    shown_key: str
    description: str


def _hint_width(hint: Hint) -> int:
    return cell_len(f"{hint.shown_key} {hint.description}")


def commonness(binding: Binding) -> int:
    """In how many places a key does this, as a rank: -1 is special here."""
    name = binding.id or ""
    return next((at for at, one in enumerate(_COMMON) if name.startswith(one)), -1)


class Hints(Widget):
    """What the keys do right now, the focused widget's first; a click presses the key."""

    def on_mount(self) -> None:
        """Keys change with the focus and with the state of the page."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def hints(self) -> list[Hint]:
        """Every binding that wants to be shown, once: what is special here comes first."""
        found: dict[str, Binding] = {}
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and enabled and binding.description:
                found.setdefault(binding.description, binding)
        return [
            Hint(one.key, self.app.get_key_display(one), one.description)
            for one in sorted(found.values(), key=commonness)
        ]

    def _placed(self) -> list[tuple[int, int, Hint]]:
        # Help is always in sight: from there everything else can be found.
        hints = self.hints()
        last = next((hint for hint in hints if hint.description == "help"), None)
        room = self.size.width - (_hint_width(last) if last else 0) - 2
        placed: list[tuple[int, int, Hint]] = []
        start = 1
        for hint in hints:
            end = start + _hint_width(hint)
            if hint is not last and end + _HINT_GAP <= room:
                placed.append((start, end, hint))
                start = end + _HINT_GAP
        if last is not None:
            placed.append((start, start + _hint_width(last), last))
        return placed

    def render(self) -> Content:
        """As many hints as there is room for."""
        parts: list[Piece | str] = [" "]
        for _, _, (_, key, description) in self._placed():
            parts += [(f"{key} ", "bold $text-accent"), (f"{description}  ", "$foreground 70%")]
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        for start, end, hint in self._placed():
            if start <= event.x < end:
                self.app.simulate_key(hint.key)
