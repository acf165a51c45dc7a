r"""The layers of an overlay mount, read from its super options.

Three generations of kernels print them (fs/overlayfs/params.c, super.c). What they print is what
the mounter typed: perhaps relative, a symbolic link or a bare descriptor number, never resolved.

===============  ============================================================  ===================
form             printed as                                                    a colon in a name
===============  ============================================================  ===================
``lowerdir=``    the whole typed string, its own backslashes included          ``\:`` (``\134:``)
``lowerdir=``    Linux 6.5 alone: each name on its own, joined by ``:``        ``\072``
``lowerdir+=``   one option a layer (Linux 6.8, the new mount API)             a plain character
===============  ============================================================  ===================

All is octal-escaped a second time by seq_show_option(): comma, space, tab, newline, backslash.
"""

from __future__ import annotations

import os

from nsview.kernel.mountinfo import unescape
from nsview.named_tuple import NamedTuple
from nsview.typed import Iterable, Iterator

#: An octal escape, a lone backslash, a colon, or a run of anything else.
_PIECE = rb"\\([0-3][0-7][0-7])|[\\:]|[^\\:]+"


class OverlayOptions(NamedTuple):
    """Options of an overlay mount. An option of None is not printed: the module's default holds.

    The defaults are in /sys/module/overlay/parameters.
    """

    lower: tuple[str, ...]
    """Read-only layers, the topmost first."""
    data_only: tuple[str, ...] = ()
    """Layers below them that only hold file contents which metacopy files refer to."""
    upper: str | None = None
    """The writable layer; None: the overlay is read-only."""
    upper_as_shown: str | None = None
    r"""`upper` with its backslashes. A layer passed as a descriptor (Linux 6.13) is printed with no
    backslash added, so ``u\3`` may be the name or mean ``u3``: look for this one first."""
    userxattr: bool = False
    """Whiteouts and opaque marks are in ``user.overlay.*``, not ``trusted.overlay.*``."""
    redirect_dir: str | None = None
    """on, follow, nofollow: renamed directories point to their old place by an attribute."""
    metacopy: str | None = None
    """on, off: a changed file may be its metadata alone, the contents stay in a lower layer."""


def parse_overlay_options(super_options: Iterable[str]) -> OverlayOptions:
    """Return the layers and switches among `Mount.super_options` of an overlay."""
    values: dict[str, str] = {}
    added: dict[str, list[str]] = {"lowerdir+": [], "datadir+": []}
    for option in super_options:
        key, _, value = option.partition("=")
        if key in added:
            added[key].append(unescape(value))
        else:
            values[key] = value  # of a repeated option the last one holds

    lower, data_only = _split_lower(values.get("lowerdir", ""))
    if any(added.values()):
        lower, data_only = tuple(added["lowerdir+"]), tuple(added["datadir+"])
    upper = values.get("upperdir")
    return OverlayOptions(
        lower=lower,
        data_only=data_only,
        upper=None if upper is None else _join(upper),
        upper_as_shown=None if upper is None else unescape(upper),
        userxattr="userxattr" in values,
        redirect_dir=values.get("redirect_dir"),
        metacopy=values.get("metacopy"),
    )


def _split_lower(value: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a ``lowerdir=`` text into lower layers and, after the first ``::``, data-only ones."""
    names = list(_names(value)) if "\\" in value else value.split(":")
    lower: list[str] = []
    data_only: list[str] = []
    layers = lower
    for position, name in enumerate(names):
        if name:
            layers.append(name)
        elif position:
            layers = data_only
    return tuple(lower), tuple(data_only)


def _names(value: str) -> Iterator[str]:
    """Yield what stands between the colons that separate, decoded."""
    import re  # 8 ms, for few names

    name = bytearray()
    literal = False  # the character before was the mounter's own backslash
    for piece in re.finditer(_PIECE, os.fsencode(value)):
        octal = piece[1]
        char = bytes([int(octal, 8)]) if octal else piece[0]
        if not literal and char == b"\\":
            literal = True
        elif not literal and char == b":" and not octal:
            yield os.fsdecode(bytes(name))
            name.clear()
        else:
            name += char
            literal = False
    yield os.fsdecode(bytes(name))


def _join(value: str) -> str:
    """Decode the one name of ``upperdir=``, in which a colon is a plain character.

    The kernel drops the mounter's backslashes (ovl_unescape), a trailing one too.
    """
    if "\\" not in value:
        return value
    import re

    return re.sub(r"\\(.?)", r"\1", unescape(value), flags=re.DOTALL)
