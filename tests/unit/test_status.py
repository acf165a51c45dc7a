"""/proc/PID/status: of old and new kernels, and a name that tries to be a line."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.procfs import Procfs
from nsview.kernel.status import parse_identity, parse_status

#: Linux 6.18, a process in a user namespace and a pid namespace.
NGINX = b"""\
Name:	nginx
Umask:	0022
State:	S (sleeping)
Tgid:	16121
Ngid:	0
Pid:	16121
PPid:	16076
TracerPid:	7
Uid:	100000	100033	100000	100033
Gid:	100000	100034	100000	100034
FDSize:	64
Groups:	4 24 100000 \n\
NStgid:	16121	1
NSpid:	16121	1
NSpgid:	16076	0
NSsid:	5269	0
Kthread:	0
VmPeak:	    3060 kB
VmRSS:	    1784 kB
RssAnon:	     112 kB
Threads:	5
SigQ:	1/96365
SigCgt:	0000000000000000
CapInh:	0000000000000000
CapPrm:	00000000a80425fb
CapEff:	00000000a80425fb
CapBnd:	00000000a80425fb
CapAmb:	0000000000000400
NoNewPrivs:	1
Seccomp:	2
Seccomp_filters:	3
Cpus_allowed:	3
voluntary_ctxt_switches:	0
"""
#: Linux 3.10: neither NS* nor Umask, NoNewPrivs, CapAmb; Seccomp came with 3.8.
OLD = b"""\
Name:	kthreadd
State:	S (sleeping)
Tgid:	2
Pid:	2
PPid:	0
TracerPid:	0
Uid:	0	0	0	0
Gid:	0	0	0	0
FDSize:	64
Groups:	\n\
Threads:	1
CapInh:	0000000000000000
CapPrm:	0000001fffffffff
CapEff:	0000001fffffffff
CapBnd:	0000001fffffffff
Seccomp:	0
"""


def test_fields() -> None:
    status = parse_status(NGINX)
    assert status.umask == 0o022
    assert status.uids == (100000, 100033, 100000, 100033)
    assert status.gids == (100000, 100034, 100000, 100034)
    assert status.groups == (4, 24, 100000)
    assert status.cap_effective == status.cap_bounding == 0xA80425FB
    assert (status.cap_inheritable, status.cap_ambient) == (0, 0x400)
    assert (status.no_new_privs, status.seccomp, status.seccomp_filters) == (True, 2, 3)


def test_what_an_old_kernel_does_not_say_is_absent() -> None:
    status = parse_status(OLD)
    assert (status.groups, status.umask, status.no_new_privs) == ((), None, None)
    assert (status.seccomp, status.seccomp_filters) == (0, None)
    assert status.cap_bounding == 0x1FFFFFFFFF
    assert parse_identity(OLD) == (0, ())


def test_identity() -> None:
    assert parse_identity(NGINX) == (100033, (16121, 1))


def escaped(comm: bytes) -> bytes:
    r"""As fs/proc/array.c:proc_task_name does it: ``\n`` and ``\\`` only."""
    return comm.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


@given(st.binary(min_size=1, max_size=15).filter(lambda comm: b"\0" not in comm))
def test_any_name_is_only_a_name(comm: bytes) -> None:
    data = NGINX.replace(b"Name:\tnginx", b"Name:\t" + escaped(comm))
    assert parse_status(data) == parse_status(NGINX)
    assert parse_identity(data) == (100033, (16121, 1))


@pytest.mark.parametrize("line", [b"Uid:", b"Gid:"])
def test_a_torn_file_is_refused(line: bytes) -> None:
    torn = NGINX[: NGINX.index(line) + len(line) + 9]
    with pytest.raises(ValueError, match="Uid"):
        parse_status(torn)
    with pytest.raises(ValueError, match="Uid"):
        parse_identity(NGINX[: NGINX.index(b"Uid:") + 9])


LINES = st.sampled_from(NGINX.splitlines(keepends=True))


@given(st.binary() | st.lists(LINES | st.binary(max_size=20)).map(b"".join))
def test_anything_else_is_a_value_error(data: bytes) -> None:
    for parse in (parse_status, parse_identity):
        try:
            parse(data)
        except ValueError:
            continue


def test_ourselves() -> None:
    data = Procfs().read_record(os.getpid(), "status")
    assert data is not None
    status = parse_status(data)
    assert status.uids[:3] == os.getresuid()
    assert status.gids[:3] == os.getresgid()
    assert set(status.groups) == set(os.getgroups())
    effective, numbers = parse_identity(data)
    assert (effective, numbers[-1]) == (os.geteuid(), os.getpid())
