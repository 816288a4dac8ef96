"""Title and body of a pull request, and of the comment on a push. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MARKER = "<!-- lean-orchestrator -->"
"""By this a comment of ours is found again."""


def title(summary: Mapping[str, Any]) -> str:
    """Such as "Prove 12 sorries"."""
    solved = sum(goal["status"] in ("solved", "conditional") for goal in summary["goals"])
    return f"Prove {solved} {'sorry' if solved == 1 else 'sorries'}"


def body(summary: Mapping[str, Any]) -> str:
    """What was proved, what is conditional, what looks false, and how it was checked."""
    goals = summary["goals"]
    parts = [
        MARKER,
        f"Proofs for `{str(summary['commit'])[:12]}`, one commit for each declaration. Every proof was checked from "
        "scratch: statements are unchanged, nothing else in the project is different, and the axioms are allowed ones.",
    ]
    parts += _table("Proved", [goal for goal in goals if goal["status"] == "solved"], _proof)
    parts += _table("Conditional on another sorry", [g for g in goals if g["status"] == "conditional"], _rests_on)
    parts += _table("Looks false", [goal for goal in goals if goal["status"] == "looks_false"], _note)
    changes = [f"- `{c['label']}`: `\\leanok` {c['change']} in the {c['part']}" for c in summary.get("blueprint", ())]
    parts += ["### Blueprint", "\n".join(changes)] if changes else []
    counted = f"{sum(goal['status'] == 'open' for goal in goals)} places are still open."
    parts.append(f"{counted} Lean: {summary.get('lean', '')}. Run `{summary['run_id']}`.")
    return "\n\n".join(parts) + "\n"


def push_comment(summary: Mapping[str, Any]) -> str:
    """What a push made provable; "" when there is nothing to say."""
    goals = summary["goals"]
    proved = [goal for goal in goals if goal["status"] in ("solved", "conditional")]
    false = [goal for goal in goals if goal["status"] == "looks_false"]
    if not proved and not false:
        return ""
    parts = [MARKER, f"Of what `{str(summary['commit'])[:12]}` touches, this can be proved now."]
    parts += _table("Provable", proved, _proof)
    parts += _table("Looks false", false, _note)
    return "\n\n".join(parts) + "\n"


def _table(heading: str, goals: Sequence[Mapping[str, Any]], last: Any) -> list[str]:
    if not goals:
        return []
    rows = ["| Declaration | Where | |", "|---|---|---|"]
    rows += [f"| {_code(g['declaration'])} | {_code(g['file'])}:{g['line']} | {last(g)} |" for g in goals]
    return [f"### {heading}", "\n".join(rows)]


def _proof(goal: Mapping[str, Any]) -> str:
    return f"{_code(' ↵ '.join(goal['tactics']))} ({goal['strategy']})"


def _rests_on(goal: Mapping[str, Any]) -> str:
    below = (goal["verdict"] or {}).get("rests_on", ())
    return f"{_code(' ↵ '.join(goal['tactics']))}, rests on {', '.join(map(_code, below))}"


def _note(goal: Mapping[str, Any]) -> str:
    return _code(str(goal["note"]))


def _code(text: str) -> str:
    plain = " ".join(text.split()).replace("|", "\\|")
    longest = max((len(run) for run in _runs(plain)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest else ""
    return f"{fence}{space}{plain}{space}{fence}"


def _runs(text: str) -> list[str]:
    return [run for run in "".join(c if c == "`" else " " for c in text).split(" ") if run]
