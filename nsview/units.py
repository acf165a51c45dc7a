"""Figures in few cells: for tables of the commands and of the UI alike."""

from __future__ import annotations

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_SIZES = "KMGTPE"
_KIB = 1024
_TEN = 10
_THOUSAND = 1000
_MANY = 999.95


def duration(seconds: float) -> str:
    """``12s``, ``18m``, ``2h``, ``3d``: the largest unit alone, as a table needs it."""
    whole = int(max(0.0, seconds))
    for unit, size in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def duration_ends(seconds: float) -> int:
    """After how many seconds in all `duration` says something else."""
    whole = int(max(0.0, seconds))
    size = next((size for size in (_DAY, _HOUR, _MINUTE) if whole >= size), 1)
    return (whole // size + 1) * size


def byte_rates(received: float, sent: float) -> str:
    """``4.1K/38M``, ``0/980``: bytes a second in both directions, in at most nine cells."""
    return "/".join(short_size(round(rate)) for rate in (received, sent))


def byte_pair(used: int, limit: int | None) -> str:
    """``118M/256M``: always nine cells, so that the first figure stays in its place."""
    return f"{short_size(used):>4}" + (" " * 5 if limit is None else f"/{short_size(limit):>4}")


def percent(value: float) -> str:
    """``4.2``, ``100.0``, ``3200``: in at most five cells."""
    return f"{value:.1f}" if value < _MANY else f"{value:.0f}"


def short_size(count: int) -> str:
    """``0``, ``999``, ``4.1K``, ``38M``, ``1.0G``: in at most four cells."""
    if count < _THOUSAND:
        return str(count)
    figure, unit = count / _KIB, 0
    while figure >= _THOUSAND - 0.5 and unit < len(_SIZES) - 1:
        figure, unit = figure / _KIB, unit + 1
    return f"{figure:.1f}{_SIZES[unit]}" if figure < _TEN - 0.05 else f"{figure:.0f}{_SIZES[unit]}"


def byte_size(count: int) -> str:
    """``0 B``, ``120 B``, ``4.1K``, ``38M``: in at most six cells."""
    if count < _KIB:
        return f"{count} B"
    figure, unit = count / _KIB, 0
    while figure >= _KIB - 0.5 and unit < len(_SIZES) - 1:
        figure, unit = figure / _KIB, unit + 1
    return f"{figure:.1f}{_SIZES[unit]}" if figure < _TEN - 0.05 else f"{figure:.0f}{_SIZES[unit]}"
