"""What can be typed after the colon. One table: the command line, its completion, help, palette."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from nsview.errors import NoSuchObject, NsviewError
from nsview.host.model import Snapshot
from nsview.host.reference import process_named
from nsview.kernel.namespaces import KINDS
from nsview.tui.place import container_place, process_place
from nsview.tui.shell import Shell, container_names

Argument = Literal["", "ref", "refs", "kind", "number", "theme"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A word, and what it does with the rest of the line."""

    name: str
    help: str
    run: Callable[[Shell, str], None]
    argument: Argument = ""
    optional: bool = False
    changes: bool = False
    """It may change the host: readonly has no such command."""


def commands(*, readonly: bool) -> tuple[Command, ...]:
    """All that there are for this user."""
    return tuple(one for one in COMMANDS if not (readonly and one.changes))


def find_command(word: str) -> Command:
    """The command of that name, or the only one that begins so; raises `NoSuchObject`."""
    exact = [one for one in COMMANDS if one.name == word]
    begun = exact or [one for one in COMMANDS if one.name.startswith(word)]
    if len(begun) == 1:
        return begun[0]
    names = ", ".join(one.name for one in begun or COMMANDS)
    raise NoSuchObject(f"no command {word!r}", hint=f"there is {names}")


def complete(
    line: str, snapshot: Snapshot | None, themes: Sequence[str], *, readonly: bool = False
) -> list[str]:
    """What a line may become, in the order in which it is likely."""
    name, space, rest = line.partition(" ")
    if not space:
        return [one.name + (" " if one.argument else "") for one in commands(readonly=readonly)
                if one.name.startswith(name)]  # fmt: skip
    command = next((one for one in COMMANDS if one.name == name), None)
    if command is None:
        return []
    if command.argument == "refs" and " " in rest:  # the second one
        name, rest = f"{name} {rest.split()[0]}", rest.rpartition(" ")[2]
    words = _words(command.argument, snapshot, themes)
    return [f"{name} {word}" for word in words if word.startswith(rest)]


def _words(argument: Argument, snapshot: Snapshot | None, themes: Sequence[str]) -> Sequence[str]:
    if argument == "kind":
        return KINDS
    if argument == "theme":
        return themes
    return container_names(snapshot) if argument in ("ref", "refs") else ()


def _containers(app: Shell, reference: str) -> None:
    if reference:
        app.open_container(reference)
    else:
        app.go_home()


def _processes(app: Shell, reference: str) -> None:
    if reference:
        app.open_container(reference, tab="processes")
        return
    from nsview.tui.ps import process_list_page

    app.push_screen(process_list_page())


def _namespaces(app: Shell, kind: str) -> None:
    from nsview.tui.ns import namespace_list_page

    if kind and kind not in KINDS:
        raise NoSuchObject(f"no kind of namespace {kind!r}", hint=", ".join(KINDS))
    app.push_screen(namespace_list_page(kind or None))


def _pid(app: Shell, number: str) -> None:
    from nsview.tui.pid_view import pid_page

    if not (number.isascii() and number.isdecimal()):
        raise NsviewError(f"{number!r} is no PID", hint=":pid 1234")
    app.push_screen(pid_page(int(number)))


def _xray(app: Shell, reference: str) -> None:
    from nsview.tui.xray import xray_page

    app.push_screen(xray_page(app.find_container(reference).ref if reference else None))


def _wiring(app: Shell, _: str) -> None:
    from nsview.tui.wiring import wiring_page

    app.push_screen(wiring_page())


def _inside(choose: bool) -> Callable[[Shell, str], None]:
    def run(app: Shell, reference: str) -> None:
        if app.snapshot is None:
            raise NsviewError("nothing has been read yet")
        if not reference:
            app.step_inside_here(choose=choose)
        elif (task := process_named(app.snapshot, reference)) is not None:
            app.step_inside(process_place(task), choose=choose)
        else:
            one = app.find_container(reference)
            app.step_inside(container_place(app.snapshot, one), choose=choose)

    return run


def _pulse(app: Shell, _: str) -> None:
    from nsview.tui.pulse import pulse_page

    app.push_screen(pulse_page())


def _tab(tab: str) -> Callable[[Shell, str], None]:
    def run(app: Shell, reference: str) -> None:
        if not reference:
            raise NsviewError("which container?", hint=f":{_TAB_COMMANDS[tab]} NAME")
        app.open_container(reference, tab=tab)

    return run


def _diff(app: Shell, references: str) -> None:
    words = references.split()
    if len(words) > 2:
        raise NsviewError("more than two containers", hint=":diff NAME, :diff NAME OTHER")
    if len(words) == 2:
        app.open_comparison(*words)
    else:
        _tab("changes")(app, references)


_TAB_COMMANDS = {
    "layers": "layers",
    "changes": "diff",
    "files": "files",
    "net": "net",
    "limits": "limits",
}


def _new(app: Shell, _: str) -> None:
    from nsview.tui.sandboxes import ask_for_sandbox

    ask_for_sandbox(app)


def _twin(app: Shell, reference: str) -> None:
    from nsview.tui.sandboxes import ask_for_twin

    if not reference:
        raise NsviewError("of which container?", hint=":twin NAME")
    ask_for_twin(app, app.find_container(reference))


def _theme(app: Shell, name: str) -> None:
    app.change_theme(name)


def _help(app: Shell, _: str) -> None:
    app.action_help()


def _quit(app: Shell, _: str) -> None:
    app.exit()


COMMANDS = (
    Command(name="ct", help="containers", run=_containers, argument="ref", optional=True),
    Command(
        name="ps", help="processes, of all or of one", run=_processes, argument="ref", optional=True
    ),
    Command(
        name="ns", help="namespaces, of all kinds or one", run=_namespaces, argument="kind",
        optional=True,
    ),
    Command(name="pid", help="which processes are called N, anywhere", run=_pid, argument="number"),
    Command(
        name="xray", help="user namespace > pid namespace > container > process", run=_xray,
        argument="ref", optional=True,
    ),
    Command(name="layers", help="the root as a stack", run=_tab("layers"), argument="ref"),
    Command(
        name="diff", help="what it has changed; against another one", run=_diff, argument="refs"
    ),
    Command(name="files", help="its files, from outside", run=_tab("files"), argument="ref"),
    Command(name="net", help="its interfaces and ports", run=_tab("net"), argument="ref"),
    Command(name="wiring", help="bridges, cables and who is at their ends", run=_wiring),
    Command(
        name="shell", help="step inside: a container, or beside a process (s)",
        run=_inside(choose=False), argument="ref", optional=True, changes=True,
    ),
    Command(
        name="enter", help="the same; first choose user, command, namespaces, tools (S)",
        run=_inside(choose=True), argument="ref", optional=True, changes=True,
    ),
    Command(name="limits", help="what it uses and may use", run=_tab("limits"), argument="ref"),
    Command(name="pulse", help="who eats the machine", run=_pulse),
    Command(name="new", help="a new sandbox (n)", run=_new, changes=True),
    Command(
        name="twin", help="a sandbox on the layers of a container (T)", run=_twin, argument="ref",
        changes=True,
    ),
    Command(name="theme", help="other colours", run=_theme, argument="theme"),
    Command(name="help", help="keys, and what the kernel does here", run=_help),
    Command(name="q", help="quit", run=_quit),
)  # fmt: skip
