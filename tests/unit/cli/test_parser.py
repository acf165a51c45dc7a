"""Help texts in terminals that are not as wide as they were written."""

from __future__ import annotations

from importlib import import_module

import pytest

from nsview.cli.main import COMMANDS, read_arguments
from nsview.cli.parser import fit

_WIDE = """\
Sentences are written for a hundred columns, and go on and on, to the very end of them all,
and on."""
_EXAMPLES = """\
  nsview run --rootfs R       a shell in it
  nsview run --image FILE     what docker has saved"""


def test_what_fits_stays_as_it_was_written() -> None:
    assert fit(_WIDE, 100) == _WIDE
    assert fit(_EXAMPLES, 80) == _EXAMPLES


def test_sentences_are_filled_anew() -> None:
    assert fit(_WIDE, 60).splitlines() == [
        "Sentences are written for a hundred columns, and go on and",
        "on, to the very end of them all, and on.",
    ]


def test_examples_get_their_words_below_them() -> None:
    assert fit(_EXAMPLES, 40).splitlines() == [
        "  nsview run --rootfs R",
        "      a shell in it",
        "  nsview run --image FILE",
        "      what docker has saved",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_into_eighty_columns(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        read_arguments(name, import_module(f"nsview.cli.{name}"), ["--help"], [])
    wide = [line for line in capsys.readouterr().out.splitlines() if len(line) > 80]
    assert [line for line in wide if "|" not in line] == []  # a pipe line is there to be copied


def test_a_value_that_argparse_would_drop(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["web", "-o", "x", "--tag=--"]
    with pytest.raises(SystemExit) as raised:
        read_arguments("commit", import_module("nsview.cli.commit"), words, [])
    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith("nsview: error: argument --tag: -- is no value\n")
