"""The light ones do what those of the standard library do."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from nsview import light

STANDARD: Any = SimpleNamespace(
    contextmanager=contextlib.contextmanager,
    suppress=contextlib.suppress,
    ExitStack=contextlib.ExitStack,
    cache=functools.cache,
    lru_cache=functools.lru_cache,
)
LIGHT: Any = light


class _OtherError(Exception):
    pass


def _block(words: Any, log: list[object], then: BaseException | None, catches: bool) -> Any:
    @words.contextmanager
    def block(name: str) -> Iterator[str]:
        """Documented."""
        log.append(f"in {name}")
        try:
            yield name
        except Exception as error:
            log.append(repr(error))
            if not catches:
                raise
        finally:
            log.append(f"out {name}")
            if then is not None:
                raise then

    return block


def _outcome(act: Any) -> object:
    try:
        return act()
    except BaseException as error:
        return type(error), str(error), type(error.__context__), type(error.__cause__)


RAISED = [None, ValueError("v"), StopIteration("s"), RuntimeError("r"), KeyboardInterrupt()]


@pytest.mark.parametrize("catches", [False, True])
@pytest.mark.parametrize("then", [None, _OtherError("o")], ids=str)
@pytest.mark.parametrize("raised", RAISED, ids=repr)
def test_blocks(raised: BaseException | None, then: BaseException | None, catches: bool) -> None:
    def use(words: Any) -> object:
        log: list[object] = []
        block = _block(words, log, then, catches)

        def act() -> str:
            with block("one") as name:
                if raised is not None:
                    raise raised
                return str(name)
            return "went on"

        return _outcome(act), log, block.__doc__, block.__name__

    assert use(LIGHT) == use(STANDARD)


@pytest.mark.parametrize("twice", [False, True])
def test_a_block_that_does_not_stop(twice: bool) -> None:
    def use(words: Any) -> object:
        @words.contextmanager
        def block() -> Iterator[None]:
            try:
                yield
            except ValueError:
                yield
            yield

        def act() -> None:
            with block():
                if twice:
                    raise ValueError

        return _outcome(act)

    assert use(LIGHT) == use(STANDARD)


@pytest.mark.parametrize(
    "order", ["", "c", "cb", "bc", "xb", "bx", "bxc", "xx", "kb", "bkx", "kxb"]
)
@pytest.mark.parametrize("raised", RAISED[:2], ids=repr)
def test_stacks(order: str, raised: BaseException | None) -> None:
    """c: a call, b: a block, x: a call that fails, k: a block that catches."""

    def use(words: Any) -> object:
        log: list[object] = []

        def fail() -> None:
            raise _OtherError("failed")

        def act() -> str:
            with words.ExitStack() as stack:
                for letter in order:
                    if letter in "bk":
                        block = _block(words, log, None, letter == "k")
                        log.append(stack.enter_context(block(letter)))
                    elif letter in "-c":
                        stack.callback(log.append, letter)
                    else:
                        stack.callback(fail)
                if raised is not None:
                    raise raised
                return "done"
            return "went on"

        outcome = _outcome(act)
        return outcome[:2] if isinstance(outcome, tuple) else outcome, log

    assert use(LIGHT) == use(STANDARD)


@pytest.mark.parametrize("raised", RAISED, ids=repr)
def test_what_is_suppressed(raised: BaseException | None) -> None:
    def use(words: Any) -> object:
        def act() -> str:
            with words.suppress(ValueError, StopIteration):
                if raised is not None:
                    raise raised
            return "went on"

        return _outcome(act)

    assert use(LIGHT) == use(STANDARD)


def test_what_is_remembered() -> None:
    def use(words: Any) -> object:
        asked: list[int] = []

        @words.lru_cache(maxsize=2)
        def few(number: int) -> int:
            """Documented."""
            asked.append(number)
            return number + 1

        class Thing:
            @words.cache
            def double(self, number: int) -> int:
                asked.append(number)
                return 2 * number

        thing = Thing()
        told = [few(one) for one in (1, 2, 1, 3, 2)] + [thing.double(one) for one in (7, 7)]
        few.cache_clear()
        return told, few(1), asked, few.__doc__, few.__wrapped__(5)

    assert use(LIGHT) == use(STANDARD)


def test_modules_by_name() -> None:
    module = light.import_module("nsview.kernel.stat")

    assert module.__name__ == "nsview.kernel.stat"
    with pytest.raises(ModuleNotFoundError):
        light.import_module("nsview.kernel.nothing")
