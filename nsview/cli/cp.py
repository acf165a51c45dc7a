"""``nsview cp``: files and directories out of a container, without a process of the container."""

from __future__ import annotations

import os
import sys

from nsview.cli.arguments import Arguments
from nsview.cli.exit_codes import end_cleanly
from nsview.cli.output import StandardOutput, print_note, print_notes
from nsview.cli.place import add_file_place, path_errors, reference_and_file
from nsview.cli.progress import Progress
from nsview.cli.reach import become_owner
from nsview.cli.source import Source, open_source, owners_inside
from nsview.errors import NoSuchObject, NsviewError
from nsview.kernel.idmap import IdRange
from nsview.kernel.mountinfo import read_mountinfo
from nsview.layers.extract import ExtractOptions, take_out
from nsview.layers.layer_tar import Owners, TarOptions
from nsview.layers.layer_walk import Findings, Item, find_item
from nsview.layers.output_file import Digested
from nsview.layers.paths import split_path
from nsview.layers.tree_tar import write_tree
from nsview.typed import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from nsview.sandbox.subordinate import Ids

_STDOUT = "-"
MOUNTED = "mounts of its own are no part of the layers, what they show is not copied"
#: Every container has them, and nobody expects their files.
_VIRTUAL = frozenset({"proc", "sysfs", "devpts", "tmpfs", "mqueue", "cgroup", "cgroup2"})
#: What a container's root directory is called where it is put into another one.
_ROOT_NAME = "rootfs"

EPILOG = """\
The root file system as its layers make it, whether the container runs or not; what is mounted over
it (volumes, /proc) is not part of it. Links are followed on the way to PATH, inside the container,
and copied as links; PATH/ with a slash at its end means what a link points to.

An existing directory DEST gets it by its name, any other DEST is what it will be called. It appears
when it is whole. Modes, times, hard links, holes and file capabilities are kept; owners too, as
their numbers on disk, if root asks. Devices only come in archives (DEST -).

  nsview cp web:/etc/nginx /tmp/
  nsview cp web:/var/log/app.log app.log
  nsview cp web:/ - | tar -tv
  nsview cp --dirs /srv/changes:/srv/base /etc /tmp/etc"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what, and where to."""
    add_file_place(parser, "what to copy")
    parser.add_argument("dest", metavar="DEST", help="a name, a directory, or - for a tar archive")
    parser.add_argument("--force", action="store_true", help="replace a file (never a directory)")
    owner = parser.add_mutually_exclusive_group()
    owner.add_argument(
        "--no-owner", action="store_true", help="all belongs to you; set-user-id bits are dropped"
    )
    owner.add_argument(
        "--map-owner",
        action="store_true",
        help="owners as the container calls them (user namespace)",
    )


def run(arguments: Arguments) -> int:
    """Copy."""
    reference, path = reference_and_file(arguments)
    if arguments.dest == _STDOUT and sys.stdout is not None and sys.stdout.isatty():
        raise NsviewError("an archive is nothing for a terminal", hint="| tar -xp, or > FILE")
    end_cleanly()
    keep_owners = os.geteuid() == 0 and not arguments.no_owner
    findings = Findings()
    with open_source(reference, arguments.dirs) as source, Progress() as progress:
        print_notes(source.partial)
        ids = become_owner(source.container)
        with path_errors(path):
            item = _find(source, path)
        _look_for_mounts(source, item, findings)
        name = (split_path(path) or [_ROOT_NAME])[-1]
        inside = arguments.map_owner
        owners = owners_inside(source, ids) if inside else _owners_on_disk(ids)
        if arguments.dest == _STDOUT:
            _write_archive(source, item, name, findings, owners, progress)
        else:
            target = arguments.dest
            if os.path.isdir(target):
                target = os.path.join(target, name)
            options = ExtractOptions(
                keep_owners=keep_owners,
                owners=owners,
                progress=progress.update,
            )
            take_out(source.tree, item, target, findings, options, force=arguments.force)
    for note in findings.notes:
        print_note(note)
    return 0


def _find(source: Source, path: str) -> Item | None:
    """The item at `path`; None is the root."""
    resolved = source.tree.resolve(path, follow_last=path.endswith("/"))
    if not split_path(resolved):
        return None
    item = find_item(source.tree, resolved)
    if item is None:
        raise NoSuchObject(f"{path}: no such file")
    if path.endswith("/") and item.found.attributes.type != "directory":
        raise NsviewError(f"{path}: is no directory")
    return item


def _look_for_mounts(source: Source, item: Item | None, findings: Findings) -> None:
    """What a process inside sees there, and layers do not hold: volumes, docker's /etc/hosts."""
    if source.host is None or source.container is None or source.container.pid is None:
        return
    try:
        mounts = read_mountinfo(source.host.procfs, source.container.pid) or ()
    except PermissionError:
        return
    path = f"/{item.path}" if item is not None else "/"
    for mount in mounts:
        inside = mount.fstype not in _VIRTUAL and f"{mount.target}/".startswith(_with_slash(path))
        if mount.target != "/" and (inside or f"{path}/".startswith(f"{mount.target}/")):
            findings.add(MOUNTED, mount.target.removeprefix("/"))


def _with_slash(path: str) -> str:
    return path if path.endswith("/") else f"{path}/"


def _owners_on_disk(ids: Ids | None) -> Owners:
    """Of what the root that we became sees."""
    if ids is None:
        return Owners()
    return Owners(
        uids=[IdRange(one.outside, one.inside, one.length) for one in ids.uids],
        gids=[IdRange(one.outside, one.inside, one.length) for one in ids.gids],
    )


def _write_archive(
    source: Source,
    item: Item | None,
    name: str,
    findings: Findings,
    owners: Owners,
    progress: Progress,
) -> None:
    out = Digested(cast(BinaryIO, StandardOutput()))
    options = TarOptions(owners=owners, progress=progress.update)
    write_tree(source.tree, item, name, out, findings, options)
