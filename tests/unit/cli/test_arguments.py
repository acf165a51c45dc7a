"""The quick reader of arguments says what argparse says, or leaves it to argparse."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsview.cli import main
from nsview.cli.arguments import SWITCH, Arguments, Doubt, Reader
from nsview.cli.main import COMMANDS
from nsview.cli.parser import Parser


def _parsers(name: str) -> tuple[Reader, Parser]:
    command: Any = import_module(f"nsview.cli.{name}")
    reader, parser = Reader(f"nsview {name}"), Parser(f"nsview {name}", description="", epilog="")
    for one in (reader, parser):
        main._declare(name, command, one)
    return reader, parser


def _option_names(parser: Parser) -> list[str]:
    return [name for action in parser._actions for name in action.option_strings]


def _values(arguments: Arguments) -> dict[str, object]:
    return {key: value for key, value in vars(arguments).items() if key != "usage_error"}


_WORDS = ("web", "docker/web", "4711", "12", "0.5", "-", "--", "", "-5", "net,pid", "none",
          "procfs", "A=b", "mnt", "/etc", "podman")  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
@settings(max_examples=100)
@given(data=st.data())
def test_the_reader_and_argparse_agree(name: str, data: st.DataObject) -> None:
    reader, parser = _parsers(name)
    options = st.sampled_from(_option_names(parser))
    values = st.sampled_from(_WORDS)
    joined = st.builds("{}={}".format, options, values)
    words = data.draw(st.lists(st.one_of(options, values, joined), max_size=6))
    try:
        mine = reader.read(words)
    except Doubt:
        return
    theirs = parser.parse_args(words, Arguments())  # an error would be SystemExit
    assert _values(mine) == _values(theirs)


@pytest.mark.parametrize(
    "line",
    [
        "ls", "ls --json", "ls --all", "ps web", "ps --json web", "ns", "ns --json -t net",
        "enter web", "enter web --ns net,pid -t --no-interactive -u 0 -e A=b -e C=d",
        "run --rm --rootfs /r --net none --memory 64m --cpus 0.5 --no-init --cap-add all",
        "run --lower a --lower b --upper c -d", "layers web", "layers --dirs a:b", "diff web",
        "files web /etc", "cat web:/etc/passwd", "commit web -o x.tar", "rm a b c", "stop -t 1 web",
        "pid 1", "top --count 1 --census=procfs", "gc", "demo", "doctor --json", "mounts 1",
    ],
)  # fmt: skip
def test_usual_lines_take_no_argparse(line: str) -> None:
    name, *words = line.split()
    reader, parser = _parsers(name)
    assert _values(reader.read(words)) == _values(parser.parse_args(words, Arguments()))


@pytest.mark.parametrize(
    "line",
    [
        "ls --help", "ls -h", "ls --jso", "ls web extra", "enter", "run --rootfs", "stop -t x web",
        "run --rootfs a --image b", "run", "commit web", "rm", "ls --census magic", "ls --json=1",
        "enter web -eA=b", "enter a -t b",
    ],
)  # fmt: skip
def test_mistakes_and_rare_forms_are_left_to_argparse(line: str) -> None:
    name, *words = line.split()
    with pytest.raises(Doubt):
        _parsers(name)[0].read(words)


def test_a_declaration_that_the_reader_does_not_know_is_left_to_argparse() -> None:
    reader = Reader("x")
    with pytest.raises(Doubt):
        reader.add_argument("-v", action="count")
    with pytest.raises(TypeError):
        reader.add_argument("--old", metawar="NEW")
    reader.add_argument("--tty", action=SWITCH, default=True)
    assert reader.read(["--no-tty"]).tty is False
    assert reader.read([]).tty is True
