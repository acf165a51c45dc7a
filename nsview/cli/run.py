"""``nsview run``: launch a sandbox."""

from __future__ import annotations

import os

from nsview.cli.arguments import SWITCH, Arguments
from nsview.cli.exit_codes import ENTER_FAILED
from nsview.cli.output import flush, print_error, print_json, print_line, print_note, print_notes
from nsview.cli.streams import STDERR, STDOUT, add_streams, wanted_streams
from nsview.errors import NoSuchObject, NotPermitted, NsviewError, refusal
from nsview.typed import TYPE_CHECKING, Callable, TypeVar

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from nsview.enter.standby import Standby
    from nsview.sandbox.outcome import Outcome
    from nsview.sandbox.publish import Published
    from nsview.sandbox.spec import Lower, Spec

#: What follows ``--`` is the command's.
TAKES_COMMAND = True

EPILOG = """\
  nsview run --rootfs ./alpine                    a shell in a directory, which stays as it is
  nsview run --lower A --lower B --upper C -- ls  C takes all writes; A hides what B has of a name
  nsview run --host-root --rm -- sh               the host's own root below a writable layer
  nsview run --image web.tar                      what docker save wrote; its own command
  nsview run --like docker/web --rm -- sh         on the image layers of web, without its changes
  nsview run --rootfs R -d --name web -- httpd    in the background: see nsview ls, enter, stop, rm

All namespaces but user and time are new; there is no network but the loopback device, unless --net
says so. Rights are as docker gives them: fourteen capabilities, its list of system calls, hidden
and read-only parts of /proc and /sys; and no_new_privs. What the command writes is in the upper
directory, until nsview rm, or with --rm until it ends. Ctrl-] three times hangs up.

Without root there always is a user namespace. Its root is you; all others are your ids of
/etc/subuid and /etc/subgid, by newuidmap and newgidmap (package uidmap), or there are none. No
limits, no network, no --host-root, no device nodes of an image; its state is in XDG_RUNTIME_DIR.

SIZE is bytes, or has a unit: 64m, 2g (powers of 1024).

exit status: the command's own, 128 + signal; 126 it cannot be executed, 127 it is not there,
125 nsview failed, 3 no such container (--like), 4 not permitted"""

_T = TypeVar("_T")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what it is made of, what it may, and how it is run."""
    parser.usage = "%(prog)s ROOT [options] [-- COMMAND ...]"
    _add_root(parser)
    _add_place(parser)
    _add_rights(parser)
    parser.add_argument("--name", metavar="NAME", help="default: the start of its id")
    parser.add_argument(
        "-d", "--detach", action="store_true", help="leave it in the background, and print its id"
    )
    parser.add_argument("--rm", action="store_true", help="remove everything when it ends")
    parser.add_argument(
        "--init",
        action=SWITCH,
        default=True,
        help="a small process 1 that passes signals on and buries orphans; default: yes",
    )
    add_streams(parser)


def _add_root(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("ROOT is one of")
    source = group.add_mutually_exclusive_group(required=True)
    source.add_argument("--rootfs", metavar="DIR", help="a directory")
    source.add_argument(
        "--lower", action="append", metavar="DIR", help="a stack of them, topmost first"
    )
    source.add_argument(
        "--image", metavar="FILE", help="an archive of docker save, podman save, nsview commit"
    )
    source.add_argument(
        "--like", metavar="REF", help="a twin of a container, on the same read-only layers"
    )
    source.add_argument("--host-root", action="store_true", help="the host's own / (one device)")
    writable = parser.add_argument_group("its writable layer").add_mutually_exclusive_group()
    writable.add_argument(
        "--upper", metavar="DIR", help="takes all writes; default: a new directory of its own"
    )
    writable.add_argument("--ro", action="store_true", help="none: nothing can be written")


def _add_place(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("inside")
    group.add_argument("--hostname", metavar="H", help="default: the start of its id")
    group.add_argument(
        "-e", "--env", action="append", default=[], metavar="NAME=VALUE", help="set a variable"
    )
    group.add_argument("-w", "--cwd", default="/", metavar="DIR", help="working directory")
    group.add_argument(
        "-u", "--user", metavar="USER", help="NAME or UID, with :GROUP; default: root"
    )
    group.add_argument(
        "--bind",
        action="append",
        default=[],
        metavar="SRC:DST[:ro]",
        help="a file or directory of the host; nosuid, nodev",
    )
    group.add_argument(
        "--time-offset",
        type=float,
        default=0.0,
        metavar="S",
        help="a time namespace whose clocks since boot are ahead by so many seconds",
    )
    group.add_argument(
        "--tmpfs", action="append", default=[], metavar="DST", help="an empty one in memory"
    )
    group.add_argument(
        "--net",
        choices=("none", "host", "veth"),
        default="none",
        help="none: a network namespace with nothing in it (default); host: the host's; veth: a "
        "wire to the host, which speaks to others from the host's address",
    )
    group.add_argument(
        "--publish",
        action="append",
        default=[],
        metavar="[IP:]HOSTPORT:PORT[/udp]",
        help="a port of the host that leads inside, with --net veth; 0: any that is free",
    )


def _add_rights(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("limits and rights")
    group.add_argument("--memory", metavar="SIZE", help="bytes of memory")
    group.add_argument("--cpus", type=float, metavar="N", help="processors' worth of time: 0.5")
    group.add_argument("--pids", type=int, metavar="N", help="processes (default: 512; 0: any)")
    group.add_argument(
        "--cap-add", action="append", default=[], metavar="CAP", help="NET_ADMIN, or all"
    )
    group.add_argument("--cap-drop", action="append", default=[], metavar="CAP")
    group.add_argument(
        "--userns",
        action="store_true",
        help="a user namespace: root inside is nobody on the host (ids of /etc/subuid, or free); "
        "without root, always",
    )
    group.add_argument(
        "--seccomp",
        default="default",
        metavar="LIST",
        help="system calls: default (docker's list), none (all of them), or a FILE as docker's",
    )
    group.add_argument(
        "--strict", action="store_true", help="fail where this host does not allow all of it"
    )


def run(arguments: Arguments) -> int:
    """Launch, and return the command's exit status."""
    from nsview.cli.ahead import take

    try:
        with take("run") as launcher:  # it starts while all is read and prepared
            return _run(arguments, launcher)
    except (NsviewError, OSError) as caught:
        error = refusal(caught) if isinstance(caught, OSError) else caught
        if isinstance(error, NotPermitted | NoSuchObject):
            raise error from None
        from nsview.sandbox.become import NoCommand

        print_error(error)
        return error.status if isinstance(error, NoCommand) else ENTER_FAILED


def _run(arguments: Arguments, launcher: Standby) -> int:
    from nsview.sandbox.launch import run_sandbox

    spec = _spec(arguments)
    if arguments.like is not None:
        from nsview.sandbox.process import with_process
        from nsview.sandbox.twin import twin_of

        spec = with_process(*twin_of(spec, arguments.like))
    flush()
    outcome = run_sandbox(
        spec,
        stdout=STDERR if arguments.json else STDOUT,
        on_start=_narrate,
        launcher=launcher,
    )
    if outcome.oom_kills:
        print_note(f"killed for lack of memory: {outcome.oom_kills}")
    if outcome.exec_words:
        print_error(NsviewError(outcome.exec_words))
        return outcome.status
    if arguments.json:
        print_json(_document(outcome, arguments.detach), outcome.lacking)
    elif arguments.detach:
        print_line(outcome.id)
    return 0 if arguments.detach else outcome.status


def _narrate(outcome: Outcome) -> None:
    print_notes(outcome.lacking)
    for note in outcome.notes:
        print_note(note)


def _document(outcome: Outcome, detached: bool) -> dict[str, object]:
    document: dict[str, object] = {
        "ref": f"nsview/{outcome.name}",
        "id": outcome.id,
        "pid": outcome.pid,
        "upper": outcome.upper,
        **(outcome.network.describe() if outcome.network is not None else {"ip": None}),
    }
    if detached:
        return {**document, "namespaces": outcome.namespaces}
    return {
        **document,
        "exit_code": outcome.status,
        "signal": outcome.signal,
        "oom_kills": outcome.oom_kills,
        "hung_up": outcome.detached,
    }


def _spec(arguments: Arguments) -> Spec:
    from nsview.enter.environment import parse_assignment
    from nsview.sandbox.spec import (
        DEFAULT_PIDS,
        Spec,
        capability_mask,
        check_limits,
        parse_bind,
        parse_offset,
        parse_size,
    )

    terminal, interactive = wanted_streams(arguments, detached=arguments.detach)
    memory = None if arguments.memory is None else _parse(parse_size, arguments.memory)
    pids = DEFAULT_PIDS if arguments.pids is None else arguments.pids
    return Spec(
        lower=_lower(arguments),
        archive=arguments.image,
        upper=arguments.upper,
        read_only=arguments.ro,
        name=arguments.name,
        hostname=arguments.hostname,
        command=tuple(arguments.command),
        environment=tuple(_parse(parse_assignment, one) for one in arguments.env),
        directory=arguments.cwd,
        user=arguments.user,
        binds=tuple(_parse(parse_bind, one) for one in arguments.bind),
        tmpfs=tuple(arguments.tmpfs),
        network=arguments.net,
        published=_published(arguments.publish),
        limits=check_limits(memory, arguments.cpus, pids),
        capabilities=capability_mask(arguments.cap_add, arguments.cap_drop),
        user_namespace=arguments.userns,
        time_offset=parse_offset(arguments.time_offset),
        seccomp=arguments.seccomp,
        init=arguments.init,
        remove=arguments.rm,
        detached=arguments.detach,
        terminal=terminal,
        interactive=interactive,
        strict=arguments.strict,
    )


def _published(words: list[str]) -> tuple[Published, ...]:
    if not words:
        return ()
    from nsview.sandbox.publish import parse_published

    return tuple(_parse(parse_published, one) for one in words)


def _lower(arguments: Arguments) -> tuple[Lower, ...]:
    from nsview.sandbox.spec import Lower

    if arguments.image is not None or arguments.like is not None:
        return ()
    paths = ["/"] if arguments.host_root else arguments.lower or [arguments.rootfs]
    return tuple(Lower(path=os.path.abspath(path)) for path in paths)


def _parse(parse: Callable[[str], _T], text: str) -> _T:
    try:
        return parse(text)
    except ValueError as error:
        raise NsviewError(str(error)) from None
