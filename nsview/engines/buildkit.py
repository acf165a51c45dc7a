"""BuildKit's containers, one for each RUN: ``buildkit/ID``, and with systemd ``docker-ID.scope``.

Ids are 25 characters in base 36 (moby/buildkit: identity/randomid.go), so they are never taken for
one of docker's.
"""

from __future__ import annotations

import re

from nsview.engines.base import Match

_ID = re.compile(r"[0-9a-z]{25}")
_SCOPE = re.compile(r"(?:docker|buildkit)-([0-9a-z]{25})\.scope")


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A build step that runs now."""
    component = components[index]
    if index and components[index - 1] == "buildkit" and _ID.fullmatch(component):
        return Match(engine="buildkit", id=component)
    scope = _SCOPE.fullmatch(component)
    return Match(engine="buildkit", id=scope[1]) if scope else None
