"""What nsview wrote about its sandboxes.

::

    /run/nsview/ID/config.json   what it was made of
                   process       PID and start time of number 1, once there is one
                   network       the addresses that it has claimed, if any
                   layers        the directory of its layers, if it is a user's
                   filter        of seccomp, in the kernel's form, if it is a user's
                   ended         exit status, Unix time, processes killed for lack of memory
    /var/lib/nsview/ID/          the layers that are its own: upper, work, init

A directory without ``config.json`` is one that is just being made, or half removed.
"""

from __future__ import annotations

import os

from nsview.engines.base import Daemon, Record, User
from nsview.engines.disk import DiskStore, names, open_folder, read_file
from nsview.engines.identifiers import is_hexadecimal
from nsview.engines.nsview_places import state_of
from nsview.engines.untrusted import parse_json, text, texts, timestamp
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterator, Sequence

CONFIG: Final = "config.json"
PROCESS: Final = "process"
ENDED: Final = "ended"
FILTER: Final = "filter"

_ID_LENGTH = 32
_SMALL = 4096


class Ending(NamedTuple):
    """How a sandbox ended."""

    status: int
    """Exit status, or minus the signal that ended it."""
    when: int
    """Unix time."""
    oom_kills: int


def parse_process(data: bytes) -> tuple[int, int] | None:
    """PID and start time in clock ticks since boot; None when it is no such file."""
    words = data.split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None
    return int(words[0]), int(words[1])


def parse_ended(data: bytes) -> Ending | None:
    """How it ended; None when it is no such file."""
    words = data.split()
    if len(words) != 3 or not all(word.lstrip(b"-").isdigit() for word in words):
        return None
    return Ending(status=int(words[0]), when=int(words[1]), oom_kills=int(words[2]))


class NsviewStore(DiskStore):
    """The directory of all sandboxes' state."""

    def read_ids(self) -> list[str]:
        """The ids of all sandboxes, those that are half made included."""
        with open_folder(self.root, self.path) as folder:
            found = names(folder) if folder is not None else []
        return [name for name in found if is_hexadecimal(name, _ID_LENGTH)]

    def read_config(self, sandbox: str) -> object:
        """What its ``config.json`` says; None when it has none."""
        return parse_json(self.read(sandbox, CONFIG))

    def read(self, sandbox: str, name: str, limit: int = 1 << 20) -> bytes:
        """One file of a sandbox; empty when it is missing."""
        return read_file(self.root, f"{self.path}/{sandbox}/{name}", user=self.user, limit=limit)

    def read_process(self, sandbox: str) -> tuple[int, int] | None:
        """PID and start time of its first process, whether or not that still runs."""
        return parse_process(self.read(sandbox, PROCESS, _SMALL))

    def read_ending(self, sandbox: str) -> Ending | None:
        """How it ended; None while it runs, and when nobody was left to say it."""
        return parse_ended(self.read(sandbox, ENDED, _SMALL))

    def read_records(self) -> Sequence[Record]:
        """All sandboxes, whether they run or not."""
        return list(self._records())

    def _records(self) -> Iterator[Record]:
        for sandbox in self.read_ids():
            config = self.read_config(sandbox)
            if text(config, "id") != sandbox:
                continue
            process = self.read_process(sandbox)
            running = process is not None and self.read_ending(sandbox) is None
            yield Record(
                engine="nsview",
                id=sandbox,
                name=text(config, "name"),
                image=text(config, "image"),
                running=running,
                pid=process[0] if process and running else None,
                start_time=process[1] if process and running else None,
                created=timestamp(config, "created"),
                command=texts(config, "command"),
                driver="overlay",
                home=self.home,
                ip=text(config, "ip") if running else None,
                veth=text(config, "veth") if running else None,
                user=self.user,
            )


def nsview_stores(daemons: Sequence[Daemon], users: Sequence[User]) -> Iterator[NsviewStore]:
    """Where sandboxes are; it exists once there was one."""
    del daemons
    for uid in dict.fromkeys((0, os.geteuid(), *(user.uid for user in users))):
        yield NsviewStore("/", state_of(uid), uid)
