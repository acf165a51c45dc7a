"""Overlay options: the texts are what Linux 6.18 printed for what was typed, unless noted."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.kernel.mountinfo import parse_mountinfo, split_options
from nsview.kernel.overlayfs import OverlayOptions, parse_overlay_options


def parse(text: str) -> OverlayOptions:
    return parse_overlay_options(split_options(text))


@pytest.mark.parametrize(
    ("shown", "lower"),
    [
        (r"lowerdir=/T/a\134:b:/T/l2", ("/T/a:b", "/T/l2")),
        (r"lowerdir=/T/a\134\054b:/T/l2", ("/T/a,b", "/T/l2")),
        (r"lowerdir=/T/a\134\134b:/T/l2", (r"/T/a\b", "/T/l2")),
        (r"lowerdir=/T/a\134\134:b", ("/T/a\\", "b")),
        (
            r"lowerdir=/T/a\040b:/T/a\012b:/T/a\011b:/T/a#b:/T/é",
            ("/T/a b", "/T/a\nb", "/T/a\tb", "/T/a#b", "/T/é"),
        ),
        ("lowerdir=l1:l2", ("l1", "l2")),
        ("lowerdir=/T/../T/l1:/T//l2/", ("/T/../T/l1", "/T//l2/")),
        ("lowerdir=3:4", ("3", "4")),
        ("lowerdir=/", ("/",)),
        (r"lowerdir=/T/a\072b:/T/c", ("/T/a:b", "/T/c")),  # Linux 6.5
        (r"lowerdir=/T/trailing\134", ("/T/trailing",)),
        ("rw", ()),
        ("lowerdir=/a,lowerdir=/b", ("/b",)),
    ],
)
def test_lowerdir(shown: str, lower: tuple[str, ...]) -> None:
    options = parse(shown)
    assert options.lower == lower
    assert options.data_only == ()


def test_data_only_layers() -> None:
    options = parse("rw,lowerdir=/T/l1::/T/d1::/T/d2,redirect_dir=on")
    assert options.lower == ("/T/l1",)
    assert options.data_only == ("/T/d1", "/T/d2")
    assert options.redirect_dir == "on"
    assert parse(r"lowerdir=/T/l\0401:/T/l2::/T/d1").data_only == ("/T/d1",)


def test_one_option_a_layer() -> None:
    options = parse(
        r"ro,lowerdir+=/T/a:b,lowerdir+=/T/a\054b,lowerdir+=/T/a\134b,lowerdir+=/T/a\040b"
        r",lowerdir+=/T/a::b,lowerdir+=/T/a\072b,datadir+=/T/d:1,metacopy=on"
    )
    assert options.lower == ("/T/a:b", "/T/a,b", r"/T/a\b", "/T/a b", "/T/a::b", "/T/a:b")
    assert options.data_only == ("/T/d:1",)
    assert options.metacopy == "on"
    assert options.upper is None


@pytest.mark.parametrize(
    ("shown", "upper", "as_shown"),
    [
        ("upperdir=/T/u:1", "/T/u:1", "/T/u:1"),
        (r"upperdir=/T/u\134:1", "/T/u:1", r"/T/u\:1"),
        (r"upperdir=/T/u\134\0542", "/T/u,2", r"/T/u\,2"),
        (r"upperdir=/T/u\0542", "/T/u,2", "/T/u,2"),
        (r"upperdir=/T/u\1343", "/T/u3", r"/T/u\3"),  # by descriptor: the name is the second
        (r"upperdir=/T/u\134\1342", r"/T/u\2", r"/T/u\\2"),
        (r"upperdir=/T/u\134\012", "/T/u\n", "/T/u\\\n"),
    ],
)
def test_upper(shown: str, upper: str, as_shown: str) -> None:
    options = parse(shown)
    assert (options.upper, options.upper_as_shown) == (upper, as_shown)


def test_switches() -> None:
    options = parse(
        "rw,lowerdir=/a,upperdir=/u,workdir=/w,redirect_dir=nofollow,uuid=on,userxattr,new_flag"
    )
    assert options.userxattr
    assert options.redirect_dir == "nofollow"
    assert options.metacopy is None


def test_a_label_with_a_comma_before_the_layers() -> None:
    (mount,) = parse_mountinfo(
        b'1 0 0:39 / / rw - overlay overlay rw,context="u:r:t:s0:c1,c2",lowerdir=l/A:l/B,'
        b"upperdir=x/diff,workdir=x/work"
    )
    options = parse_overlay_options(mount.super_options)
    assert options.lower == ("l/A", "l/B")
    assert options.upper == "x/diff"


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    text = os.fsdecode(data)
    parse(text)
    parse(f"lowerdir={text},upperdir={text}")


def shown(text: bytes) -> str:
    """Print an option value as seq_show_option() does."""
    pieces = (b"\\%03o" % byte if byte in b", \t\n\\" else bytes([byte]) for byte in text)
    return os.fsdecode(b"".join(pieces))


names = st.binary(min_size=1).filter(lambda name: b"\0" not in name)


@given(st.lists(names, min_size=1), st.lists(names))
def test_round_trip_of_the_typed_string(lower: list[bytes], data: list[bytes]) -> None:
    def typed(name: bytes) -> bytes:
        return name.replace(b"\\", b"\\\\").replace(b":", b"\\:")

    text = b":".join(map(typed, lower)) + b"".join(b"::" + typed(name) for name in data)
    options = parse(f"rw,lowerdir={shown(text)},upperdir={shown(typed(lower[0]))}")
    assert options.lower == tuple(map(os.fsdecode, lower))
    assert options.data_only == tuple(map(os.fsdecode, data))
    assert options.upper == os.fsdecode(lower[0])


@given(st.lists(names, min_size=1))
def test_round_trip_of_one_option_a_layer(lower: list[bytes]) -> None:
    options = parse(",".join(f"lowerdir+={shown(name)}" for name in lower))
    assert options.lower == tuple(map(os.fsdecode, lower))
