"""Keys that the user has given to other actions: do two actions now want the same key?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding
from textual.dom import DOMNode


def find_clashes(keymap: Mapping[str, str], bindings: Iterable[Binding]) -> list[str]:
    """What the keymap makes ambiguous, in words.

    Textual reports clashes only with bindings that have no id (8.2). Bindings that share a key
    before anything is remapped are meant so: the page's own comes before the common one.
    """
    holders: dict[str, dict[str, None]] = {}
    for one in bindings:
        name = one.id or one.action
        for key in keymap.get(one.id or "", one.key).split(","):
            holders.setdefault(key.strip(), {})[name] = None
    return [
        f"{key} is {' and '.join(names)}"
        for key, names in holders.items()
        if len(names) > 1 and any(name in keymap for name in names)
    ]


def bindings_of(nodes: Iterable[DOMNode]) -> Iterable[Binding]:
    """The bindings that the classes of these nodes declare, before any keymap."""
    for node in nodes:
        for kind in type(node).__mro__:
            yield from Binding.make_bindings(kind.__dict__.get("BINDINGS", ()))
