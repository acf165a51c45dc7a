"""Start a process that works for us elsewhere: ``python -I -S`` of one thread, told by marshal.

It runs on a sealed copy of the interpreter, so that no container can write to the host's through
/proc/PID/exe (CVE-2019-5736).
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import sys
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from nsview.enter.sealed import seal_program
from nsview.enter.streams import Link
from nsview.errors import NsviewError

# `nsview` itself is not imported: its __init__ loads typing, which takes longer than the work does.
_BOOTSTRAP: Final = (
    "import sys; package = type(sys)('nsview'); package.__path__ = [sys.argv.pop(1)]; "
    "sys.modules['nsview'] = package; from {} import main; main()"
)
_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Greeted(Link, Protocol):
    """A link that knows whether the helping process has spoken."""

    alive: bool


def start_helper(
    module: str, orders: Mapping[str, object], descriptors: Iterable[int], link: Greeted
) -> tuple[int, bool]:
    """Run ``main()`` of a module with a memfd of `orders` as its argument, until it says ``alive``.

    `descriptors` are those that it inherits; nothing else but /dev/null at 0 to 2. Returns its PID,
    and whether it runs on a sealed interpreter; raises `NsviewError`.
    """
    fds = tuple(descriptors)
    for sealed in (True, False):
        paper = write_orders(orders)
        try:
            child = spawn(module, paper, fds, sealed=sealed)
        finally:
            os.close(paper)
        if child is None:
            continue
        # An interpreter that finds its library by its own place ($ORIGIN) is lost in a memfd.
        pidfd = os.pidfd_open(child)
        try:
            while not link.alive and link.running and _speaks(link, pidfd):
                link.hear()
        finally:
            os.close(pidfd)
        if link.alive:
            return child, sealed
        os.waitpid(child, 0)
    raise NsviewError("the helping process did not start")


def write_orders(orders: Mapping[str, object]) -> int:
    """A memfd of them."""
    paper = os.memfd_create("orders", os.MFD_CLOEXEC)
    with open(paper, "wb", closefd=False) as file:
        file.write(marshal.dumps(dict(orders)))
    os.lseek(paper, 0, os.SEEK_SET)
    return paper


def _speaks(link: Link, pidfd: int) -> bool:
    poll = select.poll()
    poll.register(link.status.fileno(), select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    return link.status.fileno() in dict(poll.poll())


def spawn(module: str, argument: int, descriptors: Iterable[int], *, sealed: bool) -> int | None:
    """Run ``main()`` of a module with a descriptor as its argument; it inherits that and others.

    None where the system does not let us.
    """
    with contextlib.ExitStack() as stack:
        program = sys.executable
        if sealed:
            try:
                copy = seal_program(os.path.realpath(sys.executable))
            except OSError:
                return None
            stack.callback(os.close, copy)
            program = f"/proc/self/fd/{copy}"
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        stack.callback(os.close, nothing)
        for fd in (*descriptors, argument):
            os.set_inheritable(fd, True)
        flags = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
        code = _BOOTSTRAP.format(module)
        arguments = [sys.executable, *flags, "-c", code, _PACKAGE, str(argument)]
        keep = {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ}
        streams = [(os.POSIX_SPAWN_DUP2, nothing, fd) for fd in range(3)]
        try:
            return os.posix_spawn(program, arguments, keep, file_actions=streams, setsid=True)
        except OSError:  # a library that this user may not read, a noexec mount
            return None
