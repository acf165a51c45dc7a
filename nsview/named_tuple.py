"""`NamedTuple` as in typing, for a tenth of what it costs to make such a class there.

A command has fifty of these classes after its imports, and makes values of a few. typing compiles
every annotation, and collections a constructor: 0.15 to 0.45 ms a class. Here the annotations stay
the text that they are, and a constructor is compiled for a class that gets many values.

They are tuples because these cost least to make and to compare, by the ten thousand. That a value
also equals the plain tuple of its fields does no harm.
"""

from __future__ import annotations

# The C half of collections, which would load much else.
from _collections import _tuplegetter  # type: ignore[import-not-found]

from nsview.typed import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NamedTuple as NamedTuple

#: Values of a class, until it is worth its while to compile a constructor: that takes 60 us.
_FEW = 10


class _Named(tuple[Any, ...]):
    """What all of them can do, in the words of `collections.namedtuple`."""

    __slots__ = ()
    if TYPE_CHECKING:  # as annotations they would be fields to typing.get_type_hints()
        _fields: tuple[str, ...]
        _field_defaults: dict[str, Any]

    def __new__(cls, *values: Any, **named: Any) -> Self:
        """One of the first few values of its class, which has another constructor later.

        That one also says what is wrong with the arguments.
        """
        owner: Any = next(one for one in cls.__mro__ if "_fields" in vars(one))
        rest = cls._fields[len(values) :]
        given = cls._field_defaults | named
        if (
            owner._left
            and len(values) <= len(cls._fields)
            and (named.keys() <= set(rest) <= given.keys())
        ):
            owner._left -= 1
            return tuple.__new__(cls, (*values, *map(given.__getitem__, rest)))
        owner.__new__ = _compile(owner)
        return cls(*values, **named)

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Self:
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
        return made

    def _replace(self, **changes: Any) -> Self:
        made = self._make(map(changes.pop, self._fields, self))
        if changes:
            raise TypeError(f"Got unexpected field names: {list(changes)!r}")
        return made

    __replace__ = _replace  # for copy.replace() of Python 3.13

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
        return f"{type(self).__name__}({fields})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)  # for copy and pickle


def _compile(owner: Any) -> Any:
    """A constructor as `collections.namedtuple` makes it."""
    fields = ", ".join(owner._fields)
    code = f"lambda _cls, {fields}: _new(_cls, ({fields},))"
    made = eval(code, {"_new": tuple.__new__})  # noqa: S307 - names that the compiler has taken
    made.__defaults__ = tuple(owner._field_defaults.values())
    made.__name__, made.__qualname__ = "__new__", f"{owner.__qualname__}.__new__"
    return made


class _Maker(type):
    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
        if not bases:
            return super().__new__(cls, name, bases, body)
        fields = tuple(body.get("__annotations__", ()))
        defaults = {field: body[field] for field in fields if field in body}
        getters = {field: _tuplegetter(at, "") for at, field in enumerate(fields)}
        own = {"__slots__": (), "_fields": fields, "__match_args__": fields, "_left": _FEW}
        return type(name, (_Named,), body | own | getters | {"_field_defaults": defaults})


if not TYPE_CHECKING:

    class NamedTuple(metaclass=_Maker):
        """The base to write in a class statement; the class has `tuple` as base instead."""
