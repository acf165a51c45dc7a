"""A host on which hundreds of processes start, change their namespaces and end every second."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from support.processes import read_line, started

#: Ends with its stdin, and its children with it: each lives for milliseconds.
_CODE = """
import ctypes, os, random, select, sys, time
libc = ctypes.CDLL(None)
KINDS = (0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000, 0x80, 0x02000000)
def child():
    for kind in random.sample(KINDS, random.randrange(3)):
        libc.unshare(kind)
    if random.random() < 0.5 and not os.fork():
        libc.prctl(15, b"churn", 0, 0, 0)
        os._exit(0)
    if random.random() < 0.3:
        os.execv("/bin/true", ["true"])
    os._exit(0)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.02)[0]:
    for _ in range(8):
        if not os.fork():
            child()
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""


@contextlib.contextmanager
def churn() -> Iterator[int]:
    """Yields the PID of the process that all others come from."""
    with started(sys.executable, "-c", _CODE) as process:
        assert read_line(process) == "ready"
        yield process.pid
