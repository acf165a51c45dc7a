"""What ``cp`` and ``commit`` take from: a stack, and the container that it is of."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from nsview.cli.layers import find_stack
from nsview.cli.output import write_bytes
from nsview.cli.words import not_permitted
from nsview.errors import NsviewError
from nsview.host.host import Host
from nsview.host.model import Container
from nsview.host.reference import find_container
from nsview.host.stacks import read_stack
from nsview.layers.merge import MergedTree
from nsview.light import contextmanager
from nsview.typed import Final, Iterator

#: What shells make of a death by a signal.
_SIGNALLED: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An open tree and whose it is; neither `host` nor `container` with --dirs."""

    tree: MergedTree
    partial: tuple[str, ...]
    host: Host | None = None
    container: Container | None = None


@contextmanager
def open_source(reference: str | None, dirs: str | None) -> Iterator[Source]:
    """Find it; what may not be read in there becomes an `NsviewError`."""
    host = container = None
    if reference is None:
        stack, partial = find_stack(None, dirs)
    else:
        host = Host()
        snapshot = host.snapshot(stopped=True)
        container = find_container(snapshot, reference)
        stack, partial = read_stack(host, snapshot, container), snapshot.partial
    with MergedTree(stack) as tree:
        if not tree.top:
            raise NsviewError("none of its layers was found", hint="nsview layers says more")
        partial = (*partial, *stack.notes, *tree.partial)
        try:
            yield Source(tree=tree, partial=partial, host=host, container=container)
        except PermissionError as error:
            raise not_permitted(error.filename or "a directory of its layers") from None
        except OSError as error:
            name = f"{error.filename}: " if error.filename is not None else ""
            raise NsviewError(f"{name}{error.strerror}") from None


def end_cleanly() -> None:
    """Let SIGTERM and SIGHUP end us as Ctrl-C does: by way of what cleans up."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(_SIGNALLED + number)

    for one in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(one) is signal.SIG_DFL:  # nohup(1) has reasons to ignore it
            signal.signal(one, end)


class StandardOutput:
    """stdout as a file to write bytes to."""

    def write(self, data: bytes) -> int:
        """Write them all."""
        write_bytes(data)
        return len(data)

    def seekable(self) -> bool:
        """No: who reads has read."""
        return False
