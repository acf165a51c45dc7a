"""``nsview doctor``: what this kernel and these rights allow, and what that costs in the view."""

from __future__ import annotations

from nsview.cli.arguments import Arguments
from nsview.cli.output import print_json, print_notes, print_table
from nsview.host.doctor import Finding, examine
from nsview.host.host import Host
from nsview.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser

EPILOG = "A `no` costs what its last column says; everything else works without it."


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the form of the answer."""
    parser.add_argument("--json", action="store_true", help="one JSON object, exact to the byte")


def run(arguments: Arguments) -> int:
    """Examine this host and these rights."""
    host = Host(census=arguments.census)
    snapshot = host.snapshot()
    findings = examine(host.procfs)
    if arguments.json:
        print_json({"findings": [_json(one) for one in findings]}, snapshot.partial)
        return 0
    rows = [
        ("ok" if one.ok else "no", one.name, one.found, "" if one.ok else one.cost)
        for one in findings
    ]
    print_table(("", "WHAT", "FOUND", "COSTS"), rows, cut=False)
    print_notes(snapshot.partial)
    return 0


def _json(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "ok": finding.ok,
        "found": finding.found,
        "cost": finding.cost,
    }
