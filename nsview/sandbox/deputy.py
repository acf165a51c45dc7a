"""What root does with the sandboxes of a user, it does as that user.

Their state and layers are in directories that the user may write to: root following a path there,
or ending a process that a file names, would do whatever the user wants. So a process of its own,
with nothing of root's in memory, becomes the user and does the work.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import pwd
import sys
from typing import Any, Final

from nsview.enter.standby import Standby
from nsview.enter.told import await_orders
from nsview.errors import NsviewError
from nsview.kernel import libc
from nsview.kernel.user_namespace import wait_for

_MODULE: Final = "nsview.sandbox.deputy"
_CHUNK: Final = 1 << 16


def act_as(owner: int, verb: str, *arguments: str | float) -> Any:
    """Call a function of `nsview.sandbox.control` by its name as the user `owner`.

    Arguments and what it returns are values of marshal(3). Raises `NsviewError`.
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
        said = b"".join(iter(lambda: helper.status.recv(_CHUNK), b""))
    wait_for(child)
    problem, value = marshal.loads(said) if said else (("it did not start", None), None)  # noqa: S302
    if problem is not None:
        raise NsviewError(f"as {account.pw_name}: {problem[0]}", hint=problem[1])
    return value


def main() -> None:
    """Say to the descriptor named by the first argument that we are there, and do as it says."""
    status = int(sys.argv[1])
    os.write(status, b"alive")
    orders = await_orders(status)
    if orders is None:
        return
    from nsview.sandbox import control  # whose files the user may not be able to read

    answer: tuple[Any, Any] = (("it failed", None), None)
    try:
        _become(orders)
        work = getattr(control, orders["verb"])
        answer = (None, work(*orders["arguments"]))
    except NsviewError as error:
        answer = ((error.message, error.hint), None)
    except OSError as error:
        answer = ((str(error.strerror), None), None)
    finally:
        said = marshal.dumps(answer)
        with contextlib.suppress(OSError):  # nobody waits for it any more
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
