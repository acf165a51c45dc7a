"""What contextlib, functools and others offer, without what they import.

That is collections, enum and warnings: a third of the time in which a command starts. The same
names do the same things here, and a checker sees the originals. Modules that a command loads at its
start take them from here; tests/unit/test_light.py holds the two against each other.
"""

from __future__ import annotations

import sys

from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import signal as signal
    from contextlib import ExitStack as ExitStack
    from contextlib import contextmanager as contextmanager
    from contextlib import suppress as suppress
    from functools import cache as cache
    from functools import lru_cache as lru_cache
    from functools import partial as partial
    from importlib import import_module as import_module
    from types import MappingProxyType as MappingProxyType
else:
    # The halves in C.
    import _signal as signal  # noqa: F401 - it is offered
    from _functools import _lru_cache_wrapper
    from _functools import partial as partial

    MappingProxyType = type(type.__dict__)

    def lru_cache(maxsize):
        """Remember what a function said for the last `maxsize` arguments."""

        def remember(function):
            made = _lru_cache_wrapper(function, maxsize, False, lambda *counts: counts)
            made.__wrapped__, made.__doc__ = function, function.__doc__
            return made

        return remember

    cache = lru_cache(None)

    def import_module(name):
        """The module of that full name."""
        __import__(name)
        return sys.modules[name]

    class suppress:  # noqa: N801 - contextlib's word
        """These exceptions end the block, and nothing else."""

        def __init__(self, *kinds):
            self._kinds = kinds

        def __enter__(self):
            return None

        def __exit__(self, kind, error, trace):
            return kind is not None and issubclass(kind, self._kinds)

    class _Block:
        """A generator that yields once, as a context."""

        __slots__ = ("_generator",)

        def __init__(self, generator):
            self._generator = generator

        def __enter__(self):
            return next(self._generator)

        def __exit__(self, kind, error, trace):
            if kind is None:
                if next(self._generator, self) is self:
                    return False
                raise RuntimeError("generator didn't stop")
            try:
                self._generator.throw(error)
            except StopIteration as raised:
                return raised is not error
            except BaseException as raised:
                # Where a StopIteration leaves a generator, Python makes a RuntimeError of it.
                if raised is error or (type(error) is StopIteration and raised.__cause__ is error):
                    error.__traceback__ = trace
                    return False
                raise
            raise RuntimeError("generator didn't stop after throw()")

    def contextmanager(function):
        """Make a generator function one that gives contexts."""

        def block(*arguments, **named):
            return _Block(function(*arguments, **named))

        block.__doc__, block.__name__ = function.__doc__, function.__name__
        block.__wrapped__ = function
        return block

    class ExitStack:
        """Contexts and calls that end with the block, the last one first."""

        def __init__(self):
            self._exits = []

        def __enter__(self):
            return self

        def enter_context(self, context):
            """Enter it now, and leave it with the block."""
            value = context.__enter__()
            self._exits.append(context.__exit__)
            return value

        def callback(self, function, *arguments, **named):
            """Call it at the end."""

            def leave(*_):
                function(*arguments, **named)

            self._exits.append(leave)
            return function

        def __exit__(self, kind, error, trace):
            if not self._exits:
                return False
            leave = self._exits.pop()
            try:
                ended = leave(kind, error, trace)
            except BaseException:
                # The rest is left with this error, whose context is the one before.
                if not self.__exit__(*sys.exc_info()):
                    raise
                return True
            if ended:
                kind = error = trace = None
            return self.__exit__(kind, error, trace) or bool(ended)
