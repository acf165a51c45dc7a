"""How number 1 of a sandbox comes into being: a child in a new pid namespace.

With a user namespace of its own that one has to come first, for it is to own all others. So there
is a process between, which does what only root of the host may, joins the user namespace, and has
number 1 as its child; then it ends, and number 1 becomes the launcher's::

    launcher ── helper: mounts the layers, joins the user namespace ── number 1

Somebody without rights has made the user namespace before, and mounts the layers once in it.
"""

from __future__ import annotations

import os
import select

from nsview.kernel import libc
from nsview.kernel.cgroup_join import V2, fork_into, join
from nsview.kernel.user_namespace import become_root_of, make_user_namespace, write_maps_of
from nsview.sandbox.first import be_first
from nsview.sandbox.mounts import Step, make_mounts
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from nsview.sandbox.orders import Orders

_FAILED = 125
_KILL = 9
_NANO = 1_000_000_000
_WORD = 32


class NoBirthError(Exception):
    """It did not come to that; the reason has been told."""


def bear_first(orders: Orders, reading: int, report: int) -> int:
    """Have a child in new pid and, if wanted, user and time namespaces; returns its PID.

    `reading` and `report` are a pipe, by which it tells the launcher how it fares. Raises
    `NoBirthError`.
    """
    if orders["uid_map"]:
        return _bear_in_user_namespace(orders, reading, report)
    kinds = _kinds(orders)
    own = [(os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC), kind)
           for name, kind in _NAMES if kinds & kind]  # fmt: skip
    _leave(orders, kinds)
    child, in_v2 = fork_into(orders["cgroups"])
    if child == 0:
        _die_with_launcher(reading, report)
        _join_groups(orders, in_v2)
        be_first(orders, report, None)
    for fd, kind in own:  # or the sandbox's would stay alive with us
        libc.setns(fd, kind)
        os.close(fd)
    return child


def _die_with_launcher(reading: int, report: int) -> None:
    """Have the kernel kill us when our parent ends, or end now if it has already."""
    if reading >= 0:
        os.close(reading)
    libc.prctl(libc.PR_SET_PDEATHSIG, _KILL)
    launcher = select.poll()
    launcher.register(report, 0)
    if launcher.poll(0):  # POLLERR: nobody reads it any more
        os._exit(_FAILED)


def _join_groups(orders: Orders, in_v2: bool) -> None:
    for words, version, directory in orders["cgroups"]:
        if not (in_v2 and version == V2):
            Step.words = f"joining control group {words}"
            join(version, directory)


def _bear_in_user_namespace(orders: Orders, reading: int, report: int) -> int:
    Step.words = "making a user namespace"
    rootless = orders["rootless"]
    user_namespace = orders["user_namespace"]
    if not rootless:
        maps = orders["uid_map"], orders["gid_map"]
        user_namespace = make_user_namespace(lambda child: write_maps_of(child, *maps))
    libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)
    words, say = os.pipe2(os.O_CLOEXEC)
    born, adopt = os.pipe2(os.O_CLOEXEC)
    helper, in_v2 = fork_into(orders["cgroups"])
    if helper == 0:
        os.close(words)
        os.close(adopt)
        _die_with_launcher(reading, report)
        _join_groups(orders, in_v2)
        if rootless:
            become_root_of(user_namespace)
            mounts = make_mounts(orders)
        else:
            mounts = make_mounts(orders, user_namespace)
            become_root_of(user_namespace)
        _leave(orders, _kinds(orders))
        child = os.fork()
        if child == 0:
            os.close(say)
            if not os.read(born, 1):  # the launcher has ended
                os._exit(_FAILED)
            _die_with_launcher(-1, report)
            be_first(orders, report, mounts)
        os.write(say, b"%d" % child)
        os._exit(0)
    for fd in (say, born, *(() if rootless else (user_namespace,))):
        os.close(fd)
    said = os.read(words, _WORD)
    os.close(words)
    os.waitpid(helper, 0)
    if not said:
        raise NoBirthError
    os.write(adopt, b".")
    os.close(adopt)
    return int(said)


_NAMES = (("pid", libc.CLONE_NEWPID), ("time", libc.CLONE_NEWTIME))


def _kinds(orders: Orders) -> int:
    return libc.CLONE_NEWPID | (libc.CLONE_NEWTIME if orders["time_offset"] else 0)


def _leave(orders: Orders, kinds: int) -> None:
    """Have the next child in new namespaces, with the clocks of time_namespaces(7) moved."""
    Step.words = "making a pid namespace"
    libc.unshare(kinds)
    if not orders["time_offset"]:
        return
    Step.words = "moving the clocks"
    libc.prctl(libc.PR_SET_DUMPABLE, 1)  # or our own files in /proc are the host's root's
    seconds, rest = divmod(orders["time_offset"], _NANO)
    lines = b"monotonic %d %d\nboottime %d %d\n" % (seconds, rest, seconds, rest)
    with open("/proc/self/timens_offsets", "wb", buffering=0) as file:
        file.write(lines)
