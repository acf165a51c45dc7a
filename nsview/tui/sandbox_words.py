"""What is filled in for a new sandbox, as the command line that would make the same."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import Final

#: What a sandbox may be made of, in words, and what is to be filled in for it.
ROOTS: Final[dict[str, tuple[str, str]]] = {
    "host": ("the host's own root", "nothing: / below a writable layer"),
    "directory": ("a directory", "a directory with a root file system"),
    "stack": ("a stack of directories", "A:B:C, the topmost first"),
    "archive": ("an image archive", "what docker save wrote"),
    "twin": ("a twin of a container", "web, docker/web: its layers, without its changes"),
}
NETWORKS: Final[dict[str, tuple[str, str]]] = {
    "none": ("none", ""),
    "veth": ("a wire to the host", ""),
    "host": ("the host's own", ""),
}
KEEPS: Final[dict[str, tuple[str, str]]] = {
    "keep": ("kept until it is removed", ""),
    "remove": ("removed when it ends", ""),
}
USERS: Final[dict[str, tuple[str, str]]] = {
    "host": ("the host's", ""),
    "own": ("a namespace of its own: root inside is nobody here", ""),
}
#: The host's root has no command of its own, and a shell without a terminal ends at once.
USUAL_COMMAND: Final = "sleep infinity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The fields of the form, as they were typed; four are keys of the tables above."""

    root: str = "host"
    source: str = ""
    name: str = ""
    upper: str = ""
    ending: str = "keep"
    users: str = "host"
    network: str = "none"
    publish: str = ""
    memory: str = ""
    cpus: str = ""
    pids: str = ""
    options: str = ""
    """More of `nsview run`'s own."""
    command: str = ""


def run_words(wanted: Wanted) -> list[str]:
    """The arguments of ``nsview run``; raises ValueError for what cannot be one."""
    words = [*_root_words(wanted)]
    for option, value in (("--name", wanted.name), ("--upper", os.path.expanduser(wanted.upper))):
        words += _option(option, value)
    if wanted.ending == "remove":
        words.append("--rm")
    if wanted.users == "own":
        words.append("--userns")
    if wanted.network != "none":
        words += ["--net", wanted.network]
    for port in wanted.publish.replace(",", " ").split():
        words += _option("--publish", port)
    for option, value in (
        ("--memory", wanted.memory), ("--cpus", wanted.cpus), ("--pids", wanted.pids),
    ):  # fmt: skip
        words += _option(option, value)
    words += _split("options", wanted.options)
    if "--" in words:
        raise ValueError("options: the command has a field of its own")
    command = _split("command", wanted.command)
    return [*words, "-d", *(["--", *command] if command else [])]


def _root_words(wanted: Wanted) -> list[str]:
    source = wanted.source.strip()
    if wanted.root == "host":
        return ["--host-root"]
    if not source:
        raise ValueError(f"{ROOTS[wanted.root][0]}: which?")
    if wanted.root == "twin":
        return _option("--like", source)
    if wanted.root == "stack":
        layers = map(os.path.expanduser, source.split(":"))
        return [word for layer in layers for word in _option("--lower", layer)]
    option = "--rootfs" if wanted.root == "directory" else "--image"
    return _option(option, os.path.expanduser(source))


def _option(name: str, value: str) -> list[str]:
    value = value.strip()
    if not value:
        return []
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


def _split(field: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None
