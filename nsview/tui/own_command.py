"""Run a command of nsview's own beside the UI, in a process of its own.

The UI has threads and never forks: whatever makes or ends sandboxes needs a process of one thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE
from typing import Final

_SAID_BY: Final = "nsview: "
_KINDS: Final = ("error: ", "hint: ", "partial: ")
_PROGRESS: Final = b"nsview: progress: "

Hear = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How it ended."""

    status: int
    out: bytes
    said: str
    """Its words on stderr, in one line."""


async def run_own(*words: str, hear: Hear = lambda _: None) -> Done:
    """Run ``nsview words``; who is cancelled meanwhile interrupts it, and waits until it is tidy.

    `hear` is told how far it is, by a command with ``--progress``. Raises OSError where it cannot
    be started.
    """
    process = await asyncio.create_subprocess_exec(
        *_interpreter(), "-m", "nsview", *words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    reading = asyncio.gather(process.stdout.read(), _listen(process.stderr, hear))
    try:
        out, said = await asyncio.shield(reading)
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        await reading
        await process.wait()
        raise
    return Done(status=await process.wait(), out=out, said=plain_words(said))


async def _listen(stderr: asyncio.StreamReader, hear: Hear) -> str:
    """Everything that is said but how far it is."""
    said = []
    async for line in stderr:
        if line.startswith(_PROGRESS):
            hear(line.removeprefix(_PROGRESS).decode(errors="replace").rstrip("\n"))
        else:
            said.append(line.decode(errors="replace"))
    return "".join(said)


def plain_words(said: str) -> str:
    """What stderr says, without who says it: a hint follows in brackets."""
    lines = []
    for line in said.splitlines():
        words = line.removeprefix(_SAID_BY)
        kind = next((one for one in _KINDS if words.startswith(one)), "")
        words = words.removeprefix(kind)
        lines.append(f"({words})" if kind == "hint: " else words)
    return " ".join(filter(None, lines))


def _interpreter() -> Sequence[str]:
    # As ours was started, and never with what lies in the current directory on its path.
    flags = ["-I" if sys.flags.isolated else "-P"]
    return (sys.executable, *flags, *(["-B"] if sys.dont_write_bytecode else []))
