from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.enter.environment import (
    host_environment,
    parse_assignment,
    parse_environ,
    without_steering,
)


def test_values_keep_what_a_shell_would_split() -> None:
    assert parse_environ(b"A=1\0B=two words\nand a line\0C==\0D=\0") == {
        b"A": b"1", b"B": b"two words\nand a line", b"C": b"=", b"D": b"",
    }  # fmt: skip


def test_what_a_process_wrote_over_it_is_left_out() -> None:
    assert parse_environ(b"nginx: master process\0\0=x\0PATH=/bin\0\xff\xfe=\xff\0") == {
        b"PATH": b"/bin",
        b"\xff\xfe": b"\xff",
    }


def test_the_first_of_a_name_counts() -> None:
    assert parse_environ(b"A=1\0A=2\0") == {b"A": b"1"}


def test_what_execve_would_refuse_is_left_out() -> None:
    huge = b"A=" + b"x" * (128 * 1024) + b"\0B=1\0"
    assert parse_environ(huge) == {b"B": b"1"}
    many = b"".join(b"N%d=%s\0" % (n, b"x" * 1000) for n in range(3000))
    assert sum(len(k) + len(v) + 2 for k, v in parse_environ(many).items()) <= 1024 * 1024


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    for name, value in parse_environ(data).items():
        assert name
        assert b"\0" not in name + value
        assert b"=" not in name


@given(st.dictionaries(st.binary(min_size=1).filter(lambda n: not {0, 61} & {*n}),
                       st.binary().filter(lambda v: 0 not in v)))  # fmt: skip
def test_round_trip(environment: dict[bytes, bytes]) -> None:
    text = b"".join(b"%s=%s\0" % pair for pair in environment.items())
    assert parse_environ(text) == environment


def test_host_tools_get_the_least_of_our_own() -> None:
    own = {b"PATH": b"/bin", b"TERM": b"xterm", b"LC_ALL": b"C", b"SECRET": b"1", b"SUDO_UID": b"0"}
    assert host_environment(own) == {b"PATH": b"/bin", b"TERM": b"xterm", b"LC_ALL": b"C"}
    assert b"PATH" in host_environment({})


def test_a_container_does_not_steer_our_tools() -> None:
    steering = {b"LD_PRELOAD": b"/x", b"PYTHONPATH": b"/x", b"BASH_ENV": b"/x", b"ENV": b"/x"}
    assert without_steering({**steering, b"A": b"1"}) == {b"A": b"1"}


def test_assignments() -> None:
    assert parse_assignment("A=b=c") == (b"A", b"b=c")
    for wrong in ("A", "=x", ""):
        with pytest.raises(ValueError, match="NAME=VALUE"):
            parse_assignment(wrong)
