"""What really reaches a terminal, and what happens when it goes away."""

from __future__ import annotations

import os
import re

import pytest
from tui.terminal import Terminal, on_terminal

#: What Textual itself sends: the shape of the mouse pointer.
_TEXTUALS_OWN = re.compile(rb"\x1b\]22;[a-z-]*\x07")
#: C1 controls in UTF-8; BEL; "set title"; undecodable bytes; direction overrides.
_OBEYED = re.compile(rb"\xc2[\x80-\x9f]|\x07|\x1b\]0;|\xed[\xb0-\xbf]|\xe2\x80[\xaa-\xae]")


def assert_nothing_is_obeyed(terminal: Terminal) -> None:
    received = _TEXTUALS_OWN.sub(b"", terminal.received)
    found = _OBEYED.search(received)
    assert found is None, received[max(0, found.start() - 60) : found.end() + 60]


@pytest.mark.parametrize("theme", ["textual-dark", "ansi-dark"])
def test_hostile_names_are_shown_and_not_obeyed(theme: str) -> None:
    with on_terminal("tui.fake", theme, size=(160, 40)) as terminal:
        terminal.until(lambda seen: b"R [/red]\\x1b]0;" in seen)
        terminal.until(lambda seen: b"[@click=app.quit]x[/] \\x9b2J" in seen)
        for keys, shown in (
            (b"\x17" + b"\x1b[C" * 60, b"COMMAND"),  # Ctrl-W: images, cgroups and commands too
            (b"\x1b[D" * 60, b"ENGINE"),
            (b"t", b"by flat"),
            (b"/R .*red\r", b"filter: R .*red"),
            (b"y", b"\\u001b]0;"),
        ):
            before = len(terminal.received)
            terminal.type(keys)
            terminal.until(lambda seen, at=before, text=shown: text in seen[at:])
            if keys.endswith(b"\r"):  # the hints are back: keys go to the table again
                terminal.until(lambda seen, at=before: b"stopped" in seen[at:].rpartition(b"/")[2])
        assert_nothing_is_obeyed(terminal)
        terminal.type(b"\x03")
        assert os.waitstatus_to_exitcode(terminal.wait()) == 0


@pytest.mark.parametrize("ignore_hangup", [False, True])
def test_program_ends_with_its_terminal(ignore_hangup: bool) -> None:
    with on_terminal("tui.fake", ignore_hangup=ignore_hangup) as terminal:
        terminal.until(lambda seen: b"web-1" in seen)
        os.close(terminal.fd)
        terminal.fd = -1
        terminal.wait()


def test_keys_that_are_no_text_do_no_harm() -> None:
    with on_terminal("tui.fake") as terminal:
        terminal.until(lambda seen: b"web-1" in seen)
        terminal.type(b"\xe9\x1b[200~\xff\xfe\x1b[201~/web-1\r")
        terminal.until(lambda seen: b"filter: web-1" in seen)
        terminal.type(b"\x03")
        assert os.waitstatus_to_exitcode(terminal.wait()) == 0


def test_keys_in_one_read_go_to_the_page_that_the_first_of_them_open() -> None:
    with on_terminal("tui.fake") as terminal:
        terminal.until(lambda seen: b"web-1" in seen)
        terminal.type(b":ps\r/web-1\r")
        terminal.until(lambda seen: b"All processes" in seen and b"/web-1" in seen)
        terminal.type(b"\x03")
        assert os.waitstatus_to_exitcode(terminal.wait()) == 0
