"""Lists of system calls as engines write them, and docker's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.bpf_machine import run_filter

from nsview.errors import NsviewError
from nsview.kernel.capabilities import NAMES
from nsview.kernel.seccomp_assembler import ALLOW, ERRNO, KILL_PROCESS, LOG, assemble
from nsview.kernel.syscall_numbers import ARCHITECTURES, numbers_of
from nsview.sandbox.seccomp_default import default_profile
from nsview.sandbox.seccomp_profile import make_filter, parse_profile

_X86 = ARCHITECTURES["x86_64"]
_EPERM, _ENOSYS = ERRNO | 1, ERRNO | 38


def mask(*names: str) -> int:
    return sum(1 << NAMES.index(name) for name in names)


def answer(document: object, call: str, *arguments: int, capabilities: int = 0) -> int:
    data = json.dumps(document).encode()
    code = assemble(parse_profile(data, capabilities, "x86_64", "5.10.0-26-amd64"))
    return run_filter(code, numbers_of("x86_64")[call], _X86, arguments)


def rules(*rules: dict[str, object], **more: object) -> dict[str, object]:
    return {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": list(rules), **more}


def allow(*names: str, **more: object) -> dict[str, object]:
    return {"names": names, "action": "SCMP_ACT_ALLOW", **more}


def argument(index: int, word: str, value: int = 0) -> dict[str, object]:
    return {"index": index, "value": value, "op": f"SCMP_CMP_{word}"}


def sub_architectures(word: str, *names: str) -> dict[str, object]:
    return {"archMap": [{"architecture": word, "subArchitectures": list(names) or None}]}


def test_actions_and_their_numbers() -> None:
    document = rules(
        allow("read", "there_is_no_such_call"),
        {"name": "write", "action": "SCMP_ACT_ALLOW"},
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
        {"names": ["mount"], "action": "SCMP_ACT_KILL_PROCESS", "args": None},
        {"names": ["umount2"], "action": "SCMP_ACT_LOG"},
        defaultErrnoRet=13,
    )
    found = [answer(document, one) for one in ("read", "write", "mkdir", "mount", "umount2", "bpf")]
    assert found == [ALLOW, ALLOW, ERRNO | 28, KILL_PROCESS, LOG, _ENOSYS]
    assert answer(document, "getpid") == ERRNO | 13


def test_conditions_of_several_arguments_must_all_hold_those_of_one_need_not() -> None:
    both = [
        {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
        {"index": 1, "value": 4, "op": "SCMP_CMP_LT"},
    ]
    either = [argument(0, "EQ", one) for one in (2, 16)]
    document = rules(allow("read", args=both), allow("socket", args=either))
    assert [answer(document, "read", *one) for one in ((1, 3), (1, 4), (0, 3))] == [
        ALLOW, _EPERM, _EPERM,
    ]  # fmt: skip
    assert [answer(document, "socket", one) for one in (2, 16, 3)] == [ALLOW, ALLOW, _EPERM]


def test_rules_by_capability_architecture_and_kernel() -> None:
    needs = {"caps": ["CAP_SYS_ADMIN"], "arches": ["amd64", "x32"], "minKernel": "4.8"}
    without = {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
    document = rules(
        allow("mount", includes=needs), {**without, "excludes": {"caps": ["CAP_SYS_ADMIN"]}}
    )
    assert answer(document, "mount", capabilities=mask("sys_admin")) == ALLOW
    assert answer(document, "mount") == _ENOSYS
    for other in ({"arches": ["arm64"]}, {"minKernel": "5.11"}, {"caps": ["CAP_NEW_ONE"]}):
        document = rules(allow("mount", includes=other), allow("umount2"))
        assert answer(document, "mount") == _EPERM
    document = rules(allow("mount", excludes={"arches": ["amd64"]}), allow("umount2"))
    assert answer(document, "mount") == _EPERM


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, KILL_PROCESS),
        ({"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]}, ALLOW),
        (sub_architectures("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"), ALLOW),
        (sub_architectures("SCMP_ARCH_S390X"), KILL_PROCESS),
    ],
)  # fmt: skip
def test_programs_of_32_bits_run_where_the_profile_names_them(
    more: dict[str, object], wanted: int
) -> None:
    data = json.dumps(rules(allow("read"), **more)).encode()
    code = assemble(parse_profile(data, 0, "x86_64", "6.1"))
    assert run_filter(code, numbers_of("i386")["read"], ARCHITECTURES["i386"]) == wanted


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "Expecting value"),
        (b"\xff\xfe{}", "."),
        (b"[]", "the profile is no object"),
        (b"{}", "no action None for defaultAction"),
        (b'{"defaultAction": "SCMP_ACT_NOTIFY"}', "supervisor"),
        (b'{"defaultAction": ["x"]}', "no action"),
        (b'{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}}', "syscalls is no list"),
        (b'{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [1]}', "a rule is no object"),
        (b'{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": "x"}', "is no number"),
        (b'{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": -1}', "is no number"),
        (json.dumps(rules(allow(7))).encode(), "no list of names"),  # type: ignore[arg-type]
        (json.dumps(rules(allow("read", args=[argument(6, "EQ")]))).encode(), "argument 6"),
        (json.dumps(rules(allow("read", args=[argument(0, "X")]))).encode(), "SCMP_CMP_X"),
        (b"[" * 100_000, "nested"),
    ],
)  # fmt: skip
def test_what_is_no_profile(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_profile(data, 0, "x86_64", "6.1")


def test_files_that_are_none(tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.touch()
    with large.open("r+b") as file:
        file.truncate(5 << 20)
    for path in (tmp_path, tmp_path / "none", large):
        with pytest.raises(NsviewError, match="--seccomp"):
            make_filter(str(path), 0)


def test_no_list_is_no_filter() -> None:
    assert make_filter("none", 0) == b""


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "i386"])
def test_dockers_list(machine: str) -> None:
    def default(call: str, *arguments: int, capabilities: int = 0) -> int:
        code = assemble(default_profile(capabilities, (machine,)))
        numbers = numbers_of(machine)
        return run_filter(code, numbers[call], ARCHITECTURES[machine], arguments)

    for call in ("openat", "execve", "ptrace", "seccomp", "statmount", "landlock_add_rule"):
        assert default(call) == ALLOW
    for call in ("keyctl", "io_uring_setup", "mount", "unshare", "setns", "bpf", "reboot", "acct"):
        assert default(call) == _EPERM
    assert default("clone3") == _ENOSYS
    assert default("clone3", capabilities=mask("sys_admin")) == ALLOW
    assert default("clone", 0x01200011) == ALLOW
    assert default("clone", 0x10000011) == _EPERM
    assert default("clone", 0x10000011, capabilities=mask("sys_admin")) == ALLOW
    assert default("bpf", capabilities=mask("bpf")) == ALLOW
    assert default("mount", capabilities=mask("bpf", "sys_chroot")) == _EPERM
    families = [one for one in range(64) if default("socket", one) == ALLOW]
    assert {1, 2, 10, 16, 17, 44} <= set(families)
    assert not {38, 40} & set(families)  # AF_ALG, AF_VSOCK
    # The kernel takes the family as 32 bits: what is beyond them must not help.
    assert default("socket", (1 << 32) + 38) == _EPERM
    assert [default("personality", one) for one in (0, 8, 0xFFFFFFFF, 0x40000)] == [
        ALLOW, ALLOW, ALLOW, _EPERM,
    ]  # fmt: skip
    assert default("listns") == _ENOSYS
