"""Numbers over time in block characters: a line of them, or a chart of several lines. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

_EIGHTHS = "▁▂▃▄▅▆▇█"
_LEVELS = len(_EIGHTHS)


def sparkline(values: Sequence[float], width: int, top: float) -> str:
    """The last `width` values, one cell each, the newest at the right; `top` is a full cell.

    A space is not known; the lowest block is anything from zero on, so that rest is visible.
    """
    shown = values[-width:]
    if not any(shown):  # nearly everybody rests
        return (_EIGHTHS[0] * len(shown)).rjust(width)
    blocks = "".join(" " if math.isnan(value) else _block(value, top) for value in shown)
    return blocks.rjust(width)


def _block(value: float, top: float) -> str:
    level = math.ceil(_LEVELS * min(value / top, 1.0)) - 1 if top > 0 else 0
    return _EIGHTHS[max(level, 0)]


def chart(values: Sequence[float], width: int, height: int, top: float) -> list[str]:
    """A chart of `height` lines, topmost first; `top` is all of its height."""
    shown = values[-width:]
    eighths = [_eighths(value, height, top) for value in shown]
    rows = []
    for row in range(height - 1, -1, -1):
        below = row * _LEVELS
        rows.append("".join(_part(filled - below) for filled in eighths).rjust(width))
    return rows


# Of anything but nothing at least one eighth is seen.
def _eighths(value: float, height: int, top: float) -> int:
    if math.isnan(value) or value <= 0 or top <= 0:
        return 0
    return max(1, round(min(value / top, 1.0) * height * _LEVELS))


def _part(eighths: int) -> str:
    return " " if eighths <= 0 else _EIGHTHS[min(eighths, _LEVELS) - 1]


def gauge(share: float, width: int) -> str:
    """A bar of `width` cells, filled by a share from 0 to 1."""
    filled = round(min(max(share, 0.0), 1.0) * width * 2)
    return "█" * (filled // 2) + "▌" * (filled % 2) + "·" * (width - filled // 2 - filled % 2)


def peak(values: Iterable[float]) -> float:
    """The largest known value; 0 without any."""
    return max([value for value in values if value == value], default=0.0)
