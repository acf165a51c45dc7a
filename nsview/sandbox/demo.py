"""Three small sandboxes to look at, made of the host's own root directory and nothing else."""

from __future__ import annotations

import os
import sys

from nsview.light import contextmanager, suppress
from nsview.sandbox.launch import run_sandbox
from nsview.sandbox.outcome import Outcome
from nsview.sandbox.seccomp_profile import DEFAULT, NONE
from nsview.sandbox.spec import Lower, Spec, capability_mask, check_limits
from nsview.typed import Final, Iterator

_MEMORY: Final = 128 << 20
_PIDS: Final = 64

#: $0 is this interpreter, where the sandbox can run it.
_WEB: Final = """\
mkdir -p /srv/www && cd /srv/www && echo 'hello from a sandbox' > index.html
"$0" -I -B -m http.server 8080 --bind 127.0.0.1 2> /dev/null || exec sleep infinity
"""
_TREE: Final = """\
sh -c 'sleep infinity & sleep infinity & wait' &
unshare --user --pid --fork sh -c 'sleep infinity & sleep infinity & wait' &
wait
exec sleep infinity
"""
_CHANGES: Final = """\
mkdir -p /srv/notes && echo first > /srv/notes/first
echo '# changed in a sandbox' >> /etc/profile
rm -f /etc/issue /etc/issue.net /etc/motd
rm -rf /usr/share/doc/base-files
while true; do date >> /srv/notes/log; sleep 5; done
"""


def demo_specs(prefix: str) -> tuple[Spec, ...]:
    """What the sandboxes are, called ``<prefix>-web`` and so on."""
    model = Spec(
        lower=(Lower(path="/"),),
        image="the host's own root",
        capabilities=capability_mask((), ()),
        limits=check_limits(_MEMORY, None, _PIDS),
        remove=True,
        detached=True,
    )
    scripts = {"web": _WEB, "tree": _TREE, "changes": _CHANGES}
    interpreter = os.path.realpath(sys.executable)
    return tuple(
        model._replace(
            name=f"{prefix}-{name}",
            hostname=name,
            command=("sh", "-c", script, interpreter),
            seccomp=DEFAULT if script != _TREE else NONE,  # docker's list refuses its unshare(2)
        )
        for name, script in scripts.items()
    )


@contextmanager
def demo(prefix: str = "demo") -> Iterator[tuple[Outcome, ...]]:
    """The sandboxes, for as long as the block lasts, and no longer than our process."""
    started: list[Outcome] = []
    try:
        for spec in demo_specs(prefix):
            started.append(run_sandbox(spec, tied=True))  # noqa: PERF401 - the next may fail
        yield tuple(started)
    finally:
        for one in started:
            if one.tie is not None:
                os.close(one.tie)
        for one in started:
            if one.launcher is not None:
                with suppress(ChildProcessError):
                    os.waitpid(one.launcher, 0)
