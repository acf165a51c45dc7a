"""The seccomp filters of the target, read by a process of their own while others work."""

from __future__ import annotations

import errno
import marshal
import os

from nsview.kernel.seccomp import asks_a_supervisor, read_filters


class FilterCopy:
    """A child that reads them: when it ends, the process that it stopped surely goes on."""

    def __init__(self, pid: int) -> None:
        """`pid` 0: none are wanted."""
        self.child = 0
        """Its PID, for who started it to wait for."""
        if not pid:
            return
        self._reading, writing = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            _answer(pid, writing)
        os.close(writing)

    def result(self, lacking: list[tuple[str, int]]) -> list[bytes]:
        """The filters, oldest first; what is wrong with them goes to `lacking`."""
        if not self.child:
            return []
        with open(self._reading, "rb") as pipe:
            answer = pipe.read()
        found: list[bytes] | int = marshal.loads(answer) if answer else errno.ESRCH  # noqa: S302
        if isinstance(found, int):
            lacking.append(("seccomp filter", found))
            return []
        if any(map(asks_a_supervisor, found)):
            lacking.append(("seccomp filter: it asks a supervisor", 0))
            return []
        return found


def _answer(pid: int, writing: int) -> None:
    try:
        answer = marshal.dumps(read_filters(pid))
    except OSError as error:
        answer = marshal.dumps(error.errno or errno.EIO)
    with open(writing, "wb") as pipe:
        pipe.write(answer)
    os._exit(0)
