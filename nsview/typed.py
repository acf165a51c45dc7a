"""The words of typing, for modules that cannot wait for it.

Importing typing takes longer than all that some commands do, and at run time nobody asks: where
``from __future__ import annotations`` stands, annotations stay text. A checker sees typing's own
words here, a running nsview what makes a module load. So nobody imports typing itself, save where
textual has done that already (``tui/``); tests/unit/test_start.py looks at what commands load.
"""

from __future__ import annotations

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

    class _Choice(tuple):
        """What `Literal` allows, which is all that `get_args` wants to know."""

        __slots__ = ()

    class Literal:
        """In an alias it stands for its values."""

        def __class_getitem__(cls, values: object) -> _Choice:
            return _Choice(values if isinstance(values, tuple) else (values,))

    def TypeVar(name: str, *_: object, **__: object) -> str:  # noqa: N802 - typing's word
        """It means something to checkers only."""
        return name

    def cast(_: object, value: object) -> object:
        """The value, as it is."""
        return value

    get_args = tuple
