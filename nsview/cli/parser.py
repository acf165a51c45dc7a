"""argparse, for help texts and whatever else `nsview.cli.arguments` leaves to it."""

from __future__ import annotations

import argparse
import itertools
import os
import re

from nsview.cli.arguments import SWITCH, end_with_usage_error
from nsview.typed import NoReturn

#: Of a help text that goes to no terminal.
_COLUMNS = 80


class Parser(argparse.ArgumentParser):
    """With our own errors, and nothing abbreviated: a script's --js would break by a new --jsx."""

    def __init__(self, prog: str, *, description: str, epilog: str, usage: str | None = None):
        super().__init__(
            prog=prog,
            usage=usage,
            description=description,
            epilog=epilog,
            formatter_class=_Help,
            allow_abbrev=False,
        )
        self.register("action", SWITCH, argparse.BooleanOptionalAction)

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]  # typeshed has overloads
        """Refuse ``--option=--``: argparse would drop the value and give an empty list."""
        for word in itertools.takewhile(lambda word: word != "--", args or ()):
            if word.startswith("--") and word.endswith("=--"):
                self.error(f"argument {word[:-3]}: -- is no value")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """One line and a hint, and the end."""
        end_with_usage_error(self.prog, message)


class _Help(argparse.RawDescriptionHelpFormatter):
    # argparse makes one for every option that is declared, and would import shutil for the width.
    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = super()._fill_text(text, width, indent).split("\n\n")
        return "\n\n".join(fit(one, width) for one in paragraphs)


def fit(paragraph: str, width: int) -> str:
    """Sentences are filled anew where they are too wide; examples get what they do below them."""
    lines = paragraph.splitlines()
    if all(len(line) <= width for line in lines):
        return paragraph
    if "  " not in paragraph:
        import textwrap

        return textwrap.fill(paragraph, width, break_long_words=False, break_on_hyphens=False)
    apart = (re.sub(r"(?<=\S) {2,}", "\n      ", line, count=1) for line in lines)
    return "\n".join(apart)


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns or _COLUMNS
    except (ValueError, OSError):
        return _COLUMNS
