"""The config of an image: what it was, and one more layer.

opencontainers/image-spec: config.md; docker's is the same with more keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

from nsview.engines.stored_stack import LONGEST_CHAIN
from nsview.engines.untrusted import flag, mapping, sequence, text

CREATED_BY: Final = "nsview commit"
#: What is true of the new image too; digests, dates and the classic builder's container are not.
_KEPT: Final = ("architecture", "variant", "os", "os.version", "os.features", "author", "config")
#: Go's names for what uname(2) says of the machine.
_ARCHITECTURES: Final = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "loongarch64": "loong64",
}
#: More steps than that, no builder leaves.
_MOST_STEPS: Final = 4 * LONGEST_CHAIN


def new_config(
    old: Mapping[str, object] | None,
    diff_ids: Sequence[str],
    instructions: Sequence[str | None],
    *,
    created: str,
    comment: str,
    process: Mapping[str, object],
) -> dict[str, object]:
    """The config of an image of the layers `diff_ids`, bottom first; the last of them is new.

    old           the config of the image below; None where there is none
    instructions  what made each of the layers below, where it is known
    process       ``Cmd``, ``Env`` for an image that nothing says how to run
    """
    config: dict[str, object] = {key: old[key] for key in _KEPT if old and key in old}
    config.setdefault("architecture", _ARCHITECTURES.get(os.uname().machine, os.uname().machine))
    config.setdefault("os", "linux")
    if not mapping(config, "config"):
        config["config"] = dict(process)
    config["created"] = created
    config["rootfs"] = {"type": "layers", "diff_ids": list(diff_ids)}
    last = {"created": created, "created_by": CREATED_BY, "comment": comment}
    config["history"] = [*_history(old, instructions), last]
    return config


def _history(
    old: Mapping[str, object] | None, instructions: Sequence[str | None]
) -> list[dict[str, object]]:
    """The steps below. Readers count them: as many must have made a layer as there are layers."""
    steps = [dict(mapping(step)) for step in sequence(old, "history")[:_MOST_STEPS]]
    if sum(not flag(step, "empty_layer") for step in steps) == len(instructions):
        return steps
    return [{"created_by": step or "unknown"} for step in instructions]


def config_name(config: Mapping[str, object]) -> tuple[str, str]:
    """Operating system and architecture, as a manifest's platform has them."""
    return text(config, "os") or "linux", text(config, "architecture") or "amd64"
