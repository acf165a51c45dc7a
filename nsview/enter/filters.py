"""The seccomp filters of the target, read by a process of their own."""

from __future__ import annotations

import errno
import marshal
import os

from nsview.kernel.seccomp import asks_a_supervisor, read_filters


def copy_filters(pid: int, lacking: list[tuple[str, int]]) -> list[bytes]:
    """The filters of `pid` (0: none are wanted), oldest first; what is wrong goes to `lacking`.

    A child reads them: when it ends, the process that it stopped surely goes on.
    """
    if not pid:
        return []
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = marshal.dumps(read_filters(pid))
        except OSError as error:
            answer = marshal.dumps(error.errno or errno.EIO)
        with open(writing, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    found: list[bytes] | int = marshal.loads(answer) if answer else errno.ESRCH  # noqa: S302
    if isinstance(found, int):
        lacking.append(("seccomp filter", found))
        return []
    if any(map(asks_a_supervisor, found)):
        lacking.append(("seccomp filter: it asks a supervisor", 0))
        return []
    return found
