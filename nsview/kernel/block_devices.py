"""Block devices by number: what they are called, and what they are stacked on. sysfs(5)."""

from __future__ import annotations

import os

from nsview.light import lru_cache

_SYS = "/sys/dev/block"


@lru_cache(maxsize=256)
def device_name(device: str, root: str = _SYS) -> str:
    """``vda`` for ``254:0``; the number itself where the kernel shows no such device."""
    try:
        return os.path.basename(os.readlink(f"{root}/{device}"))
    except OSError:
        return device


@lru_cache(maxsize=256)
def is_partition(device: str, root: str = _SYS) -> bool:
    """It is a part of another device."""
    return os.path.exists(f"{root}/{device}/partition")


@lru_cache(maxsize=256)
def devices_below(device: str, root: str = _SYS) -> frozenset[str]:
    """Devices that this one (LVM, dm-crypt, RAID) passes its requests on to."""
    found = set()
    try:
        for name in os.listdir(f"{root}/{device}/slaves"):
            with open(f"{root}/{device}/slaves/{name}/dev", encoding="ascii") as file:
                found.add(file.read().strip())
    except OSError:
        pass  # no such device, or it went away
    return frozenset(found)
