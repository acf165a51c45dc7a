"""How an overlay looks things up: its options, and the module's defaults for those not printed."""

from __future__ import annotations

from pathlib import Path

from nsview.kernel.overlayfs import OverlayOptions
from nsview.layers.stack import OverlayRules

_PARAMETERS = "module/overlay/parameters"


def overlay_rules(options: OverlayOptions, sysfs: str = "/sys") -> OverlayRules:
    """The rules of a mount. An option is printed only where it differs from the module's default.

    Documentation/filesystems/overlayfs.rst; fs/overlayfs/params.c:ovl_show_options.
    """
    if options.userxattr:  # it forbids both of the others
        return OverlayRules(xattr_prefix="user.overlay.", follow_redirects=False)
    redirects = _parameter(sysfs, "redirect_dir") or _parameter(sysfs, "redirect_always_follow")
    if options.redirect_dir is not None:
        redirects = options.redirect_dir in ("on", "follow")
    metacopy = _parameter(sysfs, "metacopy")
    if options.metacopy is not None:
        metacopy = options.metacopy == "on"
    return OverlayRules(follow_redirects=redirects, metacopy=metacopy)


def _parameter(sysfs: str, name: str) -> bool:
    try:
        return Path(sysfs, _PARAMETERS, name).read_text().strip() == "Y"
    except OSError:  # no such module, or an option that this kernel does not know
        return False
