"""mountinfo: grammar, escapes, and a real table against findmnt."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.mountinfo import (
    Mount,
    Propagation,
    parse_mountinfo,
    split_options,
    unescape,
)

LINE = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"


def one(line: bytes) -> Mount:
    (mount,) = parse_mountinfo(line)
    return mount


def test_the_example_of_the_man_page() -> None:
    mount = one(LINE)
    assert mount == Mount(
        id=36,
        parent=35,
        major=98,
        minor=0,
        root="/mnt1",
        target="/mnt2",
        fstype="ext3",
        source="/dev/root",
        options=("rw", "noatime"),
        super_options=("rw", "errors=continue"),
        propagation=Propagation(master=1),
    )
    assert mount.device == "98:0"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (b"", Propagation()),
        (b"shared:7 ", Propagation(shared=7)),
        (b"shared:7 master:3 ", Propagation(shared=7, master=3)),
        (b"master:3 propagate_from:2 ", Propagation(master=3, propagate_from=2)),
        (b"unbindable ", Propagation(unbindable=True)),
        (b"new_tag:9 shared:1 other ", Propagation(shared=1)),
        (b"shared:x master:4 ", Propagation(master=4)),
    ],
)
def test_tags(tags: bytes, expected: Propagation) -> None:
    assert one(b"1 0 0:1 / / rw " + tags + b"- tmpfs none rw").propagation == expected


def test_empty_source_is_two_spaces() -> None:
    mount = one(b"1 0 0:30 / /m rw - overlay  ro,lowerdir=/a:/b")
    assert mount.source == ""
    assert mount.super_options == ("ro", "lowerdir=/a:/b")


def test_dash_as_source_or_target_does_not_move_the_separator() -> None:
    mount = one(b"1 0 0:30 - - rw shared:1 - - - rw")
    assert (mount.root, mount.target, mount.fstype, mount.source) == ("-", "-", "-", "-")
    assert mount.propagation.shared == 1


def test_only_newline_and_space_divide() -> None:
    mount = one(b"1 0 0:1 / /a\rb\vc\fd\xc2\x85e\xff rw - tmpfs t\x1cx rw\n")
    assert mount.target == os.fsdecode(b"/a\rb\vc\fd\xc2\x85e\xff")
    assert mount.source == "t\x1cx"


def test_escapes_of_paths_and_source() -> None:
    mount = one(rb"1 0 0:1 /r\134040 /T/m\040x#y\012 rw - tmpfs my\040src\043x rw")
    assert mount.root == r"/r\040"
    assert mount.target == "/T/m x#y\n"
    assert mount.source == "my src#x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\040", " "),
        (r"\400", r"\400"),
        (r"\9", r"\9"),
        (r"\04", r"\04"),
        (r"\134040", r"\040"),
        ("\\303\\251", "é"),
        ("a\udcff\\011", "a\udcff\t"),
    ],
)
def test_unescape(text: str, expected: str) -> None:
    assert unescape(text) == expected


def test_subtype() -> None:
    mount = one(b"1 0 0:1 / /m rw - fuse.sshfs host:/x rw")
    assert (mount.fstype, mount.subtype) == ("fuse", "sshfs")


def test_old_cifs_spaces_belong_to_the_options() -> None:
    mount = one(rb"1 0 0:1 / /m rw - cifs //foo rw,unc=\\foo\BLA BLA BLA,user=x")
    assert mount.super_options == ("rw", r"unc=\\foo\BLA BLA BLA", "user=x")


def test_quoted_label_keeps_its_comma() -> None:
    options = split_options('rw,context="system_u:object_r:c_t:s0:c1,c2",lowerdir=/a')
    assert options == ("rw", 'context="system_u:object_r:c_t:s0:c1,c2"', "lowerdir=/a")


def test_quote_in_a_path_hides_no_option() -> None:
    options = split_options('rw,lowerdir="/a,upperdir=/b",x_context="a,b"')
    assert options == ("rw", 'lowerdir="/a', 'upperdir=/b"', 'x_context="a', 'b"')


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"x 35 98:0 / / rw - ext3 s rw",
        b"1_0 35 98:0 / / rw - ext3 s rw",
        b"36 35 98 / / rw - ext3 s rw",
        b"36 35 98:0 / / rw ext3 s rw",
        b"36 35 98:0 / / rw - ext3",
        b"9" * 5000 + b" 35 98:0 / / rw - ext3 s rw",
    ],
)
def test_malformed_line_is_skipped(line: bytes) -> None:
    assert parse_mountinfo(line + b"\n" + LINE) == parse_mountinfo(LINE)


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    parse_mountinfo(data)
    parse_mountinfo(LINE.replace(b"master:1", data))
    split_options(os.fsdecode(data))


def escape(name: bytes) -> bytes:
    return b"".join(b"\\%03o" % byte if byte in b" \t\n\\#" else bytes([byte]) for byte in name)


names = st.binary(min_size=1).filter(lambda name: b"\0" not in name)


@given(root=names, target=names, source=names)
def test_round_trip(root: bytes, target: bytes, source: bytes) -> None:
    fields = [escape(root), escape(target), b"rw shared:2 - tmpfs", escape(source)]
    mount = one(b"1 2 3:4 " + b" ".join(fields) + b" rw\n")
    assert [os.fsencode(text) for text in (mount.root, mount.target, mount.source)] == [
        root,
        target,
        source,
    ]
