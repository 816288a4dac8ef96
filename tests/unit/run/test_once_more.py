"""What becomes of goals whose proofs the gate refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.gate.selection import GateReport
from orchestrator.gate.verdict import Verdict, VerdictStatus
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result
from orchestrator.run.ledger import RunLedger
from orchestrator.run.report.summary import GoalReport
from tasks.judge import judged_as_found, retry_refused

GOALS = tuple(Goal(id=name, text=f"⊢ {name}", declaration=name, file="A.lean") for name in ("good", "bad", "open"))
FIRST = {
    "good": Result(success=True, tactics=("rfl",)),
    "bad": Result(success=True, tactics=("cheat",)),
    "open": Result(success=False),
}


class Heard(RunLedger):
    """A ledger that only notes what the gate said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bool]] = []

    def record_gate(self, reports: Iterable[GoalReport]) -> None:
        """See `RunLedger.record_gate`."""
        self.said += [(r.goal.id, r.verdict.accepted) for r in reports if r.verdict is not None]


class Judge:
    """A gate that refuses one script."""

    def __init__(self) -> None:
        self.seen: list[dict[str, tuple[str, ...]]] = []

    async def __call__(self, proved: Mapping[str, Result]) -> GateReport:
        """The verdict on each proof."""
        scripts = {key: result.tactics for key, result in proved.items() if result.success}
        self.seen.append(scripts)
        status = {False: VerdictStatus.PASSED, True: VerdictStatus.FAILED}
        verdicts = {key: Verdict(key, "A.lean", status[tactics == ("cheat",)]) for key, tactics in scripts.items()}
        return GateReport((), verdicts, {}, {})


class Others:
    """Strategies that say something else of the refused goals."""

    def __init__(self, *tactics: str) -> None:
        self.asked: list[str] = []
        self._result = Result(success=bool(tactics), tactics=tactics)

    async def __call__(self, goals: Sequence[Goal]) -> Mapping[str, Result]:
        """The same for every goal."""
        self.asked += [goal.id for goal in goals]
        return {goal.id: self._result for goal in goals}


async def once_more(others: Others) -> tuple[dict[str, Result], GateReport, Judge, Heard]:
    judge, ledger = Judge(), Heard()
    results, gate = await retry_refused(GOALS, FIRST, await judge(FIRST), prove=others, judge=judge, ledger=ledger)
    return results, gate, judge, ledger


async def test_the_others_are_asked_of_refused_goals_alone() -> None:
    others = Others("omega")
    results, gate, judge, ledger = await once_more(others)
    assert others.asked == ["bad"]
    assert ledger.said == [("bad", False)]
    assert results["bad"].tactics == ("omega",)
    assert judge.seen[1] == {"good": ("rfl",), "bad": ("omega",)}
    assert {key: verdict.accepted for key, verdict in gate.verdicts.items()} == {"good": True, "bad": True}


async def test_what_is_not_found_leaves_all_as_it_was() -> None:
    results, gate, judge, _ = await once_more(Others())
    assert results == FIRST
    assert len(judge.seen) == 1
    assert not gate.verdicts["bad"].accepted


async def test_a_second_refusal_is_the_last_word() -> None:
    others = Others("cheat")
    _, gate, judge, _ = await once_more(others)
    assert len(judge.seen) == 2
    assert others.asked == ["bad"]
    assert not gate.verdicts["bad"].accepted
    assert gate.verdicts["good"].accepted


async def test_nothing_refused_asks_nobody() -> None:
    others, judge, ledger = Others("omega"), Judge(), Heard()
    fine = {**FIRST, "bad": Result(success=False)}
    gate = await judge(fine)
    assert await retry_refused(GOALS, fine, gate, prove=others, judge=judge, ledger=ledger) == (fine, gate)
    assert (others.asked, ledger.said) == ([], [])


async def test_a_refused_proof_that_was_made_shorter_is_judged_as_it_was_found() -> None:
    judge, ledger = Judge(), Heard()
    shorter = {**FIRST, "bad": Result(success=True, tactics=("cheat",), found_as=("simp", "omega"))}
    gate = await judge(shorter)
    results, gate = await judged_as_found(GOALS, shorter, gate, judge=judge, ledger=ledger)
    assert ledger.said == [("bad", False)]
    assert judge.seen[1] == {"good": ("rfl",), "bad": ("simp", "omega")}
    assert (results["bad"].tactics, results["bad"].found_as) == (("simp", "omega"), ())
    assert gate.verdicts["bad"].accepted
    assert await judged_as_found(GOALS, results, gate, judge=judge, ledger=ledger) == (results, gate)
    assert len(judge.seen) == 2
