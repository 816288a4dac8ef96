"""The content of a summary.json, as small as a test needs it."""

from __future__ import annotations

from typing import Any


def a_goal(status: str = "open", **changes: Any) -> dict[str, Any]:
    """One goal of a summary; solved and refused ones come with a proof."""
    proved = status in ("solved", "conditional", "rejected")
    goal = {
        "file": "Grove/Arith.lean",
        "line": 43,
        "declaration": "Grove.sumTo_add",
        "status": status,
        "strategy": "micro" if proved else None,
        "tactics": ["simp", "omega"] if proved else [],
        "time_seconds": 0.31,
        "note": "" if proved else "out of time",
    }
    return {**goal, **changes}


def a_summary(*goals: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A summary of these goals."""
    solved = sum(goal["status"] == "solved" for goal in goals)
    summary = {
        "goals": list(goals),
        "goals_total": len(goals),
        "goals_solved": solved,
        "goals_conditional": 0,
        "problems": [],
        "notes": [],
        "coverage": {"files": 1, "worked_on": 1, "sorries": 0, "why": [], "words": ""},
        "blueprint": [],
        "stopped": "",
        "wall_seconds": 208.2,
        "config": {"profile": 1},
    }
    return {**summary, **changes}
