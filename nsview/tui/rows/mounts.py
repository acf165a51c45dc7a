"""A mount table as rows: the tree of mounts, with what nobody can reach marked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from nsview.display import display
from nsview.host.mounts import MountNode
from nsview.kernel.mountinfo import Mount
from nsview.tui.rows.outline import Line, outline


@dataclass(frozen=True, slots=True, kw_only=True)
class MountRow:
    """What one line of the mount table says; all of it display-safe."""

    key: int
    """The mount's id."""
    node: MountNode
    target: str
    line: Line[MountNode]
    """Where it stands in the tree."""
    type: str
    source: str
    options: str
    propagation: str
    hidden: str
    """Empty, or ``hidden in place``."""


def mount_rows(nodes: Iterable[MountNode], folded: Collection[int] = ()) -> list[MountRow]:
    """The mounts as a tree."""
    lines = outline(nodes, lambda node: node.mount.id, lambda node: node.mount.parent, folded)
    rows = []
    for line in lines:
        node = line.item
        mount = node.mount
        rows.append(
            MountRow(
                key=mount.id,
                node=node,
                target=display(mount.target),
                line=line,
                type=display(f"{mount.fstype}.{mount.subtype}" if mount.subtype else mount.fstype),
                source=mount_source(mount),
                options=mount_options(mount),
                propagation=node.propagation,
                hidden=f"hidden {node.hidden}" if node.hidden else "",
            )
        )
    return rows


def mount_source(mount: Mount) -> str:
    """The source, and which directory of it is mounted: ``/dev/sda1[/srv]``, as findmnt(8)."""
    part = "" if mount.root == "/" else f"[{mount.root}]"
    return display(mount.source + part)


def mount_options(mount: Mount) -> str:
    """The options of the mount; ``fs ro`` when the whole file system is read-only."""
    words = list(mount.options)
    if "ro" in mount.super_options and "ro" not in words:
        words.append("fs ro")
    return display(",".join(words))


def mount_facts(node: MountNode) -> list[tuple[str, str]]:
    """Everything about one mount, as pairs of name and display-safe text."""
    mount = node.mount
    facts = [
        ("target", display(mount.target)),
        ("type", display(f"{mount.fstype}.{mount.subtype}" if mount.subtype else mount.fstype)),
        ("source", display(mount.source) or "–"),
        ("root in it", display(mount.root)),
        ("device", mount.device),
        ("options", display(",".join(mount.options))),
        ("propagation", node.propagation),
        ("mount id", f"{mount.id}, on mount {mount.parent}"),
        ("hidden", f"{node.hidden}, by mount {node.hidden_by}" if node.hidden else "no"),
    ]
    labels = ["of the file system", *[""] * (len(mount.super_options) - 1)]
    facts += [
        (label, display(option)) for label, option in zip(labels, mount.super_options, strict=False)
    ]
    return facts
