"""``nsview commit``: the writable layer of a container as an image, without a daemon."""

from __future__ import annotations

import os
import re
import time

from nsview.cli.arguments import Arguments
from nsview.cli.exit_codes import end_cleanly
from nsview.cli.output import StandardOutput, print_json, print_note, print_notes, write_bytes
from nsview.cli.place import add_whose
from nsview.cli.progress import Progress
from nsview.cli.reach import become_owner
from nsview.cli.source import Source, open_source, owners_inside
from nsview.errors import NsviewError
from nsview.host.images import read_image
from nsview.kernel.cmdline import read_command
from nsview.layers.commit import CommitOptions, Committed, commit_image, commit_layer
from nsview.layers.image_archive import (
    ArchiveLayout,
    Blob,
    Layout,
    archive_layout,
    directory_layout,
)
from nsview.layers.layer_tar import TarOptions
from nsview.layers.layer_walk import Findings
from nsview.layers.output_file import Digested, check_target, scratch_file, whole_file
from nsview.layers.stack import Stack
from nsview.typed import TYPE_CHECKING, BinaryIO, Final, cast

if TYPE_CHECKING:
    from argparse import ArgumentParser

_STDOUT: Final = "-"
_CHUNK: Final = 1 << 20
#: It holds all that the container has, /etc/shadow among it.
_PRIVATE: Final = 0o600
#: distribution/reference: [registry[:port]/]path[:tag].
_NAME: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
)
_LATEST: Final = ":latest"
#: More environment than that is nobody's configuration.
_ENVIRONMENT_LIMIT: Final = 64 * 1024

EPILOG = """\
docker  an archive that docker load, podman load and ctr images import take
oci     an OCI image layout: an archive, or a directory if FILE ends in a slash
layer   the writable layer alone, as a tar archive

The image is the one that the container stands on and one more layer; its config (command, user,
environment) is that image's. The layers below are taken from the engine's store as they came, or
made anew from their directories where that has not kept what it takes. A root that is no stack
becomes an image of one layer. The container may go on running: what changes while it is read is
read again, and named if it never held still.

Prints the image's id (layer: its digest). SOURCE_DATE_EPOCH is the latest date that is written.

  nsview commit web -o web.tar -t web:changed && docker load -i web.tar
  nsview commit web -o - | podman load
  nsview commit web --format layer -o changes.tar"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what, where to and in which form."""
    add_whose(parser)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="- is stdout")
    parser.add_argument("-t", "--tag", metavar="NAME:TAG", help="the image's name")
    parser.add_argument("--format", choices=("docker", "oci", "layer"), default="docker")
    parser.add_argument("--force", action="store_true", help="replace the file FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object about what was made")
    parser.add_argument(
        "--progress",
        action="store_true",
        help="say on stderr how far it is, also where that is no terminal",
    )
    parser.set_defaults(usage_error=parser.error)


def run(arguments: Arguments) -> int:
    """Write it."""
    name = _image_name(arguments)
    latest = _latest()
    _check_output(arguments)
    end_cleanly()
    findings = Findings()
    with (
        open_source(arguments.ref, arguments.dirs) as source,
        Progress(lines=arguments.progress) as progress,
    ):
        if source.container is not None and _is_our_root(source.tree.stack):
            raise NsviewError(f"the root of {source.container.ref} is the host's own: no image")
        if not arguments.json:
            print_notes(source.partial)
        process = _process(source)
        owners = owners_inside(source, become_owner(source.container))
        options = CommitOptions(
            tar=TarOptions(owners=owners, latest=latest, progress=progress.update),
            name=name,
            created=_rfc3339(latest),
            comment=source.container.ref if source.container is not None else "",
            process=process,
            stage=progress.stage,
        )
        done = _write(arguments, source, findings, options)
    notes = findings.notes
    if arguments.json:
        print_json(_json(arguments, source.tree.stack, done, name), (*source.partial, *notes))
        return 0
    for note in notes:
        print_note(note)
    if arguments.output != _STDOUT:
        write_bytes(f"{done.image_id or done.layers[-1].digest}\n".encode())
    return 0


def _is_our_root(stack: Stack) -> bool:
    directory = stack.layers[0].directory
    try:
        return len(stack.layers) == 1 and directory is not None and os.path.samefile(directory, "/")
    except OSError:
        return False


def _image_name(arguments: Arguments) -> str | None:
    name: str | None = arguments.tag
    if name is None:
        return None
    if arguments.format == "layer":
        arguments.usage_error("a layer has no name: -t goes with docker and oci")
    match = _NAME.fullmatch(name)
    if match is None:
        arguments.usage_error(f"{name!r} is no image name (lower case, NAME:TAG)")
        return None
    return name if match[1] else name + _LATEST


def _check_output(arguments: Arguments) -> None:
    """Say it before the work, not after."""
    output: str = arguments.output
    if output == _STDOUT:
        if arguments.json:
            arguments.usage_error("--json and -o - both want stdout")
        if os.isatty(1):
            raise NsviewError("an archive is nothing for a terminal", hint="-o FILE")
    elif output.endswith("/"):
        if arguments.format != "oci":
            arguments.usage_error("only --format oci makes a directory")
        check_target(output.rstrip("/") or "/")
    else:
        check_target(output, force=arguments.force)


def _write(
    arguments: Arguments, source: Source, findings: Findings, options: CommitOptions
) -> Committed:
    output: str = arguments.output
    if arguments.format == "layer":
        if output == _STDOUT:
            return _write_layer(source, cast(BinaryIO, StandardOutput()), findings, options)
        with whole_file(output, force=arguments.force, mode=_PRIVATE) as file:
            return _write_layer(source, file, findings, options)
    docker = arguments.format == "docker"
    if output == _STDOUT:
        with scratch_file() as scratch:  # headers are written last
            archive = ArchiveLayout(scratch)
            done = _write_image(source, archive, findings, options, docker=docker)
            archive.end()
            scratch.seek(0)
            while chunk := scratch.read(_CHUNK):
                write_bytes(chunk)
        return done
    if output.endswith("/"):
        with directory_layout(output) as directory:
            return _write_image(source, directory, findings, options, docker=False)
    with archive_layout(output, force=arguments.force, mode=_PRIVATE) as archive:
        return _write_image(source, archive, findings, options, docker=docker)


def _write_layer(
    source: Source, file: BinaryIO, findings: Findings, options: CommitOptions
) -> Committed:
    out = Digested(file)
    commit_layer(source.tree, out, findings, options.tar)
    return Committed(image_id="", layers=(Blob(out.digest, out.size),))


def _write_image(
    source: Source, layout: Layout, findings: Findings, options: CommitOptions, *, docker: bool
) -> Committed:
    image = None
    if source.host is not None and source.container is not None:
        image = read_image(source.host, source.container)
    return commit_image(source.tree, image, layout, findings, options, docker=docker)


def _process(source: Source) -> dict[str, object]:
    """How to run what no image says how to run: as it was."""
    container, host = source.container, source.host
    if container is None or host is None:
        return {}
    command = container.command
    environment: list[str] = []
    if container.pid is not None:
        command = command or read_command(host.procfs, container.pid) or ()
        try:
            data = host.procfs.read(container.pid, "environ", limit=_ENVIRONMENT_LIMIT) or b""
        except PermissionError:
            data = b""
        environment = [one.decode("utf-8", "replace") for one in data.split(b"\0") if b"=" in one]
    words = [os.fsencode(word).decode("utf-8", "replace") for word in command]
    return {key: value for key, value in (("Cmd", words), ("Env", environment)) if value}


def _latest() -> int | None:
    """reproducible-builds.org: no date after SOURCE_DATE_EPOCH."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) >= 1 << 33:
        raise NsviewError("SOURCE_DATE_EPOCH is no number of seconds")
    return int(text)


def _rfc3339(latest: int | None) -> str:
    now = time.time() if latest is None else min(time.time(), latest)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))


def _json(
    arguments: Arguments, stack: Stack, done: Committed, name: str | None
) -> dict[str, object]:
    return {
        "output": arguments.output,
        "format": arguments.format,
        "image": {"name": name, "id": done.image_id or None},
        "base": {"name": stack.image, "id": stack.image_id},
        "layers": [{"digest": blob.digest, "size": blob.size} for blob in reversed(done.layers)],
    }
