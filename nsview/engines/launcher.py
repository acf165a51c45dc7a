"""Programs that start a container themselves, without a cgroup that tells.

A launcher is known by its name and its command line. Both are whatever the process wrote there last
(prctl(2), setproctitle(3)), so they name things, and never decide what is a container.
"""

from __future__ import annotations

from nsview.named_tuple import NamedTuple
from nsview.typed import Mapping

_WORDS_LIMIT = 4096
_NAME_LIMIT = 255


class Launcher(NamedTuple):
    """A process that may have started a container."""

    pid: int
    comm: str
    """At most 15 bytes, TASK_COMM_LEN."""
    command: tuple[str, ...]
    """Empty for kernel threads and zombies."""


class Options(NamedTuple):
    """A command line taken apart."""

    values: Mapping[str, str]
    """Option -> its first value, empty for a mere flag; the last of several counts."""
    rest: tuple[str, ...]
    """From the first word that is no option."""


def runs(launcher: Launcher, *programs: str) -> bool:
    """Whether the process executes one of `programs`, by its comm or by its own account."""
    return launcher.comm in programs or base_name(_first_word(launcher)) in programs


def program_name(launcher: Launcher) -> str | None:
    """What people would call the running program: the last component of its command's path.

    A program that wrote a title over its command line (``nginx: master process``) has its comm.
    """
    name = base_name(_first_word(launcher).removeprefix("-"))  # login shells begin with a dash
    return name if name and " " not in name else base_name(launcher.comm)


def _first_word(launcher: Launcher) -> str:
    return launcher.command[0] if launcher.command else ""


def base_name(path: str) -> str | None:
    """The last component of a path, of a bearable length; None where nothing is left."""
    name = path.rstrip("/").rpartition("/")[2][:_NAME_LIMIT]
    return None if name in ("", ".", "..") else name


def taking(options: str, *, words: int = 1) -> dict[str, int]:
    """The table for `read_options` of some options, each followed by that many words."""
    return dict.fromkeys(options.split(), words)


def read_options(words: tuple[str, ...], takes: Mapping[str, int]) -> Options:
    """Take options apart as getopt_long(3) does, up to the first word that is none.

    `takes` says how many words follow an option (``{"--machine": 1, "-M": 1}``); those that are not
    in it take none. ``--name=value``, ``-nvalue`` and clusters (``-bD dir``) are understood.
    """
    values: dict[str, str] = {}
    words = words[:_WORDS_LIMIT]
    position = 0
    while position < len(words):
        word = words[position]
        if word == "--":
            return Options(values, words[position + 1 :])
        if len(word) < 2 or word[0] != "-":
            break
        position += 1
        name, value, complete = _split_option(word, takes, values)
        following = words[position : position + takes.get(name, 0)]
        if not complete and following:
            value = following[0]
            position += len(following)
        values[name] = value
    return Options(values, words[position:])


def _split_option(
    word: str, takes: Mapping[str, int], flags: dict[str, str]
) -> tuple[str, str, bool]:
    # Returns the option, its value, and whether the word itself holds that value. The letters of a
    # cluster before the one that takes a value are noted in `flags`.
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value, bool(equals)
    for offset, letter in enumerate(word[1:], start=1):
        if takes.get("-" + letter):
            return "-" + letter, word[offset + 1 :], offset + 1 < len(word)
        flags["-" + letter] = ""
    return "-" + word[-1], "", True
