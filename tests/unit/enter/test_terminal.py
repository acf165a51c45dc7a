from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nsview.enter.relay import Person
from nsview.enter.terminal import Modes


def reset_after(*chunks: bytes) -> bytes:
    modes = Modes()
    for chunk in chunks:
        modes.feed(chunk)
    return modes.reset()


def test_plain_output_needs_no_reset() -> None:
    assert reset_after(b"hello\r\n", b"\xff") == b""


def test_what_was_switched_on_is_switched_off() -> None:
    end = reset_after(b"\x1b[?1049h\x1b[?1000;1006h\x1b[?25l")
    for undone in (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?1006l", b"\x1b[?25h"):
        assert undone in end


def test_what_was_switched_off_again_is_left() -> None:
    end = reset_after(b"\x1b[?1049h", b"text", b"\x1b[?1049l\x1b[?25l\x1b[?25h")
    assert b"1049" not in end
    assert b"?25" not in end


def test_keyboard_modes_are_popped() -> None:
    assert b"\x1b[<2u" in reset_after(b"\x1b[>1u\x1b[>5u\x1b[>1u\x1b[<u")


@given(st.lists(st.integers(1, 39), max_size=5))
def test_sequences_may_be_cut_anywhere(cuts: list[int]) -> None:
    data = b"ab\x1b[?1049hcd\x1b[?2004h\x1b[>1uef\x1b[?2004lgh"
    places = [0, *sorted({cut for cut in cuts if cut < len(data)}), len(data)]
    chunks = [data[a:b] for a, b in pairwise(places)]
    assert reset_after(*chunks) == reset_after(data)


@given(st.lists(st.binary()))
def test_any_bytes(chunks: list[bytes]) -> None:
    reset_after(*chunks)


def test_detach() -> None:
    def seen(*chunks: bytes) -> bool:
        person = Person()
        for chunk in chunks:
            person.look(chunk)
        return person.detached

    assert seen(b"\x1d\x1d\x1d")
    assert seen(b"a\x1d", b"\x1d", b"\x1db")
    assert not seen(b"\x1d\x1d", b"a\x1d")
    assert seen(b"\x1d\x1d\x1dabc")
