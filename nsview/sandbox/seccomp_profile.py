"""The system calls that a sandbox may make: docker's list, a file like it, or all.

A file is what ``docker run --security-opt seccomp=FILE`` takes, with its conditions by capability,
or the ``linux.seccomp`` object of an OCI runtime's config.json (runtime-spec, config-linux.md).
"""

from __future__ import annotations

import itertools
import json
import os

from nsview.errors import NsviewError
from nsview.kernel.capabilities import NAMES, has_capability
from nsview.kernel.seccomp_assembler import (
    ALLOW,
    DATA,
    ERRNO,
    KILL_PROCESS,
    KILL_THREAD,
    LOG,
    TRACE,
    TRAP,
    Condition,
    Operator,
    Profile,
    Rule,
    assemble,
)
from nsview.sandbox.seccomp_default import default_profile
from nsview.typed import Final, Iterator, cast, get_args

DEFAULT: Final = "default"
NONE: Final = "none"
_LONGEST_FILE: Final = 4 << 20
_EPERM: Final = 1
_ARGUMENTS: Final = 6
_ACTIONS: Final = {
    "SCMP_ACT_ALLOW": ALLOW,
    "SCMP_ACT_ERRNO": ERRNO,
    "SCMP_ACT_KILL": KILL_THREAD,
    "SCMP_ACT_KILL_PROCESS": KILL_PROCESS,
    "SCMP_ACT_KILL_THREAD": KILL_THREAD,
    "SCMP_ACT_LOG": LOG,
    "SCMP_ACT_TRACE": TRACE,
    "SCMP_ACT_TRAP": TRAP,
}
#: The kernel's word -> libseccomp's, Go's, and those whose programs it also runs.
_OUR_WORDS: Final = {
    "x86_64": ("SCMP_ARCH_X86_64", "amd64", ("x86_64", "i386")),
    "aarch64": ("SCMP_ARCH_AARCH64", "arm64", ("aarch64",)),
}
_WORDS_OF_OTHERS: Final = {"i386": "SCMP_ARCH_X86"}


def make_filter(choice: str, capabilities: int) -> bytes:
    """The filter for ``default``, ``none`` (empty) or a file's name; raises `NsviewError`."""
    if choice == NONE:
        return b""
    machine = os.uname().machine
    if machine not in _OUR_WORDS:
        raise NsviewError(f"no list of system calls for {machine}", hint="--seccomp none")
    if choice == DEFAULT:
        return assemble(default_profile(capabilities, _OUR_WORDS[machine][2]))
    try:
        return assemble(parse_profile(_read(choice), capabilities, machine, os.uname().release))
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise NsviewError(f"--seccomp {choice}: {words}") from None


def _read(path: str) -> bytes:
    with open(path, "rb", opener=_open_without_waiting) as file:
        data = file.read(_LONGEST_FILE + 1)
    if len(data) > _LONGEST_FILE:
        raise ValueError(f"longer than {_LONGEST_FILE >> 20} MiB")
    return data


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def parse_profile(data: bytes, capabilities: int, machine: str, release: str) -> Profile:
    """Parse a profile for a process with these capabilities on this machine and kernel release.

    Names of calls that we have no number of are passed over, as engines do. Raises ValueError.
    """
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deep") from None
    reader = _Reader(capabilities, machine, release)
    return reader.profile(_object(document, "the profile"))


class _Reader:
    def __init__(self, capabilities: int, machine: str, release: str) -> None:
        self._capabilities = capabilities
        self._machine = machine
        self._word, self._go_word, self._family = _OUR_WORDS[machine]
        self._release = _version(release)

    def profile(self, document: dict[str, object]) -> Profile:
        default = _action(document, "defaultAction", "defaultErrnoRet")
        rules: list[Rule] = []
        for one in _list(document, "syscalls"):
            entry = _object(one, "a rule")
            if self._applies(entry):
                rules += _rules(entry)
        return Profile(default, tuple(rules), self._architectures(document))

    def _architectures(self, document: dict[str, object]) -> tuple[str, ...]:
        """Ours, and those that can also run here and that it names."""
        named = set(_words(document, "architectures"))
        for one in _list(document, "archMap"):
            entry = _object(one, "archMap")
            if entry.get("architecture") == self._word:
                named |= {self._word, *_words(entry, "subArchitectures")}
        others = (one for one in self._family if _WORDS_OF_OTHERS.get(one) in named)
        return (self._machine, *others)

    def _applies(self, rule: dict[str, object]) -> bool:
        includes = _object(rule.get("includes") or {}, "includes")
        excludes = _object(rule.get("excludes") or {}, "excludes")
        return self._all_of(includes) and not self._any_of(excludes)

    def _all_of(self, includes: dict[str, object]) -> bool:
        architectures = _words(includes, "arches")
        return (
            all(map(self._holds, _words(includes, "caps")))
            and (not architectures or self._go_word in architectures)
            and (not includes.get("minKernel") or self._is_at_least(includes["minKernel"]))
        )

    def _any_of(self, excludes: dict[str, object]) -> bool:
        return (
            any(map(self._holds, _words(excludes, "caps")))
            or self._go_word in _words(excludes, "arches")
            or bool(excludes.get("minKernel") and self._is_at_least(excludes["minKernel"]))
        )

    def _holds(self, capability: str) -> bool:
        name = capability.lower().removeprefix("cap_")
        return name in NAMES and has_capability(self._capabilities, name)

    def _is_at_least(self, version: object) -> bool:
        return self._release >= _version(str(version))


def _rules(entry: dict[str, object]) -> Iterator[Rule]:
    name = entry.get("name")
    names = (*_words(entry, "names"), *((name,) if isinstance(name, str) else ()))
    action = _action(entry, "action", "errnoRet")
    conditions = [_condition(one) for one in _list(entry, "args")]
    arguments = [one.argument for one in conditions]
    if len(set(arguments)) < len(arguments):  # several of one argument: any of them is enough
        yield from (Rule(names, action, (one,)) for one in conditions)
    else:
        yield Rule(names, action, tuple(conditions))


def _action(document: dict[str, object], key: str, number_key: str) -> int:
    word = document.get(key)
    if word == "SCMP_ACT_NOTIFY":
        raise ValueError("SCMP_ACT_NOTIFY asks a supervisor, and there is none")
    action = _ACTIONS.get(word) if isinstance(word, str) else None
    if action is None:
        raise ValueError(f"no action {word!r} for {key}")
    if action not in (ERRNO, TRACE):
        return action
    number = document.get(number_key)
    return action | (_EPERM if number is None else _number(number, number_key) & DATA)


def _condition(document: object) -> Condition:
    one = _object(document, "an argument")
    operator = str(one.get("op")).removeprefix("SCMP_CMP_")
    index = _number(one.get("index"), "index")
    if operator not in get_args(Operator) or index >= _ARGUMENTS:
        raise ValueError(f"no condition {one.get('op')!r} on argument {index}")
    value, other = (_number(one.get(key) or 0, key) for key in ("value", "valueTwo"))
    return Condition(index, cast("Operator", operator), value, other)


def _number(value: object, what: str) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise ValueError(f"{what} is no number: {value!r}")
    return value


def _object(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")  # noqa: TRY004 - a file's, no caller's
    return value


def _list(document: dict[str, object], key: str) -> list[object]:
    value = document.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"{key} is no list")  # noqa: TRY004 - a file's, no caller's
    return value


def _words(document: dict[str, object], key: str) -> list[str]:
    words = _list(document, key)
    if not all(isinstance(one, str) for one in words):
        raise ValueError(f"{key} is no list of names")
    return cast("list[str]", words)


def _version(text: str) -> tuple[int, ...]:
    """The first two numbers of a kernel's release: of ``6.18.44-x`` (6, 18)."""
    numbers = ("".join(itertools.takewhile(str.isdigit, part)) for part in text.split(".")[:2])
    return tuple(int(number or 0) for number in numbers)
