"""What an image says about the process to run: opencontainers/image-spec, config.md."""

from __future__ import annotations

import os

from nsview.engines.untrusted import path, text, texts
from nsview.named_tuple import NamedTuple
from nsview.sandbox.spec import Spec
from nsview.typed import Iterable


class Process(NamedTuple):
    """The command of an image, and its surroundings."""

    command: tuple[str, ...] = ()
    environment: tuple[tuple[bytes, bytes], ...] = ()
    directory: str | None = None
    user: str | None = None


def parse_process(config: object) -> Process:
    """The process of an image's config; what it does not say, or not well, is left out."""
    command = (*texts(config, "config", "Entrypoint"), *texts(config, "config", "Cmd"))
    return Process(
        command=() if any("\0" in word for word in command) else command,
        environment=tuple(_assignments(texts(config, "config", "Env"))),
        directory=path(config, "config", "WorkingDir"),
        user=text(config, "config", "User"),
    )


def with_process(spec: Spec, process: Process) -> Spec:
    """The spec, with the image's word where the person gave none.

    A command that is given replaces all of the image's, its entrypoint too.
    """
    return spec._replace(
        command=spec.command or process.command,
        environment=(*process.environment, *spec.environment),
        directory=spec.directory if spec.directory != "/" else process.directory or "/",
        image_user=process.user,
    )


def _assignments(words: Iterable[str]) -> Iterable[tuple[bytes, bytes]]:
    for word in words:
        name, equals, value = os.fsencode(word).partition(b"=")
        if name and equals and b"\0" not in word.encode():
            yield name, value
