"""BuildKit's containers, one for each RUN: ``buildkit/ID``, and with systemd ``docker-ID.scope``.

Ids are 25 characters in base 36 (moby/buildkit: identity/randomid.go), so they are never taken for
one of docker's.
"""

from __future__ import annotations

from nsview.engines.base import Match

_ID_LENGTH = 25
_BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_PREFIXES = ("docker-", "buildkit-")


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A build step that runs now."""
    component = components[index]
    if index and components[index - 1] == "buildkit" and _is_id(component):
        return Match(engine="buildkit", id=component)
    if component.startswith(_PREFIXES) and component.endswith(".scope"):
        name = component.partition("-")[2].removesuffix(".scope")
        return Match(engine="buildkit", id=name) if _is_id(name) else None
    return None


def _is_id(text: str) -> bool:
    return len(text) == _ID_LENGTH and not text.strip(_BASE_36)
