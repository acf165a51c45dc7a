"""What the UI can do with sandboxes: make one, make a twin, end one of nsview's own."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, Literal

from nsview.host.model import Container
from nsview.tui.dialog import ChoiceScreen
from nsview.tui.own_command import run_own
from nsview.tui.sandbox_form import SandboxForm
from nsview.tui.sandbox_words import USUAL_COMMAND, Wanted
from nsview.tui.shell import Shell
from nsview.tui.signal import ConfirmScreen

OWN_ENGINE: Final = "nsview"
Verb = Literal["stop", "rm"]
_VERBS: Final[dict[Verb, str]] = {
    "stop": "stop    asks it to end (SIGTERM), after 10 s makes it",
    "rm": "remove  ends it, and removes what it wrote",
}
_DONE: Final[dict[Verb, str]] = {"stop": "stopped", "rm": "removed"}


def ask_for_sandbox(app: Shell, wanted: Wanted | None = None) -> None:
    """Open the form, and say what became of it."""

    def launched(sandbox: dict[str, Any] | None) -> None:
        if sandbox is None:
            return
        app.say(f"{sandbox['ref']} runs", title="launched")
        for words in sandbox["partial"]:
            app.say(words, title="partial", severity="warning")
        app.scanner.look_now()

    app.push_screen(SandboxForm(wanted or Wanted()), launched)


def ask_for_twin(app: Shell, one: Container) -> None:
    """The form, filled in for a container's twin; the host's is a sandbox on its own root."""
    if one.kind == "host":
        ask_for_sandbox(app)
        return
    # Only an image says what to run.
    command = USUAL_COMMAND if one.engine == OWN_ENGINE else ""
    ask_for_sandbox(app, Wanted(root="twin", source=one.ref, command=command))


def ask_to_end(app: Shell, one: Container) -> None:
    """Ask how, ask again, do it; only for what is nsview's own."""
    if one.engine != OWN_ENGINE or one.id is None:
        app.say(f"{one.ref} is no sandbox of nsview's", severity="warning")
        return
    identity = one.id
    verbs: list[Verb] = ["rm"] if one.status == "stopped" else ["stop", "rm"]

    def choose(verb: Verb | None) -> None:
        if verb is not None:
            question = f"{'remove' if verb == 'rm' else verb} {one.ref}?"
            app.push_screen(ConfirmScreen(question), partial(answer, verb))

    def answer(verb: Verb, yes: bool | None) -> None:
        if yes:
            app.run_worker(end(verb))

    async def end(verb: Verb) -> None:
        try:
            # By its id: a name may be another one's by now.
            done = await run_own(verb, *(["--force"] if verb == "rm" else []), identity)
        except OSError as error:
            app.say(f"nsview cannot be run: {error.strerror}", severity="error")
            return
        if done.status:
            app.say(done.said, title=f"{one.ref} is not {_DONE[verb]}", severity="error")
        else:
            app.say(f"{one.ref} is {_DONE[verb]}")
        app.scanner.look_now()

    choices = [(verb, _VERBS[verb]) for verb in verbs]
    app.push_screen(
        ChoiceScreen(f"sandbox {one.ref}", choices, note="Enter choose   Esc cancel"), choose
    )
