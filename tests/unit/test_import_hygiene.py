"""What `import nsview` and the commands load: little, for every start pays for it."""

from __future__ import annotations

import os
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import nsview
from nsview.cli.main import COMMANDS
from nsview.engines import launchers, recognise

_PACKAGE = Path(nsview.__file__).parent
_HEAVY = ("textual", "rich", "pyroute2", "psutil", "asyncio", "ctypes")


def _modules() -> list[str]:
    names = []
    for path in sorted(_PACKAGE.rglob("*.py")):
        parts = path.relative_to(_PACKAGE.parent).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def _run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _loaded_by(module: str) -> set[str]:
    text = _run(f"import sys\nbefore = set(sys.modules)\nimport {module}\n"
                "print(*set(sys.modules) - before)")  # fmt: skip
    return set(text.split())


def test_the_package_alone_loads_nothing_of_itself() -> None:
    loaded = _loaded_by("nsview")
    assert {name for name in loaded if name.startswith("nsview")} == {"nsview"}
    assert not {name.partition(".")[0] for name in loaded} & {"dataclasses", "argparse", *_HEAVY}


@pytest.mark.parametrize("name", ["main", *COMMANDS])
def test_commands_load_nothing_heavy(name: str) -> None:
    loaded = _loaded_by(f"nsview.cli.{name}")
    assert f"nsview.cli.{name}" in loaded
    assert not {one.partition(".")[0] for one in loaded} & set(_HEAVY)
    assert not any(one.startswith("nsview.tui") for one in loaded)


@pytest.mark.parametrize(
    "words", [["ls", "--all", "--isolated"], ["ps"], ["pid", "1"], ["mounts", "self"], ["--help"]]
)
def test_running_commands_loads_no_library_of_the_ui(words: list[str]) -> None:
    words = [str(os.getpid()) if word == "self" else word for word in words]
    code = f"""
import contextlib, io, sys
from nsview.cli.main import main
out, sys.stdout = sys.stdout, open("/dev/null", "w")
with contextlib.suppress(SystemExit):
    assert main({words!r}) == 0
print(*sys.modules, file=out)
"""
    loaded = {name.partition(".")[0] for name in _run(code).split()}
    assert not loaded & {"textual", "rich", "pyroute2", "psutil", "asyncio"}
    assert ("argparse" in loaded) == ("--help" in words)


#: Each takes longer to load than a session, a launch or a look takes to do its work.
_SLOW = frozenset({"argparse", "dataclasses", "inspect", "socket", "subprocess"})
_ENGINES = frozenset(
    f"nsview.engines.{engine}" for engine in [*recognise._WORDS, *launchers._WORDS]
)


@pytest.mark.parametrize("words", [["ls", "--json"], ["ps"], ["pid", "1"], ["ns", "--json"]])
def test_a_look_at_the_host_loads_nothing_slow(words: list[str]) -> None:
    code = f"""
import sys
from nsview.cli.main import main
out, sys.stdout = sys.stdout, open("/dev/null", "w")
assert main({words!r}) == 0
print(*sys.modules, file=out)
"""
    loaded = set(_run(code).split())
    assert "nsview.host.host" in loaded
    assert not loaded & _SLOW


def test_engines_are_loaded_when_something_may_be_theirs() -> None:
    assert not _loaded_by("nsview.host.host") & _ENGINES
    code = """
import sys
from nsview.engines.recognise import recognise
assert recognise("/system.slice/cron.service") == ()
print(*sys.modules)
"""
    assert set(_run(code).split()) & _ENGINES <= {
        "nsview.engines.docker",
        "nsview.engines.kubepods",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="joins a process's place")
def test_entering_loads_nothing_slow() -> None:
    code = f"""
import sys
before = set(sys.modules)
from nsview.cli.main import main
assert main(["enter", "{os.getpid()}", "--", "true"]) == 0
print(*set(sys.modules) - before)
"""
    loaded = set(_run(code).split())
    assert "nsview.enter.session" in loaded
    assert not loaded & _SLOW


def test_launching_loads_nothing_slow() -> None:
    """And what the launching process need not wait for later, while it works."""
    later = {"ctypes", "nsview.sandbox.become", "nsview.sandbox.seccomp_profile"}
    assert not _loaded_by("nsview.sandbox.launch") & (_SLOW | later)


_EACH_ALONE = """
import contextlib, importlib, os, subprocess, sys, traceback
# What is not ours is there already: it takes most of the time, and of it nobody asks anything here.
everything = f"import sys, {','.join(sys.argv[1:])}; print(*sys.modules)"
modules = subprocess.check_output([sys.executable, "-c", everything], text=True).split()
for name in modules:
    if name.partition(".")[0] != "nsview":
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
assert "textual.app" in sys.modules and "nsview" not in sys.modules
for name in sys.argv[1:]:
    pid = os.fork()
    if pid == 0:
        try:
            __import__(name)
        except BaseException:
            print(name, traceback.format_exc(), flush=True)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if status:
        print(name, "ended with", status)
"""


def test_every_module_can_be_imported_first() -> None:
    names = [name for name in _modules() if name != "nsview.__main__"]
    assert len(names) > 50
    done = subprocess.run(
        [sys.executable, "-c", _EACH_ALONE, *names],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout == ""


def test_public_names_come_when_asked_for() -> None:
    code = """
import sys, nsview
assert "nsview.host.host" not in sys.modules
for name in nsview.__all__:
    assert getattr(nsview, name) is not None, name
from nsview import *
assert Host is nsview.Host and "nsview.host.host" in sys.modules
assert issubclass(nsview.NsviewError, Exception)
try:
    nsview.Hots
except AttributeError as error:
    assert "Hots" in str(error)
else:
    raise AssertionError
"""
    _run(code)


def test_public_names_are_those_that_type_checkers_see() -> None:
    text = (_PACKAGE / "__init__.py").read_text()
    for name in nsview.__all__:
        assert name == "__version__" or f" import {name} as {name}\n" in text
    assert (_PACKAGE / "py.typed").exists()


_TELLING = """
import os, sys

before = {*sys.modules}
end = os._exit

def tell(status):
    print(*{*sys.modules} - before)
    sys.stdout.flush()
    end(status)

os._exit = tell
"""
#: What takes milliseconds, itself or by what it imports.
_LONG = {
    *("typing", "re", "json", "enum", "signal", "contextlib", "functools", "collections"),
    *("importlib", "dataclasses", "inspect", "types", "argparse", "subprocess", "threading"),
    *("socket", "struct", "pathlib", "locale", "unicodedata", "ctypes"),
}  # fmt: skip


def _loaded_at_the_end(code: str, *words: str) -> set[str]:
    """The modules that a Python has loaded at its end, beside those that it starts with."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", _TELLING + code, *words],
        env=os.environ | {"PYTHONPATH": str(Path(nsview.__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {*done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize(
    ("modules", "allowed"),
    [
        ("nsview.cli.enter nsview.enter.enter nsview.enter.find", {"struct"}),
        ("nsview.cli.ls nsview.cli.ps nsview.host.host", {"struct"}),
        ("nsview.cli.run nsview.sandbox.launch nsview.sandbox.prepare", {"struct"}),
        ("nsview.sandbox.launcher", {"struct"}),
        ("nsview.engines.docker nsview.engines.docker_store nsview.engines.libpod", {"struct"}),
        ("nsview.engines.buildkit nsview.engines.kubepods nsview.engines.bbolt", {"struct"}),
        ("nsview.engines.podman nsview.engines.nspawn nsview.engines.browser", set()),
        ("nsview.enter.joiner", {"struct"}),
    ],
    ids=str,
)
def test_nothing_heavy_is_loaded_to_start_a_command(modules: str, allowed: set[str]) -> None:
    code = f"import nsview.cli.main, {', '.join(modules.split())}\ntell(0)"

    assert _LONG & _loaded_at_the_end(code) <= allowed


@pytest.mark.skipif(os.geteuid() != 0, reason="joins namespaces")
def test_nothing_heavy_is_loaded_to_enter_a_process() -> None:
    script = Path(nsview.__file__).with_name("cli") / "nsview"
    code = f"sys.argv[0] = {str(script)!r}; exec(open(sys.argv[0]).read())"

    found = _loaded_at_the_end(code, "enter", str(os.getpid()), "--", sys.executable, "-c", "pass")

    assert "nsview.enter.session" in found
    assert _LONG & found <= {"struct"}


def test_the_types_of_the_public_classes_can_be_asked_for_at_run_time() -> None:
    for name in ("Container", "Namespace"):
        hints = typing.get_type_hints(getattr(nsview, name))
        assert {*hints} == {*getattr(nsview, name)._fields}
