"""Have the processes that `enter` and `run` need started before anything else is imported."""

from __future__ import annotations

from nsview.enter.lookout import Lookout
from nsview.enter.standby import JOINER, LAUNCHER, Standby

_MODULES = {"enter": JOINER, "run": LAUNCHER}
_started: list[Standby] = []
_looking: list[Lookout] = []


def start(words: list[str]) -> None:
    """Start those for this command line, unless that only asks for help."""
    if words[0] not in _MODULES or {"-h", "--help"} & {*words}:
        return
    # Whom a number names is found without a look at the whole host.
    if words[0] == "enter" and not any(word.removeprefix("pid:").isdecimal() for word in words):
        _looking.append(Lookout())
    _started.append(Standby(_MODULES[words[0]]))


def take(command: str) -> Standby:
    """The one that was started, or another."""
    return _started.pop() if _started else Standby(_MODULES[command])


def look_for(reference: str) -> tuple[str, int, int] | None:
    """What a look that was begun ahead has found, see `Lookout.find`."""
    if not _looking:
        return None
    with _looking.pop() as lookout:
        return lookout.find(reference)


def end() -> None:
    """End those that nobody took."""
    for ones in (_started, _looking):
        while ones:
            with ones.pop():
                continue
