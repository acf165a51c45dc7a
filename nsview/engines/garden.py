"""Cloud Foundry: Garden's containers, and the jobs that BPM runs in containers of its own.

``garden/ID``, ``garden.service/garden/ID``, ``garden/good/ID``. Cloud Foundry cuts its ids to 28
characters (8-4-4-4-4); Concourse, on Garden too, keeps the whole UUID. A UUID alone proves nothing:
many programs name cgroups so.
"""

from __future__ import annotations

import re

from nsview.engines.base import Match

_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-(?:[0-9a-f]{12}|[0-9a-f]{4}))(?:-[a-z0-9-]+)?")
_BPM = re.compile(r"(?:runc-)?(bpm-.+)\.scope")


def recognise(components: tuple[str, ...], index: int) -> Match | None:
    """A container of Garden, or a job of BPM."""
    component = components[index]
    job = _BPM.fullmatch(component)
    if job:
        return Match(engine="garden", id=job[1], name=job[1].removeprefix("bpm-"))
    if _ID.fullmatch(component) and any(_is_garden(name) for name in components[:index]):
        return Match(engine="garden", id=component)
    return None


def _is_garden(name: str) -> bool:
    return name == "garden" or name.startswith(("garden.", "garden-"))
