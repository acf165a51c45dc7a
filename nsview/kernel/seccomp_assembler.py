"""Seccomp filters: rules about system calls, assembled for the kernel to run.

A filter is a program of the old BPF machine with one register. It sees struct seccomp_data (number,
architecture, instruction pointer, six arguments of 64 bits) and returns what is to happen.
seccomp(2); Documentation/userspace-api/seccomp_filter.rst; include/uapi/linux/{seccomp,filter}.h.
"""

from __future__ import annotations

import struct
import sys

from nsview.kernel.syscall_numbers import ARCHITECTURES, X32_BIT, numbers_of
from nsview.light import cache
from nsview.named_tuple import NamedTuple
from nsview.typed import Final, Iterable, Literal, Mapping, Sequence

ALLOW: Final = 0x7FFF0000
LOG: Final = 0x7FFC0000
TRACE: Final = 0x7FF00000
ERRNO: Final = 0x00050000
TRAP: Final = 0x00030000
KILL_THREAD: Final = 0x00000000
KILL_PROCESS: Final = 0x80000000
#: The part of a result that is an errno, for ERRNO and TRACE.
DATA: Final = 0xFFFF

Operator = Literal["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"]

_ENOSYS: Final = 38
_LONGEST_JUMP: Final = 0xFF
_MOST: Final = 4096  # BPF_MAXINSNS
_WORD: Final = 32
_LOW: Final = (1 << _WORD) - 1
_NUMBER_AT: Final = 0
_ARCHITECTURE_AT: Final = 4
_ARGUMENTS_AT: Final = 16
_INSTRUCTION: Final = struct.Struct("=HBBI")

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND: Final = 0x54
_JUMP: Final = 0x05
_IF_EQUAL: Final = 0x15
_IF_GREATER: Final = 0x25
_IF_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06


class Condition(NamedTuple):
    """What an argument must be. It is compared with all of its 64 bits, unsigned."""

    argument: int
    operator: Operator
    value: int
    """Of MASKED_EQ, the mask."""
    masked: int = 0
    """What the argument and the mask must give then."""


class Rule(NamedTuple):
    """What happens to calls by name, if all conditions are met."""

    names: Sequence[str]
    action: int
    conditions: tuple[Condition, ...] = ()


class Profile(NamedTuple):
    """Rules, and what happens to all other calls."""

    default: int
    rules: tuple[Rule, ...]
    architectures: tuple[str, ...]
    """Programs of any other are killed."""


class _Instruction(NamedTuple):
    code: int
    value: int
    if_true: int = 0
    if_false: int = 0


_Code = tuple[_Instruction, ...]


class TooLong(ValueError):  # noqa: N818 - named for the condition
    """The kernel takes no filter of that many instructions."""


def assemble(profile: Profile) -> bytes:
    """The filter, as an array of struct sock_filter. Raises `TooLong`.

    Calls that are newer than any that the rules name are ENOSYS where the default is an error:
    programs then do as they did before there was that call (runc's libcontainer/seccomp/patchbpf).
    """
    code: _Code = _return(KILL_PROCESS)
    for architecture in profile.architectures:
        mine = _of_architecture(profile, architecture)
        code = (*_skip_unless(ARCHITECTURES[architecture], len(mine)), *mine, *code)
    code = (_Instruction(_LOAD, _ARCHITECTURE_AT), *code)
    if len(code) > _MOST:
        raise TooLong(f"the filter has {len(code)} instructions; {_MOST} are the most")
    return b"".join(
        _INSTRUCTION.pack(one.code, one.if_true, one.if_false, one.value) for one in code
    )


def _skip_unless(value: int, length: int) -> _Code:
    return (_Instruction(_IF_EQUAL, value, 1, 0), _Instruction(_JUMP, length))


def _of_architecture(profile: Profile, architecture: str) -> _Code:
    numbers = numbers_of(architecture)
    verdicts = {
        number: _verdict(rules, profile.default)
        for number, rules in _by_number(profile.rules, numbers).items()
    }
    default = _return(profile.default)
    last = default
    if profile.default & ~DATA == ERRNO and verdicts:
        last = _return(ERRNO | _ENOSYS)
    segments = _segments(verdicts, default, last)
    if architecture == "x86_64" and segments:
        segments.append((X32_BIT, _return(ERRNO | _ENOSYS)))
    return (_Instruction(_LOAD, _NUMBER_AT), *_search(segments))


def _by_number(rules: Iterable[Rule], numbers: Mapping[str, int]) -> dict[int, list[Rule]]:
    found: dict[int, list[Rule]] = {}
    for rule in rules:
        for name in rule.names:
            if name in numbers:
                found.setdefault(numbers[name], []).append(rule)
    return found


def _verdict(rules: list[Rule], default: int) -> _Code:
    """What is done about one call: a rule without conditions goes before all that have some."""
    for rule in rules:
        if not rule.conditions and rule.action != default:
            return _return(rule.action)
    code = _return(default)
    for rule in reversed(rules):
        if rule.action != default:
            code = (*_rule(rule), *code)
    return code


def _segments(
    verdicts: Mapping[int, _Code], default: _Code, last: _Code
) -> list[tuple[int, _Code]]:
    """Where in the numbers another verdict begins."""
    segments = [(0, default)] if 0 not in verdicts else []
    expected = 0
    for number in sorted(verdicts):
        if number != expected and segments[-1][1] != default:
            segments.append((expected, default))
        if not segments or segments[-1][1] != verdicts[number]:
            segments.append((number, verdicts[number]))
        expected = number + 1
    segments.append((expected, last))
    return segments


def _search(segments: Sequence[tuple[int, _Code]]) -> _Code:
    """Find the segment that a number is in by halving, and do as it says."""
    if len(segments) == 1:
        return segments[0][1]
    middle = len(segments) // 2
    lower, upper = _search(segments[:middle]), _search(segments[middle:])
    start = segments[middle][0]
    if len(lower) <= _LONGEST_JUMP:
        return (_Instruction(_IF_AT_LEAST, start, len(lower), 0), *lower, *upper)
    jump = (_Instruction(_IF_AT_LEAST, start, 0, 1), _Instruction(_JUMP, len(lower)))
    return (*jump, *lower, *upper)


@cache
def _return(action: int) -> _Code:
    return (_Instruction(_RETURN, action),)


def _rule(rule: Rule) -> _Code:
    """Return the action if all conditions are met; go on behind it if one is not."""
    code = _return(rule.action)
    for condition in reversed(rule.conditions):
        code = (*_condition(condition, len(code)), *code)
    return code


def _condition(condition: Condition, rest: int) -> _Code:
    """Go on if it is met, else skip `rest` more instructions."""
    low_at = _ARGUMENTS_AT + 8 * condition.argument
    high_at = low_at + 4
    if sys.byteorder == "big":
        low_at, high_at = high_at, low_at
    low, high = condition.value & _LOW, condition.value >> _WORD
    if condition.operator == "MASKED_EQ":
        wanted = condition.masked & condition.value
        return (
            _Instruction(_LOAD, low_at),
            _Instruction(_AND, low),
            _Instruction(_IF_EQUAL, wanted & _LOW, 0, 3 + rest),
            _Instruction(_LOAD, high_at),
            _Instruction(_AND, high),
            _Instruction(_IF_EQUAL, wanted >> _WORD, 0, rest),
        )
    if condition.operator in ("EQ", "NE"):
        met, unmet = (0, rest) if condition.operator == "EQ" else (rest, 0)
        differs = 2 + rest if condition.operator == "EQ" else 2
        return (
            _Instruction(_LOAD, low_at),
            _Instruction(_IF_EQUAL, low, 0, differs),
            _Instruction(_LOAD, high_at),
            _Instruction(_IF_EQUAL, high, met, unmet),
        )
    compare = _IF_AT_LEAST if condition.operator in ("GE", "LT") else _IF_GREATER
    met, unmet = (0, rest) if condition.operator in ("GE", "GT") else (rest, 0)
    return (
        _Instruction(_LOAD, high_at),
        _Instruction(_IF_GREATER, high, 3 + met, 0),
        _Instruction(_IF_EQUAL, high, 0, 2 + unmet),
        _Instruction(_LOAD, low_at),
        _Instruction(compare, low, met, unmet),
    )
