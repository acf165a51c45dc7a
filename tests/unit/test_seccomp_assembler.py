"""Filters do what their rules say: they are run on a machine of our own, for random rules."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Sequence
from typing import Final

import pytest
from support.bpf_machine import run_filter

from nsview.kernel import seccomp_assembler
from nsview.kernel.seccomp_assembler import (
    ALLOW,
    ERRNO,
    KILL_PROCESS,
    LOG,
    TRAP,
    Condition,
    Profile,
    Rule,
    TooLong,
    assemble,
)
from nsview.kernel.syscall_numbers import ARCHITECTURES, X32_BIT, numbers_of

_ENOSYS: Final = ERRNO | 38
_ACTIONS: Final = (ALLOW, ERRNO | 1, ERRNO | 95, LOG, TRAP)
_VALUES: Final = (0, 1, 2, 0xFFFFFFFF, 1 << 32, (1 << 32) + 1, (1 << 63) + 5, (1 << 64) - 1)
_NAMES: Final = ("read", "write", "openat", "socket", "clone", "clone3", "statx", "mount", "nice")
_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "EQ": operator.eq, "NE": operator.ne, "LT": operator.lt,
    "LE": operator.le, "GT": operator.gt, "GE": operator.ge,
}  # fmt: skip


def expected(profile: Profile, name: str, arguments: Sequence[int]) -> int:
    """The rules, read aloud."""
    mine = [rule for rule in profile.rules if name in rule.names and rule.action != profile.default]
    for rule in mine:
        if not rule.conditions:
            return rule.action
    for rule in mine:
        if all(holds(one, arguments[one.argument]) for one in rule.conditions):
            return rule.action
    return profile.default


def holds(condition: Condition, argument: int) -> bool:
    if condition.operator == "MASKED_EQ":
        return argument & condition.value == condition.masked & condition.value
    return _COMPARE[condition.operator](argument, condition.value)


def random_profile(chance: random.Random) -> Profile:
    def condition() -> Condition:
        word = chance.choice((*_COMPARE, "MASKED_EQ"))
        value, masked = chance.choice(_VALUES), chance.choice(_VALUES)
        return Condition(chance.randrange(6), word, value, masked)  # type: ignore[arg-type]

    rules = tuple(
        Rule(
            tuple(chance.sample(_NAMES, chance.randrange(1, 4))),
            chance.choice(_ACTIONS),
            tuple(condition() for _ in range(chance.choice((0, 0, 1, 1, 2, 4)))),
        )
        for _ in range(chance.randrange(1, 12))
    )
    return Profile(chance.choice(_ACTIONS), rules, ("x86_64", "i386"))


@pytest.mark.parametrize("seed", range(60))
def test_random_rules(seed: int) -> None:
    chance = random.Random(seed)
    profile = random_profile(chance)
    code = assemble(profile)
    for architecture in profile.architectures:
        numbers = numbers_of(architecture)
        named = {name for rule in profile.rules for name in rule.names}
        newest = max(number for name, number in numbers.items() if name in named)
        for name in (*_NAMES, "getpid", "listns"):
            if name not in numbers:
                continue
            for _ in range(12):
                arguments = [chance.choice(_VALUES) for _ in range(6)]
                result = run_filter(code, numbers[name], ARCHITECTURES[architecture], arguments)
                wanted = expected(profile, name, arguments)
                if numbers[name] > newest and profile.default & ~0xFFFF == ERRNO:
                    wanted = _ENOSYS
                assert result == wanted, (name, architecture, arguments)


def test_other_programs_are_killed() -> None:
    code = assemble(Profile(ALLOW, (), ("x86_64",)))
    assert run_filter(code, 0, ARCHITECTURES["i386"]) == KILL_PROCESS
    assert run_filter(code, 0, ARCHITECTURES["x86_64"]) == ALLOW


def test_numbers_of_x32_are_no_way_around() -> None:
    """x32's read is 0x40000000: a filter that only knows 0 must not let it pass."""
    rules = (Rule(("read",), ALLOW),)
    code = assemble(Profile(ERRNO | 1, rules, ("x86_64",)))
    assert run_filter(code, 0, ARCHITECTURES["x86_64"]) == ALLOW
    assert run_filter(code, X32_BIT, ARCHITECTURES["x86_64"]) == _ENOSYS
    denies = assemble(Profile(ALLOW, (Rule(("read",), ERRNO | 1),), ("x86_64",)))
    assert run_filter(denies, X32_BIT, ARCHITECTURES["x86_64"]) == _ENOSYS


def test_a_default_of_no_error_holds_for_new_calls() -> None:
    code = assemble(Profile(TRAP, (Rule(("read",), ALLOW),), ("x86_64",)))
    assert run_filter(code, 5000, ARCHITECTURES["x86_64"]) == TRAP


def test_far_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offsets of conditional jumps have eight bits."""
    conditions = tuple(Condition(at, "GT", at) for at in range(6))
    rules = tuple(
        Rule((name,), ERRNO | at, conditions)
        for at, name in enumerate(sorted(numbers_of("aarch64"))[:100])
    )
    profile = Profile(ALLOW, rules, ("aarch64",))
    code = assemble(profile)
    for rule in rules:
        number = numbers_of("aarch64")[rule.names[0]]
        assert run_filter(code, number, ARCHITECTURES["aarch64"], range(1, 7)) == rule.action
        assert run_filter(code, number, ARCHITECTURES["aarch64"], range(6)) == ALLOW
    monkeypatch.setattr(seccomp_assembler, "_MOST", 1000)
    with pytest.raises(TooLong):
        assemble(profile)
