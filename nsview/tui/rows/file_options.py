"""Which files of a tree or list are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from nsview.layers.entry import Change
from nsview.tui.rows.filter import compile_filter
from nsview.units import byte_size

#: The steps of "at least so large".
LEAST_SIZES: Final = (0, 4 << 10, 64 << 10, 1 << 20, 16 << 20, 256 << 20)
_WORDS: Final[dict[Change | None, str]] = {
    "A": "added", "C": "modified", "D": "deleted", None: "unchanged",
}  # fmt: skip
_UNCHANGED: Final[frozenset[Change | None]] = frozenset({None})

Fits = Callable[[str, Change | None, int | None], bool]
"""A test of a path, what became of it, and the bytes of a regular file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """Everything, by name."""

    filter: str = ""
    """Of the path, as `compile_filter` has it."""
    left_out: frozenset[Change | None] = frozenset()
    """Kinds of changes that are not shown; None is what is as in the layers below."""
    by_size: bool = False
    least: int = 0
    """Bytes: only regular files so large."""

    @property
    def plain(self) -> bool:
        """Everything is shown."""
        return not (self.filter or self.left_out or self.least)

    @property
    def words(self) -> str:
        """What is not as usual, for people."""
        words = [f"/{self.filter}"] if self.filter else []
        if self.left_out == _UNCHANGED:
            words.append("changed only")
        elif self.left_out:
            words.append("without " + ", ".join(_WORDS[k] for k in _WORDS if k in self.left_out))
        words += [f"at least {byte_size(self.least)}"] if self.least else []
        words += ["by size"] if self.by_size else []
        return " · ".join(words)

    def toggled(self, change: Change | None) -> FileOptions:
        """Without this kind of change, or with it again."""
        return replace(self, left_out=self.left_out ^ {change})

    def changed_only(self) -> FileOptions:
        """Only what is not as in the layers below; or everything, if that is all that is shown."""
        everything: frozenset[Change | None] = frozenset()
        return replace(self, left_out=everything if self.left_out == _UNCHANGED else _UNCHANGED)

    def larger(self, step: int) -> FileOptions:
        """One step up or down in `LEAST_SIZES`."""
        at = LEAST_SIZES.index(self.least) + step
        return replace(self, least=LEAST_SIZES[max(0, min(at, len(LEAST_SIZES) - 1))])

    def test(self) -> Fits | None:
        """Whether something is to be shown for its own sake; None: everything is."""
        if self.plain:
            return None
        matches = compile_filter(self.filter) if self.filter else None
        left_out, least = self.left_out, self.least

        def fits(path: str, change: Change | None, size: int | None) -> bool:
            if change in left_out or (least and (size is None or size < least)):
                return False
            return matches is None or matches(path)

        return fits
