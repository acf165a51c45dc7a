"""Sandboxes of nsview itself: the control group ``nsview/ID`` in every hierarchy."""

from __future__ import annotations

import re
from typing import Final

from nsview.engines.base import Match

_GROUP: Final = "nsview"
_ID = re.compile(r"[0-9a-f]{32}")


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A sandbox, by its id."""
    if index and components[index - 1] == _GROUP and _ID.fullmatch(components[index]):
        return Match(engine="nsview", id=components[index])
    return None
