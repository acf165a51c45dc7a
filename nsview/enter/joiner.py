"""The process that joins: started anew for each session, it becomes the command.

It has one thread (setns(2) wants that) and runs ``python -I -S`` on a sealed copy of the
interpreter, so that no container can write to the host's through /proc/PID/exe (CVE-2019-5736). All
that it needs is opened by who started it, and it imports nothing once it has joined: a module, a
codec or libnss could be the container's (CVE-2019-14271). Until execve(2) it is not dumpable: no
process inside may trace it or take its descriptors (CVE-2016-9962).

    joiner      in the host's user, pid and cgroup namespaces; joins all others, and waits
    └── command in all of them, with the rights of the container
"""

from __future__ import annotations

import errno
import fcntl
import marshal
import os
import resource
import select
import sys
import termios

from nsview.enter.filters import FilterCopy
from nsview.enter.told import await_orders
from nsview.enter.toolbox_mount import mount_toolbox
from nsview.kernel import libc
from nsview.kernel.cgroup_join import V2, fork_into, join
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from nsview.enter.orders import Namespace, Orders

FAILED = 125
"""Exit status: nsview itself failed. 126 and 127 are the command's: see `nsview.enter.session`."""
_SIGNALLED = 128
_KILL = 9
_SIGPIPE = 13
_MESSAGE_BYTES = 4096
_FIRST = 3
#: By the command itself: they change what it may, and where it may go.
_JOINED_LAST = (libc.CLONE_NEWUSER, libc.CLONE_NEWCGROUP)
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Failure(Exception):  # noqa: N818 - what is reported, not a programming error
    """A step that the session cannot do without did not succeed."""

    def __init__(self, step: str, error: OSError) -> None:
        self.step = step
        self.number = error.errno or errno.EIO


def main() -> None:
    """Say to the descriptor named by the first argument that we are there, and do as it says."""
    status = int(sys.argv[1])
    _send(status, "alive")

    def report_bug(
        kind: type[BaseException], value: BaseException, _: TracebackType | None
    ) -> None:
        # The usual traceback would read source files, out of the container by then.
        _send(status, "failed", f"{kind.__name__}: {value}", 0)
        os._exit(FAILED)

    sys.excepthook = report_bug
    orders: Orders | None = await_orders(status)
    if orders is None:
        os._exit(FAILED)
    try:
        os._exit(_run(orders))
    except Failure as failure:
        _send(status, "failed", failure.step, failure.number)
        os._exit(FAILED)


def _run(orders: Orders) -> int:
    status = orders["status"]
    lacking: list[tuple[str, int]] = []
    libc.default_signals()
    libc.ignore_signal(_SIGPIPE)
    if len(os.listdir("/proc/self/task")) != 1:
        raise Failure("a second thread in the joining process", OSError(errno.EINVAL, ""))
    filters = FilterCopy(orders["seccomp_of"])
    _leave_host_limits(orders, lacking)
    libc.prctl(libc.PR_SET_DUMPABLE, 0)
    tree = _copy_toolbox(orders)
    if orders["rootless"]:  # it gives the rights to join the others
        _join_namespace(orders, libc.CLONE_NEWUSER)
    for one in orders["namespaces"]:
        if one["flag"] not in _JOINED_LAST:
            _join(one, orders["proc"])
    try:
        command, in_v2 = fork_into(orders["cgroups"])
    except OSError as error:  # ENOMEM: the first process of the pid namespace has ended
        raise Failure("starting a process in the pid namespace", error) from None
    if command == 0:
        _become(orders, in_v2, filters, tree, lacking)
    _send(status, "pid", command)
    return _attend(command, filters.child, status)


def _attend(command: int, reader: int, status: int) -> int:
    """Wait for the command, pass signals on to it, and end it when nobody listens any more.

    Bury the reader of filters meanwhile.
    """
    kept = libc.keep_only(status, *map(os.pidfd_open, filter(None, (command, reader))))
    status, pidfd, *of_reader = kept
    poll = select.poll()
    for fd in kept:
        poll.register(fd, select.POLLIN)
    while True:
        ready = dict(poll.poll())
        if of_reader and of_reader[0] in ready:
            os.waitpid(reader, 0)
            poll.unregister(of_reader.pop())
        if pidfd in ready:
            _, wait_status = os.waitpid(command, 0)
            code = os.waitstatus_to_exitcode(wait_status)
            _send(status, "ended", code)
            return code if code >= 0 else _SIGNALLED - code
        if status not in ready:
            continue
        signals = _receive(status)
        for number in signals or bytes([_KILL]):
            _signal_group(command, number)
        if not signals:
            poll.unregister(status)


def _receive(status: int) -> bytes:
    """Signals to pass on; nothing when nobody is there any more."""
    try:
        return os.read(status, _MESSAGE_BYTES)
    except ConnectionResetError:  # whoever was there was killed before reading all that we said
        return b""


def _signal_group(command: int, number: int) -> None:
    # It leads a session of its own, and so a process group; ESRCH while it has not got that far.
    for send in (os.killpg, os.kill):
        try:
            send(command, number)
            return
        except ProcessLookupError:
            continue


# Before joining: with all rights, on the host.


def _leave_host_limits(orders: Orders, lacking: list[tuple[str, int]]) -> None:
    """Do what takes rights on the host: a lower oom_score_adj, higher hard limits."""
    if orders["oom_score_adj"] is not None:
        with _lenient("oom_score_adj", lacking):
            # Written before PR_SET_DUMPABLE: afterwards the file is root's, in the host's user
            # namespace.
            _write_proc(orders["proc"], "oom_score_adj", b"%d" % orders["oom_score_adj"])
    for name, number, _, hard in orders["limits"]:
        soft, own = resource.getrlimit(number)
        if _is_more(hard, own):
            with _lenient(f"limit {name}", lacking):
                resource.setrlimit(number, (soft, hard))


def _is_more(one: int, other: int) -> bool:
    return other != resource.RLIM_INFINITY and (one == resource.RLIM_INFINITY or one > other)


def _copy_toolbox(orders: Orders) -> int:
    if orders["toolbox"] is None:
        return -1
    try:
        return libc.copy_mount(orders["toolbox"][0])
    except OSError as error:
        raise Failure("copying the toolbox's mounts", error) from None


# Joining, and what comes after it.


def _join(namespace: Namespace, proc: int) -> None:
    kind = namespace["kind"]
    try:
        libc.setns(namespace["fd"], namespace["flag"])
        link = f"{kind}_for_children" if kind in ("pid", "time") else kind
        joined = os.stat(f"self/ns/{link}", dir_fd=proc).st_ino
    except OSError as error:
        raise Failure(f"joining the {kind} namespace", error) from None
    if joined != namespace["ino"]:
        raise Failure(f"joining the {kind} namespace: it is another", OSError(errno.ESTALE, ""))


def _join_namespace(orders: Orders, flag: int) -> None:
    for one in orders["namespaces"]:
        if one["flag"] == flag:
            _join(one, orders["proc"])


def _become(
    orders: Orders,
    in_v2: bool,
    filters: FilterCopy,
    tree: int,
    lacking: list[tuple[str, int]],
) -> None:
    """Take over everything of the container and become the command; never returns."""
    try:
        _take_terminal(orders)
        _take_cgroups(orders, in_v2, lacking)
        _take_place(orders, tree, lacking)
        with _lenient("security label", lacking):
            if orders["label"] is not None:
                _write_proc(orders["proc"], f"attr/{orders['label'][0]}", orders["label"][1])
        _take_user(orders)
        _take_rights(orders, orders["filters"] or filters.result(lacking), lacking)
    except Failure as failure:
        _send(orders["status"], "failed", failure.step, failure.number)
        os._exit(FAILED)
    try:
        os.execve(  # noqa: S606 - this is what the process is for
            orders["program"], orders["arguments"], orders["environment"]
        )
    except OSError as error:
        _send(orders["status"], "exec", error.errno)
    os._exit(FAILED)


def _take_terminal(orders: Orders) -> None:
    os.setsid()
    if orders["terminal"]:
        fcntl.ioctl(orders["stdio"][0], termios.TIOCSCTTY, 0)
    # Two steps: 0 to 2 themselves may be among the three.
    copies = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST) for fd in orders["stdio"]]
    for target, fd in enumerate(copies):
        os.dup2(fd, target)


def _take_cgroups(orders: Orders, in_v2: bool, lacking: list[tuple[str, int]]) -> None:
    for words, version, directory in orders["cgroups"]:
        if not (in_v2 and version == V2):
            with _lenient(f"cgroup {words}", lacking):
                join(version, directory)
    # Not before: a namespace may be a border that nobody is to cross (cgroups(7), nsdelegate).
    _join_namespace(orders, libc.CLONE_NEWCGROUP)


def _take_place(orders: Orders, tree: int, lacking: list[tuple[str, int]]) -> None:
    """Root and working directory, by descriptors: no path is walked that somebody may swap."""
    try:
        top = os.open("/", _DIRECTORY)
        if orders["root"] >= 0:
            os.fchdir(orders["root"])
            os.chroot(".")
        if orders["directory"] >= 0:
            with _lenient("working directory", lacking):
                os.fchdir(orders["directory"])
        # One that is deleted or outside the root has no name (CVE-2024-21626).
        if not _is_reachable():
            os.chdir("/")
            lacking.append(("working directory: it is deleted, or outside the root", 0))
        if orders["toolbox"] is not None:
            mount_toolbox(tree, orders["toolbox"][1], top, orders["root"])
    except OSError as error:
        raise Failure("taking the container's root directory", error) from None


def _is_reachable() -> bool:
    try:
        return os.getcwd().startswith("/")
    except OSError:
        return False


def _take_user(orders: Orders) -> None:
    """Become the user by ids of the host, which exist even where no inner id stands for them.

    Unless we have no rights there: then we are inside already.
    """
    try:
        if orders["groups"] is not None:
            os.setgroups(orders["groups"])
        libc.prctl(libc.PR_SET_KEEPCAPS, 1)
        if orders["gid"] is not None:
            os.setresgid(orders["gid"], orders["gid"], orders["gid"])
        if orders["uid"] is not None:
            os.setresuid(orders["uid"], orders["uid"], orders["uid"])
        held = libc.permitted_capabilities()
        libc.set_capabilities(held, held, 0)
    except OSError as error:
        raise Failure("changing the user", error) from None
    if not orders["rootless"]:
        _join_namespace(orders, libc.CLONE_NEWUSER)
    # Both changes may have set it to fs.suid_dumpable.
    libc.prctl(libc.PR_SET_DUMPABLE, 0)


def _take_rights(orders: Orders, filters: list[bytes], lacking: list[tuple[str, int]]) -> None:
    """Limits, capabilities, no_new_privs and the filters, in the order that lets each happen."""
    bounding, ambient = orders["bounding"], orders["ambient"]
    try:
        if bounding is not None:
            # First: a root that keeps it gets everything back at execve(2).
            libc.drop_bounding(bounding)
            held = libc.permitted_capabilities()
            libc.set_capabilities(held, held, orders["inheritable"] & held)
            libc.raise_ambient(ambient & orders["inheritable"] & held)
    except OSError as error:
        raise Failure("dropping capabilities", error) from None
    for name, number, soft, hard in orders["limits"]:
        with _lenient(f"limit {name}", lacking):
            own = resource.getrlimit(number)[1]
            hard = own if _is_more(hard, own) else hard
            resource.setrlimit(number, (hard if _is_more(soft, hard) else soft, hard))
    if orders["umask"] is not None:
        os.umask(orders["umask"])
    _keep_only_what_exec_needs(orders)
    libc.prctl(libc.PR_SET_PDEATHSIG, _KILL)
    _send(orders["status"], "lacking", lacking)
    libc.default_signals()
    _confine(orders, filters)


def _keep_only_what_exec_needs(orders: Orders) -> None:
    """Close all other descriptors: an exec path may lead to /proc/self/fd/N (CVE-2024-21626)."""
    program = orders["program"]
    if isinstance(program, int):
        orders["status"], orders["program"] = libc.keep_only(orders["status"], program)
    else:
        (orders["status"],) = libc.keep_only(orders["status"])


def _confine(orders: Orders, filters: list[bytes]) -> None:
    """The last steps: with the filters in place only capset(2) and execve(2) are left to do."""
    try:
        if orders["no_new_privs"]:
            libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
        for one in filters:
            libc.install_filter(one)
        bounding = orders["bounding"]
        if bounding is not None:
            held = libc.permitted_capabilities()
            keep = held & (bounding if os.geteuid() == 0 else orders["ambient"])
            libc.set_capabilities(keep, keep, orders["inheritable"] & held)
    except OSError as error:
        raise Failure("confining the command", error) from None


class _lenient:  # noqa: N801 - used as a statement; contextlib would be one more import
    """A step whose failure is noted and told, and does not end the session."""

    def __init__(self, what: str, lacking: list[tuple[str, int]]) -> None:
        self._what = what
        self._lacking = lacking

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if isinstance(error, OSError):
            self._lacking.append((self._what, error.errno or errno.EIO))
            return True
        return False


def _write_proc(proc: int, name: str, data: bytes) -> None:
    """Write a file of our own in the host's /proc, whatever the container has mounted there."""
    fd = os.open(f"self/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=proc)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def _send(status: int, *message: str | int | list[tuple[str, int]] | None) -> None:
    try:
        os.write(status, marshal.dumps(message))
    except OSError:  # nobody listens: what was started will be ended, see `_attend`
        return
