"""The words of typing and collections.abc, for modules that cannot wait for them.

Importing them takes longer than all that some commands do, and at run time nobody asks: where
``from __future__ import annotations`` stands, annotations stay text. A checker sees typing's own
words here, a running nsview what makes a module load. So no module that a command loads at its
start imports these two itself; tests/unit/test_import_hygiene.py looks.
"""

from __future__ import annotations

# Python has loaded it for itself; collections.abc would load all of collections.
from _collections_abc import Callable as Callable
from _collections_abc import Collection as Collection
from _collections_abc import Container as Container
from _collections_abc import Hashable as Hashable
from _collections_abc import Iterable as Iterable
from _collections_abc import Iterator as Iterator
from _collections_abc import Mapping as Mapping
from _collections_abc import Sequence as Sequence

#: Every checker takes a name that is spelled so to be true.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any as Any
    from typing import BinaryIO as BinaryIO
    from typing import Final as Final
    from typing import Generic as Generic
    from typing import Literal as Literal
    from typing import NoReturn as NoReturn
    from typing import Protocol as Protocol
    from typing import Self as Self
    from typing import TypeVar as TypeVar
    from typing import cast as cast
    from typing import get_args as get_args
else:
    Any = BinaryIO = Final = NoReturn = Self = object

    class Protocol:
        """A base that asks nothing of the class."""

    class Generic:
        """A base that is the same for all types."""

        def __class_getitem__(cls, _: object) -> type:
            return cls

    class Literal:
        """In an alias it is a class of its own, which knows its values."""

        def __class_getitem__(cls, values: object) -> type:
            values = values if isinstance(values, tuple) else (values,)
            return type("Literal", (), {"__args__": values})

    def TypeVar(*_: object, **__: object) -> type:  # noqa: N802 - typing's word
        """It means something to checkers only."""
        return object

    def cast(_: object, value: object) -> object:
        """The value, as it is."""
        return value

    def get_args(alias: type) -> tuple[object, ...]:
        """The values that a `Literal` allows."""
        return alias.__args__
