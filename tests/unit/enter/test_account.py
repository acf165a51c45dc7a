from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.enter.account import (
    Account,
    NoSuchAccount,
    account_of,
    parse_accounts,
    resolve_user,
)

PASSWD = b"""\
root:x:0:0:root:/root:/bin/ash
toor:x:0:9::/:/bin/false
web:x:33:34:www,,,:/var/www:/usr/sbin/nologin
123:x:124:1::/home/123:/bin/sh
broken:x:-1:0::/:/bin/sh
minus:x:4294967295:0::/:/bin/sh
short:x:1
"""
GROUP = b"root:x:0:\nweb:x:34:\nlog:x:4:syslog,web\nbad:x:y:web\nsecret:x:77:web,root\n"


@pytest.mark.parametrize(
    ("words", "uid", "gid", "groups"),
    [
        ("root", 0, 0, (0, 77)),
        ("web", 33, 34, (34, 4, 77)),
        ("web:log", 33, 4, (4,)),
        ("web:9", 33, 9, (9,)),
        ("33", 33, 34, (34, 4, 77)),
        ("33:33", 33, 33, (33,)),
        ("5000", 5000, 0, (0,)),
        ("5000:6000", 5000, 6000, (6000,)),
        ("123", 124, 1, (1,)),  # a name goes before a number
        ("toor", 0, 9, (9,)),
    ],
)
def test_as_docker_exec_resolves_them(
    words: str, uid: int, gid: int, groups: tuple[int, ...]
) -> None:
    one = resolve_user(words, PASSWD, GROUP)
    assert (one.uid, one.gid, one.groups) == (uid, gid, groups)


@pytest.mark.parametrize("words", ["nobody", "-1", "4294967295", "99999999999", "", "broken",
                                   "minus", "short", "web:nosuch", "web:-1", "web:"])  # fmt: skip
def test_who_is_not_there(words: str) -> None:
    with pytest.raises(NoSuchAccount):
        resolve_user(words, PASSWD, GROUP)


def test_root_needs_no_passwd() -> None:
    assert resolve_user("root", b"", b"") == Account(uid=0, gid=0, groups=(0,))


def test_the_first_account_of_a_uid_counts() -> None:
    found = account_of(0, PASSWD)
    assert found is not None
    assert (found.name, found.shell, found.home) == ("root", "/bin/ash", "/root")


@given(st.binary(), st.binary(), st.text(max_size=12))
def test_any_bytes(passwd: bytes, group: bytes, words: str) -> None:
    list(parse_accounts(passwd))
    try:
        one = resolve_user(words, passwd, group)
    except NoSuchAccount:
        return
    assert 0 <= one.uid < 0xFFFFFFFF
    assert 0 <= one.gid < 0xFFFFFFFF
