"""Do something in a thread of its own: inside another namespace, or where it might hang.

A thread can join namespaces without taking the rest of the process along (setns(2) moves the
calling thread alone), and nobody has to lead it back: it ends. Threads of a pool are not for this,
they would go on in the wrong namespace. User namespaces cannot be joined so.
"""

from __future__ import annotations

import threading

from nsview.kernel.namespaces import CLONE_FLAGS
from nsview.kernel.syscalls import CLONE_FS, setns, unshare
from nsview.typed import Callable, Iterable, TypeVar

T = TypeVar("T")

#: A container's file system may be served by a process that does not answer (FUSE). No read of a
#: local file that does answer comes near this.
_PATIENCE_SECONDS = 2.0


def call_aside(
    function: Callable[[], T],
    *,
    join: Iterable[tuple[str, int]] = (),
    patience: float = _PATIENCE_SECONDS,
) -> T:
    """Run `function` in a new thread, after it has joined namespaces, and return its result.

    `join` pairs the kind of each namespace with an open descriptor of it; the caller closes those.
    Raises what `function` raises, OSError when a namespace cannot be joined, and TimeoutError when
    the thread does not end within `patience` seconds. It is left alone then, it may hang in the
    kernel; so `function` must not use anything that the caller takes away afterwards.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for kind, fd in join:
                if kind == "mnt":
                    unshare(CLONE_FS)  # a thread that shares its root and cwd gets EINVAL
                setns(fd, CLONE_FLAGS[kind])
            results.append(function())
        except BaseException as error:  # the caller raises it
            errors.append(error)

    thread = threading.Thread(target=work, name="nsview-aside", daemon=True)
    thread.start()
    thread.join(patience)
    if thread.is_alive():
        raise TimeoutError("a file system or the kernel does not answer")
    if errors:
        raise errors[0]
    return results[0]
