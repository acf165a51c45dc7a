"""Start a process that works for us elsewhere: ``python -I -S`` of one thread.

It runs on a sealed copy of the interpreter, so that no container can write to the host's through
/proc/PID/exe (CVE-2019-5736).
"""

from __future__ import annotations

import os
import sys

from nsview.enter.sealed import seal_program

# `nsview` itself is not imported: there is only what these modules need.
_BOOTSTRAP = (
    "import sys; package = type(sys)('nsview'); package.__path__ = [sys.argv.pop(1)]; "
    "sys.modules['nsview'] = package; from {} import main; main()"
)
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_STDERR = 2


def own_standard_streams() -> None:
    """Have something at 0 to 2: what is opened next would be taken for a stream."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        continue
    os.close(fd)


def spawn(module: str, argument: int, *, sealed: bool) -> int | None:
    """Run ``main()`` of a module with a descriptor as its argument; it inherits that and no other.

    None where the system does not let us.
    """
    if not sealed:
        return _spawn(sys.executable, module, argument)
    try:
        copy = seal_program(os.path.realpath(sys.executable))
    except OSError:
        return None
    try:
        return _spawn(f"/proc/self/fd/{copy}", module, argument)
    finally:
        os.close(copy)


def _spawn(program: str, module: str, argument: int) -> int | None:
    flags = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
    code = _BOOTSTRAP.format(module)
    arguments = [sys.executable, *flags, "-c", code, _PACKAGE, str(argument)]
    keep = {key: os.environ[key] for key in ("LD_LIBRARY_PATH",) if key in os.environ}
    os.set_inheritable(argument, True)
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    streams = [(os.POSIX_SPAWN_DUP2, nothing, fd) for fd in range(_STDERR + 1)]
    try:
        return os.posix_spawn(program, arguments, keep, file_actions=streams, setsid=True)
    except OSError:  # a library that this user may not read, a noexec mount
        return None
    finally:
        os.close(nothing)
