"""The form's fields as a command line, held to what the command itself understands."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsview.cli import commit
from nsview.cli.parser import Parser
from nsview.tui.commit_words import FORMATS, Wanted, commit_words, usual_output


def understood(words: list[str]) -> argparse.Namespace:
    """What ``nsview commit`` makes of them."""
    parser = Parser("nsview commit", description="", epilog="")
    commit.add_arguments(parser)
    assert words[0] == "commit"
    return parser.parse_args(words[1:])


def test_the_usual_one() -> None:
    words = commit_words("docker/web", Wanted(output="./web.tar"))
    assert words == ["commit", "docker/web", "-o", "./web.tar"]


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format(kind: str) -> None:
    found = understood(commit_words("docker/web", Wanted(output="x", format=kind)))
    assert (found.ref, found.output, found.format) == ("docker/web", "x", kind)


#: The one that the command line has no place for.
_TAGS = st.text().filter(lambda tag: tag.strip() != "--")


@given(st.text(), _TAGS)
def test_whatever_is_typed_stays_where_it_was_typed(output: str, tag: str) -> None:
    wanted = Wanted(output=f"/{output}", tag=tag)
    found = understood(commit_words("docker/web", wanted))
    assert found.output == wanted.output.strip()
    assert found.tag == (tag.strip() or None)
    found = understood(commit_words("docker/web", Wanted(output="-odd", tag="-x")))
    assert (found.output, found.tag) == ("-odd", "-x")


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(output=" "), "which file"),
        (Wanted(output="-"), "which file"),
        (Wanted(output="x", tag="web", format="layer"), "no name"),
    ],
)
def test_what_is_no_command_line(wanted: Wanted, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        commit_words("docker/web", wanted)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("web-1", "./web-1.tar"),
        ("shop/web 1\x1b[0m", "./shop-web-1--0m.tar"),
        ("../../etc", "./etc.tar"),
        ("…", "./container.tar"),
    ],
)
def test_a_name_becomes_that_of_a_file(name: str, output: str) -> None:
    assert usual_output(name) == output
