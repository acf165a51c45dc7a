"""What to start: the command, a shell of the container, or a tool that we bring along."""

from __future__ import annotations

import os

from nsview.enter import toolbox
from nsview.enter.environment import without_steering
from nsview.enter.plan import Plan
from nsview.enter.program import find_program, find_shell
from nsview.enter.session import CANNOT_EXECUTE, NOT_FOUND, Command
from nsview.errors import NsviewError
from nsview.light import ExitStack
from nsview.typed import Sequence


class NoProgram(NsviewError):  # noqa: N818 - named for the condition
    """There is no such program, or it cannot run; `status` is what shells say of that."""

    def __init__(self, message: str, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


def choose_command(
    words: Sequence[str],
    plan: Plan,
    root: int,
    *,
    shell: str | None,
    tools: str,
    stack: ExitStack,
) -> tuple[Command, Plan, str | None]:
    """Choose the program; returns the plan with the environment it needs, and a remark.

    words: the command, empty for a shell. shell: the user's own. tools: as ``--toolbox`` has it.
    What is opened is closed with `stack`. Raises `NoProgram`, and `NsviewError`.
    """
    if not plan.inside:
        return _of_the_host(words, plan.path), plan, None
    if os.path.isdir(tools):
        return _with_directory(words, plan, root, shell, tools, stack)
    forced = tools not in (toolbox.AUTO, toolbox.NONE)
    problem = None
    if not forced:
        found = find_program(root, words[0], plan.path) if words else find_shell(root, shell)
        if found is not None and found.problem is None:
            return Command(program=found.path, arguments=words or (found.path,)), plan, None
        problem = _words(words, found.problem if found else None)
        status = CANNOT_EXECUTE if found else NOT_FOUND
        if tools == toolbox.NONE or found is not None:
            raise NoProgram(problem, status, hint=_HINT if not words else None)
    try:
        busybox = toolbox.find_busybox(tools)
    except NsviewError as error:
        if problem is None:
            raise
        raise NoProgram(f"{problem}, and {error.message}", NOT_FOUND, error.hint) from None
    name = words[0] if words else "sh"
    if not toolbox.has_applet(busybox, name):
        raise NoProgram(problem or f"busybox has no {name}", NOT_FOUND)
    fd = toolbox.load(busybox)
    stack.callback(os.close, fd)
    command = Command(program=fd, arguments=words or ("sh",))
    plan = plan._replace(environment=without_steering(plan.environment))
    return command, plan, f"{problem}: using the host's {busybox}" if problem else None


_HINT = "--toolbox busybox brings one"


def _words(words: Sequence[str], problem: str | None) -> str:
    if not words:
        return "the container has no shell"
    if problem is not None:
        return f"{words[0]} cannot run in the container: {problem}"
    return f"the container has no {words[0]}"


def _of_the_host(words: Sequence[str], search: bytes) -> Command:
    import shutil  # few sessions need it

    name = words[0] if words else os.environ.get("SHELL", "/bin/sh")
    path = shutil.which(name, path=os.fsdecode(search))
    if path is None:
        raise NoProgram(
            f"the host has no {name}", NOT_FOUND, "without mnt, programs are the host's"
        )
    return Command(program=path, arguments=words or (path,))


def _with_directory(
    words: Sequence[str], plan: Plan, root: int, shell: str | None, tools: str, stack: ExitStack
) -> tuple[Command, Plan, None]:
    """With a directory of tools mounted inside; its programs go before the container's."""
    box = toolbox.open_tools(tools, root)
    stack.callback(os.close, box.directory)
    path = box.find(words[0] if words else "sh", root)
    if path is None:
        found = find_program(root, words[0], plan.path) if words else find_shell(root, shell)
        if found is None or found.problem is not None:
            raise NoProgram(_words(words, found.problem if found else None), NOT_FOUND)
        path = found.path
    environment = without_steering(plan.environment)
    environment[b"PATH"] = box.search + b":" + plan.path
    command = Command(program=path, arguments=words or (path,), toolbox=(box.directory, box.place))
    return command, plan._replace(environment=environment), None
