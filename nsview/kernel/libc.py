"""What a process does to itself before it becomes another program.

setns(2), prctl(2), capset(2), seccomp(2), signal(2). Neither this module nor `kernel.seccomp`
imports typing or the socket module: the process that enters a container starts anew for every
command, and those imports take longer than all of its work.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from nsview.kernel import foreign

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_NAME = 15
PR_SET_SECCOMP = 22
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4

_CLOSE_RANGE = 436
_OPEN_TREE = 428
_MOVE_MOUNT = 429
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_ALL_BITS = 0xFFFFFFFF
_WORD = 32
_SIGNALS = 64
_SIG_IGN = 1
_SIG_SETMASK = 2
_SIGSET_BYTES = 128
_FIRST = 3
#: Field 48, counted from the one after the name.
_ARG_START = 45
_MNT_DETACH = 2
_OPEN_TREE_CLONE = 0x1
_AT_RECURSIVE = 0x8000
_AT_EMPTY_PATH = 0x1000
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_MOVE_MOUNT_T_EMPTY_PATH = 0x40
_MS_REC = 0x4000
_MS_SLAVE = 0x80000
_CLONE3 = 435
_CLONE_INTO_CGROUP = 0x200000000
_SIGCHLD = 17

#: One instruction of a seccomp filter: struct sock_filter.
FILTER_BYTES = 8

_libc = foreign.CDLL(None, use_errno=True)
_libc.syscall.restype = foreign.c_long
_libc.signal.argtypes = (foreign.c_int, foreign.c_void_p)
_libc.signal.restype = foreign.c_void_p
#: Keeps the interpreter's lock: a child must not find it given up, and to get it back from another
#: thread takes longer than these calls do.
_locked = foreign.PyDLL(None, use_errno=True)
_locked.syscall.restype = foreign.c_long
_locked.eventfd_write.argtypes = (foreign.c_int, foreign.c_ulong)
_locked.read.argtypes = (foreign.c_int, foreign.c_void_p, foreign.c_size_t)
_locked.read.restype = foreign.c_long


class _Header(foreign.Structure):
    _fields_ = (("version", foreign.c_uint), ("pid", foreign.c_int))


class _Masks(foreign.Structure):
    _fields_ = (
        ("effective", foreign.c_uint),
        ("permitted", foreign.c_uint),
        ("inheritable", foreign.c_uint),
    )


class _Program(foreign.Structure):
    _fields_ = (("length", foreign.c_ushort), ("instructions", foreign.c_char_p))


def setns(fd: int, flag: int) -> None:
    """Move this process into a namespace; pid and time take its next child there."""
    _check(_libc.setns(fd, flag))


def unshare(flags: int) -> None:
    """Give this process namespaces of its own."""
    _check(_libc.unshare(flags))


def ring_eventfd(fd: int) -> None:
    """Add one to an eventfd(2); unlike `os.eventfd_write` without a pause for other threads."""
    _check(_locked.eventfd_write(fd, 1))


def read_at_once(fd: int, size: int) -> bytes:
    """read(2) of a non-blocking descriptor, nothing where there is nothing; as `ring_eventfd`."""
    buffer = foreign.create_string_buffer(size)
    read = _locked.read(fd, foreign.addressof(buffer), size)
    if read == -1 and foreign.get_errno() in (errno.EAGAIN, errno.EINTR):
        return b""
    return buffer.raw[: _check(read)]


def clone_into(cgroup: int) -> int:
    """fork(2) with the child in the v2 control group of that directory (clone3(2), Linux 5.7).

    Only for processes of one thread that goes on to another program or its end: neither the C
    library nor Python, which would make locks anew and forget threads, knows of the child.
    """
    # struct clone_args, include/uapi/linux/sched.h
    how = struct.pack("=11Q", _CLONE_INTO_CGROUP, 0, 0, 0, _SIGCHLD, 0, 0, 0, 0, 0, cgroup)
    return _check(_locked.syscall(foreign.c_long(_CLONE3), how, foreign.c_size_t(len(how))))


def prctl(option: int, *arguments: int) -> int:
    """prctl(2) with numbers for arguments."""
    words = [foreign.c_ulong(one) for one in (*arguments, 0, 0, 0, 0)[:4]]
    return _check(_libc.prctl(option, *words))


def set_name(name: bytes) -> None:
    """Be shown under this name by ps(1): in comm, and in place of our command line.

    /proc/PID/cmdline is the memory between two addresses that /proc/PID/stat gives as fields 48
    and 49, whatever it holds by now.
    """
    _check(_libc.prctl(PR_SET_NAME, name, 0, 0, 0))
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    start, end = int(fields[_ARG_START]), int(fields[_ARG_START + 1])
    if start and len(name) < end - start:
        foreign.memmove(start, name.ljust(end - start, b"\0"), end - start)


def set_file_ids(uid: int, gid: int) -> None:
    """Act on files as somebody else, with all capabilities still: setfsuid(2), setfsgid(2)."""
    _libc.setfsgid(gid)
    _libc.setfsuid(uid)
    permitted = permitted_capabilities()
    set_capabilities(permitted, permitted, 0)  # leaving uid 0 drops those that are about files


def permitted_capabilities() -> int:
    """capget(2): what this process may make effective."""
    header = _Header(_CAPABILITY_VERSION_3, 0)
    masks = (_Masks * 2)()
    _check(_libc.capget(foreign.byref(header), masks))
    return int(masks[0].permitted | masks[1].permitted << _WORD)


def set_capabilities(effective: int, permitted: int, inheritable: int) -> None:
    """capset(2) of this process."""
    header = _Header(_CAPABILITY_VERSION_3, 0)
    masks = (_Masks * 2)(
        *[
            _Masks(
                effective >> at & _ALL_BITS,
                permitted >> at & _ALL_BITS,
                inheritable >> at & _ALL_BITS,
            )
            for at in (0, _WORD)
        ]
    )
    _check(_libc.capset(foreign.byref(header), masks))


def drop_bounding(keep: int) -> None:
    """Drop what is not in `keep` from the bounding set; this takes CAP_SETPCAP."""
    for bit in range(2 * _WORD):
        try:
            held = prctl(PR_CAPBSET_READ, bit)
        except OSError:  # EINVAL: past the last capability of this kernel
            return
        if held and not keep >> bit & 1:
            prctl(PR_CAPBSET_DROP, bit)


def raise_ambient(mask: int) -> None:
    """Make the ambient set `mask`; it must be permitted and inheritable."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for bit in range(2 * _WORD):
        if mask >> bit & 1:
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit)


def install_filter(instructions: bytes) -> None:
    """Install a seccomp filter; it takes no_new_privs, or CAP_SYS_ADMIN in our user namespace."""
    program = _Program(len(instructions) // FILTER_BYTES, instructions)
    _check(_libc.prctl(PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, foreign.byref(program), 0, 0))


def default_signals() -> None:
    """Block no signal and ignore none. What is ignored stays so over execve(2)."""
    nothing = foreign.create_string_buffer(_SIGSET_BYTES)
    _libc.sigprocmask(_SIG_SETMASK, nothing, None)
    for number in range(1, _SIGNALS + 1):
        _libc.signal(number, None)  # SIG_DFL; KILL and STOP answer EINVAL


def ignore_signal(number: int) -> None:
    """Have a signal do nothing, until `default_signals`."""
    _libc.signal(number, _SIG_IGN)


def close_all_from(first: int) -> None:
    """Close every descriptor from `first` on (close_range(2), Linux 5.9)."""
    if _libc.syscall(_CLOSE_RANGE, foreign.c_uint(first), foreign.c_uint(_ALL_BITS), 0) == -1:
        os.closerange(first, os.sysconf("SC_OPEN_MAX"))  # ENOSYS


def keep_only(*fds: int) -> list[int]:
    """Close all descriptors but 0 to 2 and these; returns their new numbers, from 3 on."""
    free = _FIRST + len(fds)
    # Two steps: a new number may be the old one of another.
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, free) for fd in fds]
    kept = [os.dup2(fd, _FIRST + at, inheritable=False) for at, fd in enumerate(high)]
    close_all_from(free)
    return kept


def copy_mount(fd: int, *, below: bool = True) -> int:
    """A detached copy of a directory's mount, and of those `below` (open_tree(2), Linux 5.2)."""
    flags = _OPEN_TREE_CLONE | _AT_EMPTY_PATH | os.O_CLOEXEC | (_AT_RECURSIVE if below else 0)
    return _check(_libc.syscall(_OPEN_TREE, foreign.c_int(fd), b"", foreign.c_uint(flags)))


def attach_mount(mount: int, directory: int) -> None:
    """Mount what `copy_mount` gave over a directory (move_mount(2)), both by descriptor."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH
    where = (foreign.c_int(mount), b"", foreign.c_int(directory), b"", foreign.c_uint(flags))
    _check(_libc.syscall(_MOVE_MOUNT, *where))


def keep_mounts_to_ourselves() -> None:
    """Let no mount that we make reach the namespace that ours is a copy of."""
    _check(_libc.mount(None, b"/", None, foreign.c_ulong(_MS_REC | _MS_SLAVE), None))


def mount(kind: bytes, path: bytes, options: bytes) -> None:
    """Mount a new instance of a file system (mount(2)), called as its kind."""
    _check(_libc.mount(kind, path, kind, foreign.c_ulong(0), options))


def unmount(path: bytes) -> None:
    """Take a mount out of the tree, whoever still uses it (umount2(2), MNT_DETACH)."""
    _check(_libc.umount2(path, _MNT_DETACH))


def set_host_name(name: bytes) -> None:
    """sethostname(2)."""
    _check(_libc.sethostname(name, foreign.c_size_t(len(name))))


def system_call(number: int, *arguments: int | bytes | None) -> int:
    """A call that the C library has no function for; bytes are passed by their address."""
    words = [foreign.c_long(one) if isinstance(one, int) else one for one in arguments]
    return _check(_libc.syscall(foreign.c_long(number), *words))


def _check(result: int) -> int:
    if result == -1:
        number = foreign.get_errno()
        raise OSError(number, os.strerror(number))
    return result
