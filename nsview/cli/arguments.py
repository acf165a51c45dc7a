"""What the words of a command line say, without argparse where they leave no doubt.

argparse, with the regular expressions and translations that it imports, takes as long as nsview
itself to load. Commands declare their options to whoever has its ``add_argument``: to a `Reader`
first, and to argparse when the reader is in doubt. Help, mistakes and rare forms are argparse's.
"""

from __future__ import annotations

import sys

from nsview.cli.exit_codes import USAGE
from nsview.cli.output import print_error
from nsview.errors import NsviewError
from nsview.typed import TYPE_CHECKING, Callable, Final, Self, Sequence

if TYPE_CHECKING:
    from typing import Any, NoReturn

SWITCH: Final = "switch"
"""An action: ``--tty`` and ``--no-tty``."""
_FLAGS: Final = frozenset({SWITCH, "store_true"})
_ACTIONS: Final = frozenset({*_FLAGS, "store", "append"})
#: nargs -> how few and how many positional words.
_COUNTS: Final = {None: (1, 1), "?": (0, 1), "*": (0, sys.maxsize), "+": (1, sys.maxsize)}


class Doubt(Exception):  # noqa: N818 - no error yet: argparse will say
    """argparse is to decide."""


class Arguments:
    """What was asked for: an attribute for each option."""

    def __init__(self, **values: object) -> None:
        self.__dict__.update(values)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def bad_value(words: str) -> Exception:
    """For a ``type`` to raise: what is wrong with the value, in words that argparse passes on."""
    from argparse import ArgumentTypeError

    return ArgumentTypeError(words)


def end_with_usage_error(prog: str, message: str) -> NoReturn:
    """Errors as everywhere else: one line, safe to look at, and a hint."""
    print_error(NsviewError(message, hint=f"{prog} --help"))
    raise SystemExit(USAGE)


class _Option:
    """One declaration, in argparse's words."""

    def __init__(
        self,
        *names: str,
        action: str = "store",
        nargs: str | None = None,
        type: Callable[[str], object] | None = None,
        default: object = None,
        choices: Sequence[str] | None = None,
        required: bool = False,
        dest: str | None = None,
        group: object = None,
        metavar: str | None = None,
        help: str | None = None,
    ) -> None:
        self.names = names
        self.positional = not names[0].startswith("-")
        long = next((name for name in names if name.startswith("--")), names[0])
        self.attribute = dest or long.lstrip("-").replace("-", "_")
        self.action = action
        self.counts = _COUNTS[nargs]
        self.type = type
        self.default = False if action == "store_true" else default
        self.choices = choices
        self.required = required
        self.group = group
        if action not in _ACTIONS or (nargs is not None and not self.positional):
            raise Doubt

    def value(self, word: str) -> object:
        """What `word` stands for."""
        try:
            value = word if self.type is None else self.type(word)
        except Exception as error:  # argparse meets it again, and reports it
            raise Doubt from error
        if self.choices is not None and value not in self.choices:
            raise Doubt
        return value


class _Group:
    """Options of which one is given at most, or exactly."""

    def __init__(self, reader: Reader, required: bool) -> None:
        self._reader = reader
        self.required = required

    def add_argument(self, *names: str, **words: Any) -> None:
        """Declare one of them."""
        self._reader.add_argument(*names, **words, group=self)


class Reader:
    """Takes declarations as an `argparse.ArgumentParser` does, and reads words by them."""

    def __init__(self, prog: str) -> None:
        self.prog = prog
        self.usage: str | None = None
        self._options: list[_Option] = []
        self._groups: list[_Group] = []
        self._defaults: dict[str, object] = {}

    def add_argument(self, *names: str, **words: Any) -> None:
        """Declare an option, or a positional word."""
        self._options.append(_Option(*names, **words))

    def add_argument_group(self, _title: str) -> Self:
        """Titles are for help texts."""
        return self

    def add_mutually_exclusive_group(self, *, required: bool = False) -> _Group:
        """Declare a choice between options."""
        self._groups.append(_Group(self, required))
        return self._groups[-1]

    def set_defaults(self, **values: object) -> None:
        """Set attributes that no word sets."""
        self._defaults |= values

    def error(self, message: str) -> NoReturn:
        """For commands that find a mistake of their own."""
        end_with_usage_error(self.prog, message)

    def read(self, words: Sequence[str], **values: object) -> Arguments:
        """What they say, beside `values`; raises `Doubt`."""
        given, places = self._read_options(words)
        self._read_positionals(given, places)
        for group in self._groups:
            count = sum(option.group is group for option in given)
            if count > 1 or (group.required and not count):
                raise Doubt
        arguments = Arguments(**self._defaults, **values)
        for option in self._options:
            if option.required and option not in given:
                raise Doubt
            setattr(arguments, option.attribute, given.get(option, option.default))
        return arguments

    def _read_options(self, words: Sequence[str]) -> tuple[dict[_Option, Any], list[str]]:
        """What options say, and the words that belong to none, which must stand together."""
        by_name = {name: option for option in self._options for name in option.names}
        by_name |= {
            f"--no-{name[2:]}": option
            for name, option in by_name.items()
            if option.action == SWITCH and name.startswith("--")
        }
        given: dict[_Option, Any] = {}
        places: list[int] = []
        at = 0
        while at < len(words):
            word = words[at]
            at += 1
            if word == "-" or not word.startswith("-"):
                places.append(at)
                continue
            name, equals, value = word.partition("=")
            if name not in by_name:
                raise Doubt
            option = by_name[name]
            if equals and (option.action in _FLAGS or not name.startswith("--")):
                raise Doubt
            if option.action in _FLAGS:
                given[option] = name in option.names
                continue
            if not equals:
                value = words[at] if at < len(words) else "-"
                at += 1
            if value.startswith("-"):
                raise Doubt
            if option.action == "append":
                given[option] = [*given.get(option, option.default or ()), option.value(value)]
            else:
                given[option] = option.value(value)
        if places and places[-1] - places[0] >= len(places):
            raise Doubt
        return given, [words[place - 1] for place in places]

    def _read_positionals(self, given: dict[_Option, Any], words: list[str]) -> None:
        """Give each its words: the first ones what they need, and the last one the rest."""
        wanted = [option for option in self._options if option.positional]
        if any(option.counts != (1, 1) for option in wanted[:-1]):
            raise Doubt
        for option in wanted:
            few, many = option.counts
            mine = words if option is wanted[-1] else words[:1]
            if not few <= len(mine) <= many:
                raise Doubt
            words = words[len(mine) :]
            if many > 1:
                given[option] = [option.value(word) for word in mine]
            elif mine:
                given[option] = option.value(mine[0])
        if words:
            raise Doubt
