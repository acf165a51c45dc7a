"""A directory for one engine or one experiment, and somebody who cleans up after it.

Everything goes below ``/tmp/nsview-test-XXXXXXXX``. A second process, the reaper, waits for the
end of ours, a ``kill -9`` included, and then kills, unmounts and removes whatever bears that name.
There is one way to clean up, so every green run proves it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Self

from support import reaper

_REAPING_SECONDS = 240


class Run:
    """``with Run() as run:`` files go below `run.directory`, commands are started by `run.*`."""

    def __init__(self) -> None:
        # Lower case and digits: the name becomes part of host, machine and user names.
        self.directory = Path(reaper.PARENT, reaper.PREFIX + secrets.token_hex(4))
        self.environment = {
            **os.environ,
            reaper.MARK: self.name,
            # /usr/sbin holds dockerd and runc, and is missing from many users' PATH. Debian's own
            # clients go first: another docker would be asked about daemons that it does not know.
            "PATH": f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ.get('PATH', '')}",
        }
        self._started: list[subprocess.Popen[bytes]] = []
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", reaper.__file__, self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C and a killed process group are not meant for it
            text=True,
        )
        assert self._reaper.stdout is not None
        assert self._reaper.stdout.readline() == "ready\n"

    @property
    def name(self) -> str:
        """Unique, and part of every path below the directory."""
        return self.directory.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Have everything removed, and say it when something resisted."""
        if self._reaper.returncode is not None:
            return
        complaints, _ = self._reaper.communicate(timeout=_REAPING_SECONDS)
        for process in self._started:
            process.wait(_REAPING_SECONDS)
        if self._reaper.returncode:
            raise RuntimeError(f"{self.name} is not clean: {complaints}")

    def start(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        """Start something that stays, with its output in the file `log`."""
        with open(self.directory / log, "ab") as out:
            process = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def output(
        self, *command: str, check: bool = True, timeout: float = 120, directory: str | None = None
    ) -> str:
        """Run a command to its end and return what it printed, stripped."""
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stderr}")
        return done.stdout.strip()

    def find(self, program: str) -> str | None:
        """Where a program is, for this run's PATH."""
        return shutil.which(program, path=self.environment["PATH"])
