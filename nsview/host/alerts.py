"""What about a container's resources somebody should know without looking for it."""

from __future__ import annotations

from nsview.host.resources import Cpu, Memory, Pids, Resources
from nsview.named_tuple import NamedTuple
from nsview.typed import Literal

AlertKind = Literal["oom", "memory", "pids", "throttled"]

#: Per cent of the periods of its quota in which it was stopped.
_OFTEN = 5.0
#: Of its limit.
_NEAR = 0.9


class Alert(NamedTuple):
    """One reason to look closer."""

    kind: AlertKind
    text: str
    """In few words: per cent are of its limit, or of the periods of its quota."""


def find_alerts(resources: Resources) -> tuple[Alert, ...]:
    """The worst first. Kills count as long as the control group lives, the rest is as of now."""
    found = (
        _oom_killed(resources.memory) if resources.counted == "cgroup" else None,
        _near_its_limit(resources.memory),
        _few_pids_left(resources.pids),
        _throttled(resources.cpu),
    )
    return tuple(alert for alert in found if alert is not None)


def _oom_killed(memory: Memory | None) -> Alert | None:
    kills = memory.events.oom_kill if memory else 0
    return Alert("oom", f"{kills} OOM-killed") if kills else None


def _near_its_limit(memory: Memory | None) -> Alert | None:
    if memory is None or not memory.limit or memory.working_set < _NEAR * memory.limit:
        return None
    return Alert("memory", f"memory at {100 * memory.working_set / memory.limit:.0f} %")


def _few_pids_left(pids: Pids | None) -> Alert | None:
    if pids is None or not pids.limit or pids.current < _NEAR * pids.limit:
        return None
    return Alert("pids", f"{pids.current} of {pids.limit} tasks")


def _throttled(cpu: Cpu | None) -> Alert | None:
    if cpu is None or cpu.throttled is None or cpu.throttled < _OFTEN:
        return None
    return Alert("throttled", f"throttled {cpu.throttled:.0f} %")
