"""`u`: whose containers or processes are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from nsview.tui.dialog import ChoiceScreen

EVERYBODY = ""


def user_choice(users: Iterable[str], chosen: str) -> ChoiceScreen[str]:
    """The list: a user for each thing there is. Gives back a name, or `EVERYBODY`."""
    counts = Counter(users)
    width = max(map(len, map(str, (*counts.values(), counts.total()))))
    choices = [(EVERYBODY, f"{counts.total():>{width}}  everybody's")]
    choices += [(name, f"{counts[name]:>{width}}  {name}") for name in sorted(counts)]
    return ChoiceScreen("whose", choices, chosen=chosen, note="Enter choose   Esc cancel")
