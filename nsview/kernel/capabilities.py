"""Capabilities: names of the bits in the Cap* masks of /proc/PID/status. capabilities(7)."""

from __future__ import annotations

from nsview.kernel.procfs import Procfs
from nsview.typed import Final

# fmt: off
#: By bit, without ``CAP_`` (include/uapi/linux/capability.h).
NAMES: Final = (
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
    "setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
    "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
    "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
    "lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
    "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
)
#: What docker and containerd give a container that asks for nothing: fourteen. Podman gives eleven
#: of them, without audit_write, mknod and net_raw.
ENGINE_DEFAULT: Final = frozenset((
    "chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "net_bind_service", "net_raw", "sys_chroot", "mknod", "audit_write", "setfcap",
))
# fmt: on


def capability_names(mask: int) -> tuple[str, ...]:
    """Names of the bits that are set; ``cap_41`` for one that is newer than this program."""
    return tuple(
        NAMES[bit] if bit < len(NAMES) else f"cap_{bit}"
        for bit in range(mask.bit_length())
        if mask >> bit & 1
    )


def has_capability(mask: int, name: str) -> bool:
    """Say whether the mask has the capability of that name."""
    return bool(mask >> NAMES.index(name) & 1)


def read_capability_count(procfs: Procfs) -> int:
    """How many capabilities this kernel has (/proc/sys/kernel/cap_last_cap)."""
    data = procfs.read_global("sys/kernel/cap_last_cap").strip()
    return int(data) + 1 if data.isdigit() else len(NAMES)
