"""A plan in words, one line a step, in the order in which they happen."""

from __future__ import annotations

from nsview.enter.plan import Plan
from nsview.enter.target import Descriptors, Target
from nsview.kernel.capabilities import capability_names


def describe(plan: Plan, target: Target, descriptors: Descriptors) -> tuple[str, ...]:
    """What will be done, and what is left as it is."""
    joins = ", ".join(f"{kind}:[{ino}]" for kind, ino in plan.namespaces)
    steps = [
        f"target: process {target.pid}, held by a pidfd",
        f"joins {joins}" if joins else "joins nothing: all namespaces are our own already",
    ]
    if not plan.inside:
        return (*steps, "a program of the host, with our own rights: nothing else is taken over")
    hierarchies = ", ".join(words for words, *_ in descriptors.cgroups)
    groups = ", ".join(map(str, plan.groups or ())) or "none"
    steps += [
        "root and working directory of the target",
        f"control groups: {hierarchies if plan.join_cgroup and hierarchies else 'our own'}",
        f"user {plan.uid}:{plan.gid} on the host, groups {groups}",
        f"{len(plan.limits)} limits, umask {plan.umask or 0:04o}, "
        f"oom_score_adj {plan.oom_score_adj}",
        *_confinement(plan),
    ]
    return tuple(steps)


def _confinement(plan: Plan) -> list[str]:
    if plan.bounding is None:
        return ["privileged: all capabilities, no seccomp filter, no security label"]
    label = plan.label
    return [
        "capabilities: " + (", ".join(capability_names(plan.bounding)) or "none") + " at most",
        "no_new_privs: " + ("on" if plan.no_new_privs else "off, as in the container"),
        "seccomp: " + ("the target's filter" if plan.seccomp else "no filter, as in the container"),
        f"security label: {label.module} {label.label}" if label else "security label: none",
    ]
