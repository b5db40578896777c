# SPDX-License-Identifier: GPL-2.0
"""KTAP, written and read."""

import re
from dataclasses import dataclass

LINE = re.compile(r"^(?P<indent>\s*)(?P<no>not )?ok (?P<number>\d+)"
                  r"(?:\s+-)?\s*(?P<name>[^#]*?)\s*(?:#\s*(?P<rest>.*))?$")
PLAN = re.compile(r"^(?P<indent>\s*)1\.\.(?P<count>\d+)")


@dataclass
class Outcome:
    """One result: STATUS is "passed", "failed" or "skipped"."""
    name: str
    status: str
    text: str = ""
    seconds: float = 0.0


def directive(outcome):
    """Return what follows the '#' of a result line."""
    if outcome.status == "skipped":
        return f"SKIP {outcome.text}"
    return f"{outcome.seconds:.1f} s"


def line(number, outcome):
    """Return the result line of OUTCOME."""
    ok = "not ok" if outcome.status == "failed" else "ok"
    return f"{ok} {number} {outcome.name} # {directive(outcome)}"


def diagnostics(text):
    """Return TEXT as diagnostic lines."""
    return "\n".join(f"# {part}" for part in text.rstrip("\n").splitlines())


def parse(text, prefix=""):
    """Read KTAP and return its results as a list of Outcome.

    Results with subtests of their own are not counted again. A plan, before
    its results or after them, that is not fulfilled, or a text without any
    result, is a failed Outcome.
    """
    outcomes, open_plans, detail = [], {}, []
    seen = {}       # results so far, by indentation
    below = 0       # indentation of the results just read
    for raw in text.splitlines():
        plan, result = PLAN.match(raw), LINE.match(raw)
        if plan:
            indent = len(plan["indent"])
            open_plans[indent] = int(plan["count"]) - seen.get(indent, 0)
        elif result:
            indent = len(result["indent"])
            seen = {i: n for i, n in seen.items() if i <= indent}
            seen[indent] = seen.get(indent, 0) + 1
            if indent in open_plans:
                open_plans[indent] -= 1
            for deeper in [i for i in open_plans if i > indent]:
                missing = open_plans.pop(deeper)
                if missing:
                    outcomes.append(Outcome(f"{prefix}{result['name']}", "failed",
                                            f"{missing} results of the plan are missing"))
            rest = result["rest"] or ""
            if result["no"]:
                status = "failed"
            elif rest.upper().startswith("SKIP"):
                status = "skipped"
            else:
                status = "passed"
            if not (below > indent and status == "passed"):
                outcomes.append(Outcome(f"{prefix}{result['name'] or result['number']}", status,
                                        rest[5:] if status == "skipped" else "\n".join(detail)))
            below, detail = indent, []
        elif raw.lstrip().startswith("#"):
            detail.append(raw.lstrip("# "))
    for missing in open_plans.values():
        if missing:
            outcomes.append(Outcome(f"{prefix}plan", "failed",
                                    f"{missing} results of the plan are missing"))
    if not outcomes:
        outcomes.append(Outcome(f"{prefix}results", "failed", "no result in the file"))
    return outcomes
