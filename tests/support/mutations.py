"""What a container may do to its files, one operation at a time."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from pathlib import Path

_numbers = itertools.count(1)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def put(path: Path, text: str, flags: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | flags)  # it may be a FIFO
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def mutate(top: Path, operation: str, path: str, other: str) -> None:
    """Do it, if the tree as it is allows it."""
    target, second = top / path, top / other
    number = next(_numbers)
    with contextlib.suppress(OSError, shutil.SameFileError):
        match operation:
            case "write":
                put(target, f"{number}\n" * (number % 9), os.O_CREAT | os.O_TRUNC)
            case "append":
                put(target, str(number), os.O_CREAT | os.O_APPEND)
            case "chmod":
                target.chmod(0o700 + number % 64)
            case "chown":
                os.chown(target, number % 5, number % 7, follow_symlinks=False)
            case "unlink":
                remove(target)
            case "mkdir":
                target.mkdir(parents=True)
            case "recreate":
                remove(target)
                target.mkdir()
                (target / "new").write_text("new")
            case "rename":
                target.rename(second)
            case "replace":
                directory = target.is_dir()
                remove(target)
                if directory:
                    target.write_text("file")
                else:
                    target.mkdir()
            case "symlink":
                target.symlink_to(other)
            case "fifo":
                os.mkfifo(target)
            case "link":
                os.link(target, second, follow_symlinks=False)
            case "touch":
                os.utime(target, (number, number))
