"""Accounts of the host."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.engines.base import User
from nsview.host.users import parse_passwd, read_users, user_name

DEBIAN = b"""\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash
"""

_FIELD = st.text(st.characters(exclude_characters=":\n", codec="utf-8"))


def test_passwd() -> None:
    users = parse_passwd(DEBIAN)
    assert users[0] == User(uid=0, name="root", home="/root")
    assert users[3] == User(uid=1000, name="alice", home="/home/alice")
    assert len(users) == 4


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"# a comment",
        b"+::::::",  # NIS: everybody else
        b"short:x:1:1::/home",
        b"long:x:1:1::/home:/bin/sh:more",
        b"x:x:one:1::/home:/bin/sh",
        b"x:x:-1:1::/home:/bin/sh",
        "x:x:\N{SUPERSCRIPT TWO}:1::/home:/bin/sh".encode(),
        b"x:x:" + b"9" * 5000 + b":1::/home:/bin/sh",  # more than int() takes
    ],
)
def test_malformed_lines_are_left_out(line: bytes) -> None:
    assert parse_passwd(line + b"\n" + DEBIAN) == parse_passwd(DEBIAN)


@given(st.binary())
def test_anything_is_some_accounts(data: bytes) -> None:
    assert isinstance(parse_passwd(data), tuple)


@given(st.lists(st.tuples(_FIELD, st.integers(0, 2**32 - 1), _FIELD)))
def test_what_is_written_comes_back(rows: list[tuple[str, int, str]]) -> None:
    data = "".join(f"{name}:x:{uid}:0::{home}:/bin/sh\n" for name, uid, home in rows)
    expected = [User(uid=uid, name=name, home=home) for name, uid, home in rows]
    assert list(parse_passwd(data.encode())) == expected


def test_bytes_that_are_no_text_are_kept() -> None:
    (user,) = parse_passwd(b"m\xfcller:x:1:1::/home/m\xfcller:/bin/sh")
    assert os.fsencode(user.name) == b"m\xfcller"
    assert os.fsencode(user.home) == b"/home/m\xfcller"


def test_the_file(tmp_path: Path) -> None:
    passwd = tmp_path / "passwd"
    passwd.write_bytes(DEBIAN)
    assert read_users(str(passwd)) == parse_passwd(DEBIAN)
    assert read_users(str(tmp_path / "none")) == ()
    assert read_users(str(tmp_path)) == ()


def test_names_are_those_of_the_c_library() -> None:
    user_name.cache_clear()  # other tests have had accounts that are gone
    uids = [entry.pw_uid for entry in pwd.getpwall()]
    assert [user_name(uid) for uid in uids] == [pwd.getpwuid(uid).pw_name for uid in uids]


@pytest.mark.parametrize("uid", [3_999_999_999, 2**32 - 1, 2**40, -2])
def test_a_uid_without_an_account_has_no_name(uid: int) -> None:
    assert user_name(uid) is None
