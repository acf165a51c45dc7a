"""Have the process that `enter` and `run` need started before anything else is imported."""

from __future__ import annotations

from nsview.enter.standby import JOINER, LAUNCHER, Standby

_MODULES = {"enter": JOINER, "run": LAUNCHER}
_started: list[Standby] = []


def start(words: list[str]) -> None:
    """Start the one for this command line, unless that only asks for help."""
    if words[0] in _MODULES and not {"-h", "--help"} & {*words}:
        _started.append(Standby(_MODULES[words[0]]))


def take(command: str) -> Standby:
    """The one that was started, or another."""
    return _started.pop() if _started else Standby(_MODULES[command])


def end() -> None:
    """End the one that nobody took."""
    while _started:
        with _started.pop():
            continue
