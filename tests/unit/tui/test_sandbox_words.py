"""The form's fields as a command line, held to what the command itself understands."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.cli import run
from nsview.cli.parser import Parser
from nsview.tui.own_command import plain_words
from nsview.tui.sandbox_words import ROOTS, Wanted, run_words


def understood(words: list[str]) -> argparse.Namespace:
    """What ``nsview run`` makes of them."""
    parser = Parser("nsview run", description="", epilog="")
    run.add_arguments(parser)
    at = words.index("--") if "--" in words else len(words)
    return parser.parse_args(words[:at], argparse.Namespace(command=words[at + 1 :]))


def test_the_usual_one() -> None:
    wanted = Wanted(command="sleep infinity")
    assert shlex.join(run_words(wanted)) == "--host-root -d -- sleep infinity"


@pytest.mark.parametrize(
    ("root", "source", "name", "value"),
    [
        ("directory", "/srv/my root", "rootfs", "/srv/my root"),
        ("stack", "/a:/b", "lower", ["/a", "/b"]),
        ("archive", "-odd.tar", "image", "-odd.tar"),
        ("twin", "docker/web", "like", "docker/web"),
        ("host", "ignored", "host_root", True),
    ],
)
def test_each_root(root: str, source: str, name: str, value: object) -> None:
    found = understood(run_words(Wanted(root=root, source=source)))
    assert getattr(found, name) == value
    assert (found.detach, found.command) == (True, [])


def test_all_fields() -> None:
    wanted = Wanted(
        name="web", upper="/u", ending="remove", users="own", network="veth", memory="256m",
        publish="8080:80, 127.0.0.1:0:53/udp", cpus="0.5", pids="20", command="sh -c 'a  b'",
        options="--env 'A=1 2' --bind /x:/y:ro --hostname h",
    )  # fmt: skip
    found = understood(run_words(wanted))
    assert (found.name, found.upper, found.rm, found.net) == ("web", "/u", True, "veth")
    assert found.userns
    assert found.publish == ["8080:80", "127.0.0.1:0:53/udp"]
    assert (found.memory, found.cpus, found.pids) == ("256m", 0.5, 20)
    assert (found.env, found.bind, found.hostname) == (["A=1 2"], ["/x:/y:ro"], "h")
    assert found.command == ["sh", "-c", "a  b"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(command="sh -c 'a"), "command: No closing quotation"),
        (Wanted(options='"'), "options: No closing quotation"),
        (Wanted(options="--env A=1 -- sh"), "field of its own"),
        *((Wanted(root=one, source=" "), "which?") for one in ROOTS if one != "host"),
    ],
)
def test_what_is_no_command_line(wanted: Wanted, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        run_words(wanted)


@given(st.text(), st.text(), st.text())
def test_whatever_is_typed_stays_where_it_was_typed(source: str, name: str, upper: str) -> None:
    wanted = replace(Wanted(root="twin"), source=source, name=name, upper=f"/{upper}")
    if not source.strip():
        return
    words = run_words(wanted)
    found = understood(words)
    assert found.like == source.strip()
    assert found.name == (name.strip() or None)
    assert found.upper == f"/{upper}".strip()


def test_what_a_command_says_without_saying_who() -> None:
    said = "nsview: partial: no way out\nnsview: error: the port is taken\nnsview: hint: another\n"
    assert plain_words(said) == "no way out the port is taken (another)"
    assert plain_words("") == ""
