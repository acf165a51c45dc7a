"""Docker's list of system calls, as what it refuses: the reasons are easier to see that way.

moby/profiles: seccomp/default.json. What is not named here and has a number in our tables is
allowed; what is newer than `_NEWEST`, the last call that docker's list knows, does not exist.
"""

from __future__ import annotations

from nsview.kernel.capabilities import has_capability
from nsview.kernel.seccomp_assembler import ALLOW, ERRNO, Condition, Profile, Rule
from nsview.kernel.syscall_numbers import numbers_of
from nsview.typed import Final, Iterable, Iterator

_EPERM: Final = 1
_ENOSYS: Final = 38
_NEWEST: Final = "removexattrat"
#: All CLONE_NEW* but CLONE_NEWTIME, which is a signal number to clone(2).
_NEW_NAMESPACES: Final = 0x7E020000
#: PER_LINUX, PER_LINUX32, both with UNAME26, and the question which one it is.
_PERSONALITIES: Final = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
#: Not, for instance: AF_ALG (38), whose code is rarely used and often wrong, and AF_VSOCK (40),
#: which leads out to the hypervisor, network namespace or not.
#: From, to.
_SOCKET_FAMILIES: Final = (
    (0, 11), (13, 18), (21, 22), (24, 24), (26, 33), (35, 36), (39, 39), (41, 45),
)  # fmt: skip

#: Nobody may: kernel keys are not namespaced; io_uring and userfaultfd have been the way of many
#: an exploit; the rest changes the whole host, or has been of no use for long.
_NEVER: Final = """
    add_key keyctl request_key io_uring_enter io_uring_register io_uring_setup userfaultfd
    kexec_file_load kexec_load move_pages migrate_pages nfsservctl pivot_root swapoff swapon
    _sysctl sysfs uselib ustat create_module get_kernel_syms query_module uprobe
    afs_syscall bdflush break ftime getpmsg gtty idle lock mpx nice oldfstat oldlstat oldolduname
    oldstat olduname prof profil putpmsg readdir security sgetmask sigaction signal sigpending
    sigsuspend ssetmask stty tuxcall ulimit vm86 vm86old vserver
"""
#: Names, and the capabilities of which one is enough.
_BY_CAPABILITY: Final = (
    ("bpf", ("sys_admin", "bpf")),
    ("perf_event_open", ("sys_admin", "perfmon")),
    ("syslog", ("sys_admin", "syslog")),
    (
        """
        clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
        lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree quotactl
        quotactl_fd setdomainname sethostname setns umount umount2 unshare
        """,
        ("sys_admin",),
    ),
    ("open_by_handle_at", ("dac_read_search",)),
    ("reboot", ("sys_boot",)),
    ("chroot", ("sys_chroot",)),
    ("delete_module finit_module init_module", ("sys_module",)),
    ("acct", ("sys_pacct",)),
    ("kcmp pidfd_getfd process_madvise", ("sys_ptrace",)),
    ("ioperm iopl", ("sys_rawio",)),
    ("clock_settime clock_settime64 settimeofday stime", ("sys_time",)),
    ("vhangup", ("sys_tty_config",)),
    ("get_mempolicy mbind set_mempolicy set_mempolicy_home_node", ("sys_nice",)),
)


def default_profile(capabilities: int, architectures: tuple[str, ...]) -> Profile:
    """The list for a process that may have these capabilities at most."""
    refused = {*_NEVER.split(), "personality", "socket"}
    for names, any_of in _BY_CAPABILITY:
        if not any(has_capability(capabilities, one) for one in any_of):
            refused.update(names.split())
    rules = [_between("socket", *ends) for ends in _SOCKET_FAMILIES]
    rules += [_between("personality", one, one) for one in _PERSONALITIES]
    if not has_capability(capabilities, "sys_admin"):
        # Of clone3 the flags are in memory, where a filter cannot look: libraries take clone then.
        no_namespace = Condition(0, "MASKED_EQ", _NEW_NAMESPACES)
        rules += [Rule(("clone",), ALLOW, (no_namespace,)), Rule(("clone3",), ERRNO | _ENOSYS)]
        refused.add("clone")
    allowed = Rule(tuple(sorted(set(_known(architectures)) - refused)), ALLOW)
    return Profile(ERRNO | _EPERM, (allowed, *rules), architectures)


def _known(architectures: Iterable[str]) -> Iterator[str]:
    for one in architectures:
        numbers = numbers_of(one)
        yield from (name for name, number in numbers.items() if number <= numbers[_NEWEST])


def _between(name: str, first: int, last: int) -> Rule:
    """A rule that allows a call with a first argument of these."""
    if first == last:
        return Rule((name,), ALLOW, (Condition(0, "EQ", first),))
    return Rule((name,), ALLOW, (Condition(0, "GE", first), Condition(0, "LE", last)))
