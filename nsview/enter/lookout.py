"""A child that looks at the whole host while its parent gets ready to enter something there.

The look, and all that is imported for it, is most of what ``nsview enter web`` waits for, and hosts
have more than one processor. Its memory goes with it, and a session may last for days.
"""

from __future__ import annotations

import marshal
import os

# The C half of socket: the other makes enums of all its constants, for 4 ms.
from _socket import AF_UNIX, SOCK_SEQPACKET, socket, socketpair

from nsview.enter.spawn import own_standard_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Self

_KILL = 9
#: No argument is longer: MAX_ARG_STRLEN, execve(2).
_LONGEST = 1 << 17


class Lookout:
    """The child, which ends with the block of a ``with``."""

    def __init__(self) -> None:
        own_standard_streams()
        self._near, far = socketpair(AF_UNIX, SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            self._near.close()
            _look(far)
        far.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._near.close()
        try:
            os.kill(self._pid, _KILL)
            os.waitpid(self._pid, 0)
        except (ProcessLookupError, ChildProcessError):  # SIGCHLD is ignored
            return

    def find(self, reference: str) -> tuple[str, int, int] | None:
        """The container that is named, and whom to join there: PID and start time.

        None for whatever else it may be: who asks looks again, and will know.
        """
        try:
            self._near.send(os.fsencode(reference))
            found = self._near.recv(_LONGEST)
        except OSError:
            return None
        return marshal.loads(found) if found else None  # noqa: S302 - our own child


def _look(far: socket) -> NoReturn:
    """Look, be asked, answer; whatever goes wrong is the end, and our parent finds out why."""
    try:
        from nsview.enter.find import find_target
        from nsview.host.host import Host

        snapshot = Host().snapshot(rootfs=False)
        reference = os.fsdecode(far.recv(_LONGEST))
        container, task = find_target(snapshot, reference)
        far.send(marshal.dumps((container.ref, *task.identity)))
    finally:
        os._exit(0)
