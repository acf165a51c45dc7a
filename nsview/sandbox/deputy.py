"""What root does with the sandboxes of a user, it does as that user.

Their state and layers are in directories that the user may write to: root following a path there,
or ending a process that a file names, would do whatever the user wants. So a process of its own,
with nothing of root's in memory, becomes the user and does the work. From then on it is the user's
to trace: what it says is believed no more than a file of the user's.
"""

from __future__ import annotations

import json
import os
import pwd
import sys

from nsview.engines.untrusted import parse_json, text, texts
from nsview.enter.standby import Standby
from nsview.enter.told import await_orders
from nsview.errors import NsviewError
from nsview.kernel import libc
from nsview.kernel.user_namespace import wait_for
from nsview.light import suppress
from nsview.named_tuple import NamedTuple
from nsview.typed import Any, Final

_MODULE: Final = "nsview.sandbox.deputy"
_CHUNK: Final = 1 << 16
_LONGEST: Final = 1 << 24


class Answer(NamedTuple):
    """What `nsview.sandbox.control.collect` returns, and nothing of the others."""

    removed: tuple[str, ...]
    left: tuple[str, ...]


def act_as(owner: int, verb: str, *arguments: str | float) -> Answer:
    """Call a function of `nsview.sandbox.control` by its name as the user `owner`.

    Raises `NsviewError`.
    """
    try:
        account = pwd.getpwuid(owner)
    except KeyError:
        raise NsviewError(f"uid {owner} has no account") from None
    orders = {
        "uid": owner,
        "gid": account.pw_gid,
        "groups": os.getgrouplist(account.pw_name, account.pw_gid),
        "home": account.pw_dir,
        "verb": verb,
        "arguments": list(arguments),
    }
    with Standby(_MODULE) as helper:
        child = helper.tell(orders, ())
        said = b""
        while len(said) <= _LONGEST and (chunk := helper.status.recv(_CHUNK)):
            said += chunk
    wait_for(child)
    answer = parse_json(said)
    problem = text(answer, "problem")
    if problem or answer is None:
        words = problem or "it ended without a word"
        raise NsviewError(f"as {account.pw_name}: {words}", hint=text(answer, "hint"))
    return Answer(texts(answer, "removed"), texts(answer, "left"))


def main() -> None:
    """Say to the descriptor named by the first argument that we are there, and do as it says."""
    status = int(sys.argv[1])
    os.write(status, b"alive")
    orders = await_orders(status)
    if orders is None:
        return
    from nsview.sandbox import control  # whose files the user may not be able to read

    answer: dict[str, object] = {"problem": "it failed"}
    try:
        _become(orders)
        value = getattr(control, orders["verb"])(*orders["arguments"])
        answer = {} if value is None else Answer(*value)._asdict()
    except NsviewError as error:
        answer = {"problem": error.message, "hint": error.hint}
    except OSError as error:
        answer = {"problem": error.strerror}
    finally:
        said = json.dumps(answer).encode()
        with suppress(OSError):  # nobody waits for it any more
            for at in range(0, len(said), _CHUNK):
                os.write(status, said[at : at + _CHUNK])


def _become(orders: dict[str, Any]) -> None:
    os.setgroups(orders["groups"])
    os.setresgid(orders["gid"], orders["gid"], orders["gid"])
    os.setresuid(orders["uid"], orders["uid"], orders["uid"])
    os.environ["HOME"] = orders["home"]
    os.chdir("/")
    # Or its own files in /proc are root's, and with them those that map its user namespace.
    libc.prctl(libc.PR_SET_DUMPABLE, 1)
