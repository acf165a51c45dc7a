"""Figures in few cells."""

from __future__ import annotations

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_SIZES = "KMGTPE"
_KIB = 1024
_TEN = 10


def duration(seconds: float) -> str:
    """``12s``, ``18m``, ``2h``, ``3d``: the largest unit alone, as a table needs it."""
    whole = int(max(0.0, seconds))
    for unit, size in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def byte_rates(received: float, sent: float) -> str:
    """``4.1K/38M``, ``0/980``: bytes a second in both directions, in at most eleven cells."""
    return "/".join(byte_size(round(rate)).removesuffix(" B") for rate in (received, sent))


def byte_size(count: int) -> str:
    """``0 B``, ``120 B``, ``4.1K``, ``38M``: in at most six cells."""
    if count < _KIB:
        return f"{count} B"
    figure, unit = count / _KIB, 0
    while figure >= _KIB - 0.5 and unit < len(_SIZES) - 1:
        figure, unit = figure / _KIB, unit + 1
    return f"{figure:.1f}{_SIZES[unit]}" if figure < _TEN - 0.05 else f"{figure:.0f}{_SIZES[unit]}"
