"""Sandboxes of nsview itself: the control group ``nsview/ID`` in every hierarchy."""

from __future__ import annotations

from nsview.engines.base import Match
from nsview.engines.identifiers import is_hexadecimal
from nsview.typed import Final

_GROUP: Final = "nsview"
_ID_LENGTH: Final = 32


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A sandbox, by its id."""
    if index and components[index - 1] == _GROUP and is_hexadecimal(components[index], _ID_LENGTH):
        return Match(engine="nsview", id=components[index])
    return None
