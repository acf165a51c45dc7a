"""What the command is to be, found out by the root directory that it will have.

The files of that root are the image's to forge: nothing leads out of it, see
`nsview.kernel.safe_open`.
"""

from __future__ import annotations

import os

from nsview.enter.account import Account, NoSuchAccount, account_of, resolve_user
from nsview.enter.environment import DEFAULT_PATH
from nsview.enter.program import find_program, find_shell
from nsview.errors import NsviewError
from nsview.kernel.safe_open import open_below, read_below
from nsview.sandbox.outcome import NOT_FOUND
from nsview.sandbox.spec import Spec
from nsview.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nsview.sandbox.orders import Become
    from nsview.sandbox.subordinate import Ids

_LONGEST_FILE: Final = 1024 * 1024


class NoCommand(NsviewError):  # noqa: N818 - named for the condition
    """The command cannot be started; `status` is what shells say then."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def find_account(spec: Spec, root: int, ids: Ids | None) -> tuple[Account, str | None]:
    """Whom it runs as; and why that is not whom its image says, if so.

    `root` is a descriptor of the root directory, `ids` are those of its user namespace. Raises
    `NsviewError` where who is asked for does not exist.
    """
    words = spec.user or spec.image_user or "0"
    account = _account(words, root)
    if ids is None:
        return account, None
    if ids.has_uid(account.uid) and ids.has_gid(account.gid):
        return account._replace(groups=tuple(filter(ids.has_gid, account.groups))), None
    problem = f"user {words}: {account.uid}:{account.gid} stand for nobody in the user namespace"
    if spec.user:
        raise NsviewError(problem, hint=ids.note or f"it has ids 0 to {ids.highest}")
    return _account("0", root), f"the command is run as root: {problem}"


def find_command(
    spec: Spec, root: int, hostname: str, account: Account, seccomp: bytes
) -> tuple[Become, str | None]:
    """The program and its surroundings; and why it will not start, if one can tell.

    `root` is a descriptor of the root directory, `seccomp` the filter for it. Raises `NoCommand`
    and `NsviewError`.
    """
    environment = {
        b"PATH": DEFAULT_PATH,
        b"HOME": os.fsencode(account.home or ("/root" if account.uid == 0 else "/")),
        b"HOSTNAME": os.fsencode(hostname),
    }
    if spec.terminal:
        environment[b"TERM"] = os.environb.get(b"TERM", b"xterm")
    environment |= dict(spec.environment)
    arguments = spec.command
    if not arguments:
        shell = find_shell(root, account.shell)
        if shell is None:
            raise NoCommand("there is no shell in it: say what to run after --", NOT_FOUND)
        arguments = (shell.path,)
    found = find_program(root, arguments[0], environment[b"PATH"])
    if found is None:
        raise NoCommand(f"{arguments[0]}: no such program inside", NOT_FOUND)
    words = f"{arguments[0]} cannot be executed: {found.problem}" if found.problem else None
    words = _no_directory(root, spec.directory) or words
    become: Become = {
        "path": os.fsencode(found.path),
        "arguments": [os.fsencode(one) for one in arguments],
        "environment": environment,
        "uid": account.uid,
        "gid": account.gid,
        "groups": list(account.groups),
        "directory": os.fsencode(spec.directory),
        "filter": seccomp,
    }
    return become, words


def _no_directory(root: int, path: str) -> str | None:
    """Why the command cannot begin in there, if one can tell."""
    try:
        os.close(open_below(root, path, os.O_PATH | os.O_DIRECTORY))
    except OSError as error:
        return f"directory {path}: {error.strerror}"
    return None


def _account(words: str, root: int) -> Account:
    passwd = _read(root, "/etc/passwd")
    try:
        account = resolve_user(words, passwd, _read(root, "/etc/group"))
    except NoSuchAccount as error:
        raise NsviewError(str(error)) from None
    if account.home is None and (known := account_of(account.uid, passwd)) is not None:
        return known
    return account


def _read(root: int, path: str) -> bytes:
    try:
        return read_below(root, path, limit=_LONGEST_FILE) or b""
    except OSError:
        return b""
