"""User namespaces: made and mapped from outside, and worked in by children of ours.

The launching process uses this, too: it imports nothing that takes time.
"""

from __future__ import annotations

import errno
import marshal
import os

from nsview.kernel import libc
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FAILED = 125
_KILL = 9
_WORD = 32


def make_user_namespace(write_maps: Callable[[int], None]) -> int:
    """A descriptor of a new one; `write_maps` is told the PID of a process that is in it.

    Raises OSError, and what `write_maps` does.
    """
    said, say = os.pipe2(os.O_CLOEXEC)
    hold, let_go = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        number = 0
        try:
            os.close(let_go)
            libc.prctl(libc.PR_SET_PDEATHSIG, _KILL)
            libc.unshare(libc.CLONE_NEWUSER)
        except OSError as error:
            number = error.errno or errno.EIO
        try:
            os.write(say, b"%d" % number)
            os.read(hold, 1)
        finally:
            os._exit(0)
    os.close(say)
    os.close(hold)
    try:
        number = int(os.read(said, _WORD) or errno.EIO)
        if number:
            raise OSError(number, os.strerror(number))
        write_maps(child)
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(said)
        os.close(let_go)
        wait_for(child)


def write_maps_of(child: int, uid_map: bytes, gid_map: bytes, *, groups: bool = True) -> None:
    """Map ids for the user namespace of a process; without `groups`, none can be dropped there.

    Then it takes no right to map nobody but oneself.
    """
    files = [("uid_map", uid_map), ("gid_map", gid_map)]
    for name, data in files if groups else [("setgroups", b"deny"), *files]:
        with open(f"/proc/{child}/{name}", "wb", buffering=0) as file:
            file.write(data)


def become_root_of(user_namespace: int, *, groups: bool = False) -> None:
    """Join it for ever, as its root; with the `groups` that we have, or without."""
    libc.setns(user_namespace, libc.CLONE_NEWUSER)
    if not groups:
        _drop_groups()
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _drop_groups() -> None:
    try:
        os.setgroups([])
    except PermissionError:  # denied to all in it, as nobody but its maker is mapped
        return


def call_in(user_namespace: int, work: Callable[[], Any]) -> Any:
    """What `work` returns, which a child does as root of a user namespace.

    It has to be a value of marshal(3). Raises OSError, that of `work` included.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        try:
            answer: tuple[int, Any] = (errno.EIO, None)
            libc.prctl(libc.PR_SET_PDEATHSIG, _KILL)
            try:
                become_root_of(user_namespace)
                answer = (0, work())
            except OSError as error:
                answer = (error.errno or errno.EIO, None)
            with open(writing, "wb") as pipe:
                pipe.write(marshal.dumps(answer))
        finally:
            os._exit(_FAILED)
    os.close(writing)
    try:
        with open(reading, "rb") as pipe:
            said = pipe.read()
    except BaseException:  # Ctrl-C
        os.kill(child, _KILL)
        raise
    finally:
        wait_for(child)
    number, value = marshal.loads(said) if said else (errno.EIO, None)  # noqa: S302 - our own child
    if number:
        raise OSError(number, os.strerror(number))
    return value


def wait_for(child: int) -> None:
    """Wait for the end of a child, which is nobody's where SIGCHLD is ignored."""
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        return
