"""A process in namespaces of its own, for as long as a with block lasts."""

from __future__ import annotations

import select
import subprocess
from pathlib import Path

_PATIENCE = 60


class Unshared:
    """Run `command` (unshare, say, with options), as the parent of a process that only waits."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [*command, "sh", "-c", "echo $$; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> int:
        """Return the host PID of the innermost process, once it runs."""
        try:
            return self._innermost()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()  # cat ends, and all its ancestors with it
        self.process.wait(_PATIENCE)
        self.process.stdout.close()

    def _innermost(self) -> int:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], _PATIENCE)
        assert ready
        assert self.process.stdout.readline()
        pid = self.process.pid
        while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pid = int(children[0])
        return pid
