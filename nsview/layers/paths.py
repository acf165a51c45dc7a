"""Paths inside a root: text, nothing is looked at."""

from __future__ import annotations


def split_path(path: str) -> list[str]:
    """The names in a path from the root; ``.`` and empty ones dropped, ``..`` takes one away."""
    names: list[str] = []
    for name in path.split("/"):
        if name == "..":
            del names[-1:]
        elif name not in ("", "."):
            names.append(name)
    return names


def join_path(names: list[str]) -> str:
    """The absolute path of these names; ``/`` for none."""
    return "/" + "/".join(names)


def sort_key(path: str) -> bytes:
    """Sorts by bytes with a directory just before what is in it."""
    return path.replace("/", "\0").encode("utf-8", "surrogateescape")
