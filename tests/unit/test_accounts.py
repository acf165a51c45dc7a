from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from nsview.host.accounts import parse_names


def test_names_by_id_in_passwd_and_group() -> None:
    assert parse_names(b"root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/:\n") == {
        0: "root",
        33: "www",
    }
    assert parse_names(b"adm:x:4:syslog\nwheel:x:10:\n") == {4: "adm", 10: "wheel"}


def test_the_first_name_of_an_id_counts() -> None:
    assert parse_names(b"root:x:0:0::/:\ntoor:x:0:0::/:\n") == {0: "root"}


def test_forged_lines_are_left_out() -> None:
    forged = b"a:x:-1:\nb:x:\xd9\xa3:\nc:x:99999999999:\n:x:5:\n#\nd:x\n" + b"e" * 300 + b":x:6:\n"
    assert parse_names(forged) == {}


@given(st.binary())
@example(b"a:x:1")
def test_nothing_in_there_can_hurt(data: bytes) -> None:
    for number, name in parse_names(data).items():
        assert number >= 0
        assert name
        assert "\n" not in name
