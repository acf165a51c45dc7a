"""Our own streams and a command's: opened, relayed while it runs, hung up at its end."""

from __future__ import annotations

import os
import time

from nsview.light import ExitStack, contextmanager, signal
from nsview.typed import TYPE_CHECKING, Final, Iterator, Protocol

if TYPE_CHECKING:
    from _socket import socket

    from nsview.enter.relay import Person, Stream

_HANG_UP_SECONDS: Final = 2.0
_MOST_SIGNALS: Final = 64 * 1024
#: What ends or interrupts us is for the command; SIGWINCH is ours.
_PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Link(Protocol):
    """Our side of what we have with the process that helps: messages come, signals go."""

    running: bool
    """The command may still say something."""

    @property
    def status(self) -> socket:
        """Its end of the pair is ours to read and write."""

    def hear(self) -> None:
        """Take one message."""


def open_pipes(interactive: bool) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Pipes of our own: through a file of ours a container could reach the file system it is on."""
    if interactive:
        command_in, our_in = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(our_in, False)
    else:
        command_in, our_in = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), -1
    our_out, command_out = os.pipe2(os.O_CLOEXEC)
    our_err, command_err = os.pipe2(os.O_CLOEXEC)
    return (command_in, command_out, command_err), (our_in, our_out, our_err)


def relay_pipes(link: Link, ours: tuple[int, ...], stdout: int, stack: ExitStack) -> None:
    """Be between the pipes of `open_pipes` and our streams for as long as the command runs."""
    from nsview.enter.relay import Stream, hand_over, relay  # the command starts meanwhile

    stdin, out, err = ours
    streams = [
        Stream(out, stdout, output=True, owned=(out,)),
        Stream(err, 2, output=True, owned=(err,)),
    ]
    if stdin >= 0:
        streams.append(Stream(0, stdin, output=False, owned=(stdin,)))
    for one in streams:
        stack.callback(one.close)
    with _signals() as waking:

        def pass_on() -> None:
            numbers = bytes(n for n in os.read(waking, _MOST_SIGNALS) if n in _PASSED_ON)
            if numbers and link.running:
                link.status.send(numbers)
            elif numbers:
                for one in streams:
                    one.abandon()

        events = {link.status.fileno(): link.hear, waking: pass_on}
        relay(streams, events, lambda: link.running)
        hand_over(streams, {waking: pass_on})


def relay_terminal(
    link: Link,
    master: int,
    stack: ExitStack,
    *,
    stdout: int = 1,
    person: Person | None = None,
) -> bool:
    """The same with a pseudo terminal; says whether the person detached, and so hung up."""
    from nsview.enter.relay import Person, Stream, hand_over, relay
    from nsview.enter.terminal import Modes, copy_size, own_lines, raw

    os.set_blocking(master, False)
    modes, who = Modes(), person or Person()
    output = Stream(master, stdout, output=True, look=modes.feed, owned=(master,))
    typed = Stream(0, master, typed=True, look=who.look)
    stack.callback(output.close)
    with raw(0, modes), _signals() as waking:

        def attend() -> None:
            for number in os.read(waking, _MOST_SIGNALS):
                if number == signal.SIGWINCH:
                    copy_size(0, master)
                elif number in _PASSED_ON:
                    who.signal = number

        def hear() -> None:
            with own_lines(0):
                link.hear()

        events = {link.status.fileno(): hear, waking: attend}

        def stays() -> bool:
            return link.running and not (who.signal or who.detached)

        relay([output, typed], events, stays)
        hand_over([output], {})
        detached = link.running and who.detached
        if link.running:
            _hang_up(link, output)
    return detached


def _hang_up(link: Link, output: Stream) -> None:
    """As a terminal that goes away does it: SIGHUP for all that is on it; then SIGKILL."""
    from nsview.enter.relay import relay

    output.close()
    events = {link.status.fileno(): link.hear}
    deadline = time.monotonic() + _HANG_UP_SECONDS
    relay((), events, lambda: link.running and time.monotonic() < deadline)
    if link.running:
        link.status.send(bytes([signal.SIGKILL]))
        relay((), events, lambda: link.running)


@contextmanager
def _signals() -> Iterator[int]:
    """A descriptor from which the numbers of signals can be read while the block lasts."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    numbers = (*_PASSED_ON, signal.SIGWINCH)
    before = {number: signal.getsignal(number) for number in numbers}
    pipe = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    old = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        for number in numbers:
            signal.signal(number, lambda *_: None)
        yield reading
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.signal(signal.SIGPIPE, pipe)
        signal.set_wakeup_fd(old)
        os.close(reading)
        os.close(writing)
