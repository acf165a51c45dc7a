"""``nsview enter``: a shell or a command inside."""

from __future__ import annotations

from nsview.cli.arguments import Arguments, bad_value
from nsview.cli.exit_codes import ENTER_FAILED
from nsview.cli.output import print_error, print_json, print_note, print_notes
from nsview.cli.streams import STDERR, STDOUT, add_streams, wanted_streams
from nsview.errors import NoSuchObject, NotPermitted, NsviewError, refusal
from nsview.kernel.namespaces import KINDS, parse_kinds
from nsview.kernel.procfs import Procfs
from nsview.typed import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from nsview.enter.enter import Choice, Narrate
    from nsview.enter.session import Outcome
    from nsview.enter.standby import Standby
    from nsview.kernel.task import Task

#: What follows ``--`` is the command's.
TAKES_COMMAND = True

EPILOG = """\
  nsview enter web                      a shell in web
  nsview enter web -- ls -l /           a command
  nsview enter web --ns net -- ss -tlnp the host's ss, in web's network
  nsview enter 4711                     a shell beside exactly that process
  nsview enter web --user root --privileged

The command is confined as the container is: namespaces, root directory, control groups,
capabilities, user, limits, seccomp filter, security label. Its environment is the container's.
Without mnt among --ns it is a program of the host, with the rights that you have.
Without root: containers in a user namespace of your own, as rootless podman and nsview run make
them; without their control groups and, but for nsview's own, their seccomp filter: it says so.
Ctrl-] three times hangs up.

exit status: the command's own, 128 + signal; 126 it cannot be executed, 127 it is not there,
125 nsview failed, 3 no such container, 4 not permitted"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare where, as whom, and with what."""
    parser.usage = "%(prog)s REF [options] [-- COMMAND ...]"
    parser.add_argument("ref", metavar="REF", help="a container, or a process by its PID")
    parser.add_argument(
        "--ns",
        type=_kinds,
        default=frozenset(KINDS),
        metavar="KINDS",
        help="join only these: " + ",".join(KINDS),
    )
    parser.add_argument(
        "-u", "--user", metavar="USER", help="NAME or UID, with :GROUP; default: the process's own"
    )
    parser.add_argument(
        "--privileged", action="store_true", help="root with all capabilities, unconfined"
    )
    parser.add_argument("-w", "--cwd", metavar="DIR", help="working directory inside")
    parser.add_argument(
        "-e", "--env", action="append", default=[], metavar="NAME=VALUE", help="set a variable"
    )
    parser.add_argument(
        "--no-cgroup",
        action="store_true",
        help="stay in our own control groups, without its limits",
    )
    parser.add_argument(
        "--toolbox",
        default="auto",
        metavar="WHICH",
        help="auto: busybox where the container has no such program; busybox; a directory of "
        "static programs; none",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="say each step")
    add_streams(parser)


def run(arguments: Arguments) -> int:
    """Enter, and return the command's exit status."""
    try:
        return _enter(arguments)
    except (NsviewError, OSError) as caught:
        error = refusal(caught) if isinstance(caught, OSError) else caught
        if isinstance(error, NoSuchObject | NotPermitted):
            raise error from None
        from nsview.enter.choose import NoProgram

        print_error(error)
        return error.status if isinstance(error, NoProgram) else ENTER_FAILED


def _enter(arguments: Arguments) -> int:
    from nsview.cli.ahead import take

    procfs = Procfs()
    with take("enter") as joiner:  # it starts while the rest is imported, and the place looked for
        container, task = _find(procfs, arguments)
        outcome = _run(procfs, task, arguments, joiner)
    if outcome.detached:
        print_note("detached: the command was hung up")
    if arguments.json:
        print_json(
            {
                "container": container,
                "target": task.pid,
                "pid": outcome.pid,
                "exit_code": outcome.status,
                "signal": outcome.signal,
                "detached": outcome.detached,
                "steps": list(outcome.steps),
            },
            outcome.lacking,
        )
    elif outcome.exec_words:
        print_error(NsviewError(outcome.exec_words))
    return outcome.status


def _run(procfs: Procfs, task: Task, arguments: Arguments, joiner: Standby) -> Outcome:
    from nsview.enter.enter import enter

    narrate = _narrator(arguments.verbose)
    return enter(procfs, task, _choice(arguments), narrate, joiner)


def _find(procfs: Procfs, arguments: Arguments) -> tuple[str | None, Task]:
    """Where to, and the container's ref as far as somebody will read it."""
    from nsview.enter.find import find_process, find_target

    task = None if arguments.json else find_process(procfs, arguments.ref)
    if task is not None:
        return None, task
    from nsview.host.host import Host  # takes longer than all the rest

    container, task = find_target(Host(procfs).snapshot(rootfs=False), arguments.ref)
    return container.ref, task


def _choice(arguments: Arguments) -> Choice:
    from nsview.enter.enter import Choice
    from nsview.enter.environment import parse_assignment

    terminal, interactive = wanted_streams(arguments)
    try:
        environment = dict(map(parse_assignment, arguments.env))
    except ValueError as error:
        raise NsviewError(str(error)) from None
    return Choice(
        command=tuple(arguments.command),
        kinds=arguments.ns,
        user=arguments.user,
        privileged=arguments.privileged,
        directory=arguments.cwd,
        environment=environment,
        join_cgroup=not arguments.no_cgroup,
        tools=arguments.toolbox,
        terminal=terminal,
        interactive=interactive,
        stdout=STDERR if arguments.json else STDOUT,
    )


def _narrator(verbose: bool) -> Narrate:
    def narrate(steps: Sequence[str], lacking: Sequence[str]) -> None:
        for step in steps if verbose else ():
            print_note(step)
        print_notes(lacking)

    return narrate


def _kinds(text: str) -> frozenset[str]:
    try:
        return parse_kinds(text)
    except ValueError as error:
        raise bad_value(str(error)) from None
