"""Our named tuples are those of typing, but for what it costs to make them."""

from __future__ import annotations

import copy
import pickle
import typing
from collections.abc import Callable
from typing import Any

import pytest

from nsview.named_tuple import NamedTuple


class Ours(NamedTuple):
    """A place."""

    path: str
    """Where it is."""
    size: int = 0
    names: tuple[str, ...] = ()

    @property
    def large(self) -> bool:
        """It is."""
        return self.size > 9


class Theirs(typing.NamedTuple):
    """A place."""

    path: str
    size: int = 0
    names: tuple[str, ...] = ()


class Below(Ours):
    """A class of our own below one: nothing is added to it."""


USES: dict[str, Callable[[Any], object]] = {
    "positions": lambda it: it("/", 1, ("a",)),
    "names": lambda it: it(names=("a",), path="/"),
    "defaults": lambda it: it("/"),
    "text": lambda it: repr(it("/")).replace("Theirs", "Ours"),
    "hash": lambda it: hash(it("/")),
    "fields": lambda it: (it._fields, it._field_defaults, it.__match_args__, it.__doc__),
    "annotations": lambda it: typing.get_type_hints(it),
    "replaced": lambda it: it("/")._replace(size=3),
    "as a dictionary": lambda it: it("/")._asdict(),
    "made": lambda it: it._make(["/", 2, ()]),
    "no value": lambda it: it(),
    "too many values": lambda it: it("/", 1, (), 2),
    "no such name": lambda it: it("/", weight=1),
    "too few to be made": lambda it: it._make(["/"]),
    "assigned": lambda it: setattr(it("/"), "path", "/other"),
    "extended": lambda it: setattr(it("/"), "weight", 1),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["", "compiled"])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_they_behave_the_same(
    use: Callable[[Any], object], compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "__new__" in vars(Ours):
        del Ours.__new__
    monkeypatch.setattr(Ours, "_left", 0 if compiled else 1_000)

    def outcome(it: Any) -> object:
        try:
            return use(it)
        except (TypeError, ValueError, AttributeError) as error:
            return type(error)

    assert outcome(Ours) == outcome(Theirs)


def test_no_such_name_to_replace() -> None:
    with pytest.raises(TypeError):  # typing's says so from Python 3.13 on
        Ours("/")._replace(weight=1)


def test_the_first_value_is_made_as_every_other() -> None:
    class Fresh(NamedTuple):
        number: int
        word: str = "none"

    assert [Fresh(1), Fresh(2, word="two")] == [(1, "none"), (2, "two")]
    assert type(Fresh(3)) is Fresh


def test_a_subclass_is_of_its_own_type_whichever_is_made_first() -> None:
    class Base(NamedTuple):
        number: int

    class Lower(Base):
        pass

    assert type(Lower(1)) is Lower
    assert type(Base(1)) is Base
    assert type(Lower(2)._replace(number=3)) is Lower


def test_they_can_be_copied_and_pickled() -> None:
    one = Below("/", 10)

    for again in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert again == one
        assert type(again) is Below
        assert again.large
    assert one.__replace__(size=3) == one._replace(size=3)  # what copy.replace() calls


def test_a_constructor_is_compiled_for_many_values() -> None:
    class Few(NamedTuple):
        number: int

    assert [Few(number).number for number in range(5)] == [*range(5)]
    assert "__new__" not in vars(Few)
    assert [Few(number).number for number in range(50)] == [*range(50)]
    assert "__new__" in vars(Few)
