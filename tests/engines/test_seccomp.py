"""Our list of system calls beside the one that a real docker installs."""

from __future__ import annotations

import os

import pytest
from support import engines
from support.bpf_machine import run_filter
from support.requirements import missing

from nsview.kernel.capabilities import ENGINE_DEFAULT, NAMES
from nsview.kernel.syscall_numbers import ARCHITECTURES, numbers_of
from nsview.sandbox.seccomp_profile import make_filter

#: moby's list changed in the last years; a docker of the distribution has some list of those.
_ALLOWED_SINCE = frozenset((
    "cachestat", "fchmodat2", "futex_requeue", "futex_wait", "futex_wake", "getxattrat",
    "listmount", "listxattrat", "map_shadow_stack", "mseal", "name_to_handle_at", "pkey_alloc",
    "pkey_free", "pkey_mprotect", "process_vm_readv", "process_vm_writev", "removexattrat",
    "setxattrat", "statmount", "uretprobe", "kcmp", "memfd_secret", "process_mrelease",
    "futex_waitv", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self",
    "set_mempolicy_home_node", "quotactl_fd", "ptrace", "riscv_hwprobe", "process_madvise",
    "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules",
))  # fmt: skip
_REFUSED_SINCE = frozenset(("io_uring_enter", "io_uring_register", "io_uring_setup", "socket",
                            "socketcall"))  # fmt: skip
_ARGUMENTS = ((0,), (2,), (16,), (38,), (40,), (0x20000,), (0x10000000,), (0xFFFFFFFF,))
_ALLOW = 0x7FFF0000
_ENOSYS, _EPERM = 0x00050026, 0x00050001


@pytest.mark.parametrize(
    ("flags", "capabilities"),
    [
        ((), ENGINE_DEFAULT),
        (("--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE"),
         {*ENGINE_DEFAULT, "sys_admin", "sys_ptrace"}),
        (("--cap-drop", "ALL"), frozenset()),
    ],
)  # fmt: skip
def test_the_same_calls_are_refused(
    docker: engines.Docker, flags: tuple[str, ...], capabilities: frozenset[str]
) -> None:
    machine = os.uname().machine
    if machine not in ("x86_64", "aarch64"):
        missing(f"no list for {machine}")
    container = docker.start(*flags)
    assert container.pid is not None
    theirs = filters_of(container.pid)
    ours = make_filter("default", sum(1 << NAMES.index(one) for one in capabilities))
    for architecture in {"x86_64": ("x86_64", "i386")}.get(machine, (machine,)):
        for name, number in numbers_of(architecture).items():
            for arguments in _ARGUMENTS:
                call = (number, ARCHITECTURES[architecture], arguments)
                there, here = run_filter(theirs, *call), run_filter(ours, *call)
                if there == here or {there, here} == {_ENOSYS, _EPERM}:
                    continue
                known = _ALLOWED_SINCE if here == _ALLOW else _REFUSED_SINCE
                assert name in known, (architecture, name, arguments, hex(there), hex(here))


def filters_of(pid: int) -> bytes:
    """Its only filter, read by a process of its own: the container goes on when that ends."""
    from nsview.enter.filters import FilterCopy

    lacking: list[tuple[str, int]] = []
    copy = FilterCopy(pid)
    found = copy.result(lacking)
    os.waitpid(copy.child, 0)
    if lacking:
        missing(f"this kernel does not show filters: {os.strerror(lacking[0][1])}")
    (only,) = found
    return only
