"""Network namespaces wired to each other, none of them the host's."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

from support.processes import inode, sandbox, wait_until


def inside(pid: int, *words: str) -> bytes:
    """Run a command in the network namespace of `pid`, and with the rest of ours."""
    return subprocess.check_output(["nsenter", "--target", str(pid), "--net", "--", *words])


def ip(pid: int, words: str) -> None:
    """Run ip(8) in there."""
    inside(pid, "ip", *words.split())


def ip_json(pid: int, words: str) -> list[dict[str, Any]]:
    """What ip(8) says in there; a line of JSON that it leaves empty ({}) is left out."""
    found = json.loads(inside(pid, "ip", "-json", "-details", *words.split()) or b"[]")
    return [one for one in found if one]


@contextlib.contextmanager
def namespaces(count: int) -> Iterator[list[int]]:
    """So many processes, each in a network namespace of its own."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(sandbox("--net", "--mount")) for _ in range(count)]


def plug(left: int, right: int, *, left_name: str = "left", right_name: str = "right") -> None:
    """A cable (veth) between two of them, both ends up, and 10.9.8.1 and .2 at its ends."""
    ip(left, f"link add {left_name} type veth peer name {right_name} netns {right}")
    for pid, name, address in ((left, left_name, "10.9.8.1"), (right, right_name, "10.9.8.2")):
        # Neighbour discovery would send packets of its own, whenever it likes.
        inside(pid, "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
        ip(pid, f"address add {address}/24 dev {name}")
        ip(pid, f"link set {name} up")
    for pid, name in ((left, left_name), (right, right_name)):
        # The kernel notices a moment later that there is somebody at the other end.
        wait_until(lambda pid=pid, name=name: _state(pid, name) == "UP")  # type: ignore[misc]


def _state(pid: int, name: str) -> str:
    (one,) = ip_json(pid, f"link show {name}")
    return str(one["operstate"])


def threads_elsewhere() -> list[str]:
    """Our own threads that are in another network namespace than our first one."""
    found = []
    for tid in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # it is just ending
            if inode(f"self/task/{tid}", "net") != inode("self", "net"):
                found.append(tid)
    return found


@contextlib.contextmanager
def pair() -> Iterator[tuple[int, int]]:
    """Two network namespaces with a cable between them: ``left`` and ``right``."""
    with namespaces(2) as (left, right):
        plug(left, right)
        yield left, right
