r"""From an overlay's mount options to directories that we can open.

The kernel shows what the mounter typed, and keeps no path. What it meant then:

==============================  ==================================================================
shown                           found
==============================  ==================================================================
``/a/b``, ``/docker/l/ABC``     from the root of the mount namespace that it was mounted in
``l/ABC``, upper ``ID/diff``    docker: below the home of the mount ``HOME/ID/merged``
``59/fs``, upper ``/S/60/fs``   containerd: beside the upper layer
``7:8:9``                       containers/storage: the file ``lower`` beside the upper layer
``/tmp/ovl-idmapped1/59/fs``    a mount that is gone again: ``59/fs`` beside the upper layer
``/``                           a detached mount: nothing
==============================  ==================================================================

A mount namespace in which the overlay is listed is believed to be the one; any other, and every
directory that is a guess, only where the overlay itself bears witness (`nsview.layers.witness`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from nsview.kernel.mountinfo import Mount
from nsview.kernel.overlayfs import OverlayOptions, parse_overlay_options
from nsview.kernel.safe_open import on_host, read_below
from nsview.layers.rules import overlay_rules
from nsview.layers.stack import Layer, Resolution, Role, Stack
from nsview.layers.views import Directory, View, find_directory, mount_options
from nsview.layers.witness import Verdict, Witness
from nsview.named_tuple import NamedTuple

_LAYER_OPTIONS = frozenset({"lowerdir", "lowerdir+", "datadir+", "upperdir"})
_LOWER_LIMIT = 64 * 1024
#: Directories of idmapped mounts that live as long as the mount(2) call: containerd's
#: core/mount/mount_idmapped_linux.go, containers/storage's drivers/overlay/overlay.go.
_TEMPORARY = re.compile(r"/ovl-idmapped\d*/|/mapped/\d+/|/composefs-layers/\d+/")


class _Shown(NamedTuple):
    """One layer in the kernel's words."""

    role: Role
    name: str
    second: str | None = None
    """What it means if the first one's backslashes are the mounter's."""


class _Found(NamedTuple):
    place: Directory
    resolution: Resolution
    certain: bool = True
    """Taken unless the witness contradicts; else only if it confirms."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The stack as one mount namespace has it."""

    view: View
    found: tuple[_Found | None, ...]
    confirmed: int
    listed: Mount | None
    """The same overlay in that mount namespace."""

    @property
    def rank(self) -> tuple[int, int]:
        """Greater is better."""
        return self.confirmed, _count(self.found)


def resolve_overlay(
    mount: Mount,
    views: Iterable[View],
    *,
    merged: int | None = None,
    stored: Callable[[], Sequence[Directory | None]] = tuple,
) -> Stack:
    """Return the layers of an overlay mount.

    views: mount namespaces that it may have been mounted in, the likeliest first; read until one
    fits. merged: a descriptor of its root directory. stored: the directories that the engine's
    files name for it, topmost first, for layers that nothing else tells.
    """
    options = parse_overlay_options(mount.super_options)
    shown = _shown_layers(options)
    attempt = _choose(mount, shown, views, Witness(merged))
    found: list[_Found | None] = [None] * len(shown)
    if attempt is not None:
        found = list(attempt.found)
    if not all(found):
        found = _complete(found, stored(), Witness(merged))
    writable = options.upper is not None and "ro" not in mount.super_options
    layers = tuple(
        _layer(index, one, place, writable=writable and index == 0)
        for index, (one, place) in enumerate(zip(shown, found, strict=True))
    )
    listed = attempt.listed if attempt else None
    return Stack(
        layers=layers,
        rules=overlay_rules(options),
        target=on_host(attempt.view.root, listed.target) if attempt and listed else None,
        device=mount.device,
        options=mount_options(mount, but=_LAYER_OPTIONS),
        notes=_notes(layers),
    )


def _shown_layers(options: OverlayOptions) -> list[_Shown]:
    shown = []
    if options.upper is not None:
        literal = options.upper_as_shown or options.upper
        second = options.upper if options.upper != literal else None
        shown.append(_Shown("upper", literal, second))
    shown += (_Shown("lower", name) for name in options.lower)
    shown += (_Shown("data", name) for name in options.data_only)
    return shown


def _choose(
    mount: Mount, shown: Sequence[_Shown], views: Iterable[View], witness: Witness
) -> _Attempt | None:
    """The mount namespace in which the names lead to the layers."""
    best: _Attempt | None = None
    for view in views:
        attempt = _attempt(mount, shown, view, witness)
        if attempt.confirmed and all(attempt.found):
            return attempt
        if not attempt.confirmed and attempt.listed is None:
            continue
        if any(attempt.found) and (best is None or attempt.rank > best.rank):
            best = attempt
    return best


def _attempt(mount: Mount, shown: Sequence[_Shown], view: View, witness: Witness) -> _Attempt:
    listed = view.find(mount.device)
    best: list[_Found | None] = [None] * len(shown)
    confirmed = 0
    for found in _readings(shown, view, listed):
        verdicts = witness.judge([one.place if one else None for one in found])
        accepted = _accept(found, verdicts)
        score = verdicts.count("same")
        if (score, _count(accepted)) > (confirmed, _count(best)):
            best, confirmed = accepted, score
    return _Attempt(view, tuple(best), confirmed, listed)


def _accept(found: Sequence[_Found | None], verdicts: Sequence[Verdict]) -> list[_Found | None]:
    """Those that nothing contradicts; of guesses, those that are confirmed.

    Guesses of one kind are right or wrong together: one that is confirmed, and none contradicted,
    vouches for the empty directories among them.
    """
    said: dict[Resolution, set[Verdict]] = {}
    for one, verdict in zip(found, verdicts, strict=True):
        if one:
            said.setdefault(one.resolution, set()).add(verdict)

    def holds(one: _Found, verdict: Verdict) -> bool:
        if one.certain or verdict != "unknown":
            return verdict != "other"
        return "same" in said[one.resolution] and "other" not in said[one.resolution]

    return [
        one if one and holds(one, verdict) else None
        for one, verdict in zip(found, verdicts, strict=True)
    ]


def _count(found: Sequence[_Found | None]) -> int:
    return sum(one is not None for one in found)


def _readings(
    shown: Sequence[_Shown], view: View, listed: Mount | None
) -> Iterator[list[_Found | None]]:
    """Every way to read the names in one mount namespace, the surest first."""
    plain = [_absolute(one, view) for one in shown]
    upper = plain[0].place if shown and shown[0].role == "upper" and plain[0] else None
    if upper is not None:
        plain = [
            one or _temporary(words, view, upper) for one, words in zip(plain, shown, strict=True)
        ]
    relative = [not words.name.startswith("/") for words in shown]
    if not any(relative):
        yield plain
        return
    lower = [words.name for words in shown if words.role == "lower"]
    if upper is not None and all(name.isdecimal() for name in lower):
        yield _by_descriptors(plain, view, upper, len(lower))
    for base, resolution, certain in _bases(shown, view, listed, upper):
        yield [
            _below(base, words, view, resolution, certain) if is_relative else one
            for one, words, is_relative in zip(plain, shown, relative, strict=True)
        ]
    yield plain


def _absolute(words: _Shown, view: View) -> _Found | None:
    for name in (words.name, words.second):
        if name is not None and name.startswith("/"):
            place = find_directory(view.root, name)
            if place is not None:
                # `/` may be the root itself, or a detached mount: nobody writes to the former.
                certain = name.strip("/") != ""
                return _Found(place, "exact", certain)
    return None


def _below(
    base: str, words: _Shown, view: View, resolution: Resolution, certain: bool
) -> _Found | None:
    for name in (words.name, words.second):
        if name is not None:
            place = find_directory(view.root, f"{base}/{name}")
            if place is not None:
                return _Found(place, resolution, certain)
    return None


def _bases(
    shown: Sequence[_Shown], view: View, listed: Mount | None, upper: Directory | None
) -> Iterator[tuple[str, Resolution, bool]]:
    """Directories that the mounter may have been in, and whether the shape of the names proves it.

    moby: daemon/graphdriver/overlay2/mount.go; containerd: core/mount/mount_linux.go.
    """
    first = next(words.name for words in shown if not words.name.startswith("/"))
    if upper is not None:
        parts, tail = upper.path.split("/"), first.split("/")
        if len(tail) > 1 and parts[-1] == tail[-1] and len(parts) > len(tail):
            yield "/".join(parts[: -len(tail)]), "relative", True
    elif listed is not None and shown[0].role == "upper":
        identity = first.split("/")[0]
        if listed.target.endswith(f"/{identity}/merged"):
            yield listed.target.removesuffix(f"/{identity}/merged") or "/", "by-device", True
    if listed is not None:
        yield os.path.dirname(listed.target), "by-device", False
    if upper is not None:
        yield os.path.dirname(upper.path), "relative", False


def _by_descriptors(
    plain: list[_Found | None], view: View, upper: Directory, count: int
) -> list[_Found | None]:
    """containers/storage opened the layers that the file ``lower`` names, in its order.

    containers/storage: drivers/overlay/mount.go, for more than fits into a page of options.
    """
    layer, home = os.path.dirname(upper.path), os.path.dirname(os.path.dirname(upper.path))
    try:
        data = read_below(view.root, f"{layer}/lower", limit=_LOWER_LIMIT) or b""
    except OSError:
        data = b""
    names = [name for name in os.fsdecode(data).strip().split(":") if name.startswith("l/")]
    if len(names) != count:
        return plain
    places = (find_directory(view.root, f"{home}/{name}") for name in names)
    return [plain[0], *(_Found(place, "fd") if place else None for place in places)]


def _temporary(words: _Shown, view: View, upper: Directory) -> _Found | None:
    """What a mount that is gone was made from, by the last two components of its path."""
    if words.role == "upper" or not _TEMPORARY.search(words.name):
        return None
    base = os.path.dirname(os.path.dirname(upper.path))
    tail = "/".join(words.name.split("/")[-2:])
    place = find_directory(view.root, f"{base}/{tail}")
    return _Found(place, "suffix", certain=False) if place else None


def _complete(
    found: list[_Found | None], stored: Sequence[Directory | None], witness: Witness
) -> list[_Found | None]:
    """Fill in what the engine's files say, if they say it of as many layers."""
    if len(stored) != len(found):
        return found
    known = [place and _Found(place, "store") for place in stored]
    for ours, theirs in zip(found, known, strict=True):
        if ours and theirs and ours.place.identity != theirs.place.identity:
            return found  # it is another stack that they speak of
    whole = [ours or theirs for ours, theirs in zip(found, known, strict=True)]
    verdicts = witness.judge([one.place if one else None for one in whole])
    return [
        None if verdict == "other" else one for one, verdict in zip(whole, verdicts, strict=True)
    ]


def _layer(index: int, words: _Shown, found: _Found | None, *, writable: bool) -> Layer:
    layer = Layer(
        index=index,
        role=words.role,
        writable=writable,
        path=None,
        shown_as=words.name,
        resolution="unresolvable",
    )
    if found is None:
        return layer
    place = found.place
    return replace(layer, path=place.path, root=place.root, resolution=found.resolution)


def _notes(layers: Sequence[Layer]) -> tuple[str, ...]:
    lost = [layer for layer in layers if layer.path is None]
    if not lost:
        return ()
    names = ", ".join(f"{layer.index} ({layer.shown_as})" for layer in lost[:3])
    more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
    return (f"no directory found for layer {names}{more}",)
