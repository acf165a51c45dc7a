"""Enter a process's place: hold it, plan, choose what to start; then run it.

The two halves are apart because the UI waits for the first one, which reads files that a container
may have made slow, in a thread of its own, and lends its terminal to the second.
"""

from __future__ import annotations

import os

from nsview.enter.choose import choose_command
from nsview.enter.plan import Plan, Request, inner_uid, make_plan
from nsview.enter.program import find_program
from nsview.enter.session import Command, Outcome, run_session
from nsview.enter.spawn import own_standard_streams
from nsview.enter.standby import Standby
from nsview.enter.target import Descriptors, Target, hold_target
from nsview.errors import NotPermitted, NsviewError
from nsview.host.partial import effective_capabilities
from nsview.kernel.capabilities import has_capability
from nsview.kernel.namespaces import KINDS
from nsview.kernel.ns_links import read_namespaces
from nsview.kernel.nsfs import get_owner_uid
from nsview.kernel.procfs import Procfs
from nsview.kernel.safe_open import open_below, read_below
from nsview.kernel.task import Task
from nsview.light import ExitStack, MappingProxyType, contextmanager
from nsview.named_tuple import NamedTuple
from nsview.typed import TYPE_CHECKING, Callable, Final, Iterator, Mapping, Sequence

if TYPE_CHECKING:
    from nsview.enter.account import Account

_LONGEST_FILE: Final = 1024 * 1024

Narrate = Callable[[Sequence[str], Sequence[str]], None]
"""Told the steps, and what is lacking, just before the command runs."""


class Choice(NamedTuple):
    """What a person asks for; see ``nsview enter --help``."""

    command: Sequence[str] = ()
    """Empty: a shell."""
    kinds: frozenset[str] = frozenset(KINDS)
    user: str | None = None
    privileged: bool = False
    directory: str | None = None
    environment: Mapping[bytes, bytes] = MappingProxyType({})
    join_cgroup: bool = True
    tools: str = "auto"
    terminal: bool = False
    interactive: bool = False
    stdout: int = 1
    """Where the command's output goes; without a terminal only what is no error."""


class Ready(NamedTuple):
    """A process that is held, and all that is decided about who joins it."""

    choice: Choice
    target: Target
    descriptors: Descriptors
    plan: Plan
    command: Command
    remark: str | None
    """What is to be said of the choice of the program."""

    def run(self, narrate: Narrate, joiner: Standby | None = None) -> Outcome:
        """Run the command to its end, by a process that has been started already or a new one.

        Raises `NsviewError` for what keeps it from starting.
        """
        choice = self.choice
        remarks = (self.remark,) if self.remark else ()

        def on_start(outcome: Outcome) -> None:
            from nsview.enter.steps import describe  # the command starts meanwhile

            outcome.steps = (*describe(self.plan, self.target, self.descriptors), *remarks)
            narrate(outcome.steps, outcome.lacking)

        outcome = run_session(
            self.plan,
            self.command,
            self.target,
            self.descriptors,
            terminal=choice.terminal,
            interactive=choice.interactive,
            stdout=choice.stdout,
            joiner=joiner,
            on_start=on_start,
        )
        _explain(outcome, choice, self.plan, self.descriptors.root)
        return outcome


def enter(
    procfs: Procfs, task: Task, choice: Choice, narrate: Narrate, joiner: Standby | None = None
) -> Outcome:
    """Run a command, or a shell, where `task` is; returns how it ended.

    Raises as `prepare` and `Ready.run` do.
    """
    with prepare(procfs, task, choice) as ready:
        return ready.run(narrate, joiner)


@contextmanager
def prepare(procfs: Procfs, task: Task, choice: Choice) -> Iterator[Ready]:
    """Hold the process until the end of the block, and decide everything.

    `procfs` is the /proc of our own pid namespace. Raises `NsviewError` and its kinds for what
    keeps a command from starting, `nsview.enter.choose.NoProgram` among them.
    """
    rootless = not has_capability(effective_capabilities(procfs), "sys_admin")
    own_standard_streams()
    with ExitStack() as stack:
        target, descriptors = stack.enter_context(hold_target(procfs, task))
        own = dict(zip(KINDS, read_namespaces(procfs, os.getpid()) or (), strict=False))
        if rootless:
            _need_ownership(choice, target, descriptors, own)
        user = _user(choice, descriptors.root)
        request = Request(
            kinds=choice.kinds,
            privileged=choice.privileged,
            user=user,
            join_cgroup=choice.join_cgroup,
            environment=choice.environment,
            terminal=choice.terminal,
            rootless=rootless,
        )
        plan = make_plan(target, request, own, os.environb)
        if rootless and plan.seccomp:
            from nsview.enter.own_filters import kept_filters  # reads what engines have written

            plan = plan._replace(filters=kept_filters(procfs, task))
        descriptors = _in_directory(choice.directory, plan, descriptors, stack)
        command, plan, remark = choose_command(
            choice.command,
            plan,
            descriptors.root,
            shell=None if choice.command else _shell(user, target, own, descriptors.root),
            tools=choice.tools,
            stack=stack,
        )
        yield Ready(
            choice=choice,
            target=target,
            descriptors=descriptors,
            plan=plan,
            command=command,
            remark=remark,
        )


def _need_ownership(
    choice: Choice, target: Target, descriptors: Descriptors, own: Mapping[str, int]
) -> None:
    """setns(2) takes CAP_SYS_ADMIN in the owner of every namespace, and in our own.

    Who has made a user namespace has it in there, once it is joined.
    """
    if target.namespaces["user"] == own["user"] or "user" not in choice.kinds:
        words = "entering takes root, or a container in a user namespace of your own"
    elif get_owner_uid(descriptors.namespaces["user"]) != os.geteuid():
        words = "entering takes root: its user namespace is another user's"
    else:
        return
    raise NotPermitted(words, hint="sudo nsview enter ...")


def _user(choice: Choice, root: int) -> Account | None:
    """The user that was asked for, by the container's own files."""
    if choice.user is None:
        return None
    from nsview.enter.account import NoSuchAccount, resolve_user

    try:
        return resolve_user(choice.user, _read(root, "/etc/passwd"), _read(root, "/etc/group"))
    except NoSuchAccount as error:
        raise NsviewError(str(error)) from None


def _shell(user: Account | None, target: Target, own: Mapping[str, int], root: int) -> str | None:
    if user is None:
        from nsview.enter.account import account_of

        uid = inner_uid(target, own)
        user = None if uid is None else account_of(uid, _read(root, "/etc/passwd"))
    return None if user is None else user.shell


def _read(root: int, path: str) -> bytes:
    try:
        return read_below(root, path, limit=_LONGEST_FILE) or b""
    except OSError:
        return b""


def _in_directory(
    path: str | None, plan: Plan, descriptors: Descriptors, stack: ExitStack
) -> Descriptors:
    """Open the working directory that was asked for; magic links do not lead to it."""
    if path is None:
        return descriptors
    if not plan.inside:
        raise NsviewError("--cwd is a directory inside: without mnt there is no inside")
    try:
        fd = open_below(descriptors.root, path, os.O_PATH | os.O_DIRECTORY)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else "not a path"
        raise NsviewError(f"directory {path}: {words}") from None
    stack.callback(os.close, fd)
    return descriptors._replace(directory=fd)


def _explain(outcome: Outcome, choice: Choice, plan: Plan, root: int) -> None:
    """Say why the command did not start, as far as its file tells."""
    if outcome.exec_error is None:
        return
    name = choice.command[0] if choice.command else "the shell"
    reason = os.strerror(outcome.exec_error)
    if plan.inside and choice.command:
        found = find_program(root, choice.command[0], plan.path)
        reason = (found.problem if found else None) or reason
    outcome.exec_words = f"{name} cannot be executed: {reason}"
