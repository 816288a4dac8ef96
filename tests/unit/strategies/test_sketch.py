"""Sketches: what is asked, what is taken from answers, how Lean corrects them, and how subgoals become a proof."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_strategies import a_goal, cast, scheduler_for
from virtual_time import run

from orchestrator.errors import ModelError, PatchError, SessionDied
from orchestrator.goals.goal import Context, Goal, Position, Sketch, SorryKind, SourceSpan
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.protocol import CheckReply, SplitReply, TacticReply
from orchestrator.scheduler.memory import MemoryLedger
from orchestrator.scheduler.subgoals import Scripts
from orchestrator.source.splice import assembled
from orchestrator.strategies.base import ProofContext
from orchestrator.strategies.sketch.chat import Completion, Role, Turn, Usage
from orchestrator.strategies.sketch.strategy import (
    Hints,
    continuation,
    first_prompt,
    forbidden_in,
    run_sketch,
    script_in,
)
from tests.doubles.scripted_models import ScriptedChat

GOAL = Goal("g", "n : Nat\n⊢ P n", Context("Ns", ("Nat",), ("Std",)), declaration="Ns.foo")


@dataclass
class Pretended:
    """A prover whose declarations take the scripts of a table: errors, or the texts of open places."""

    table: Mapping[str, tuple[str, ...] | str]
    asked: list[str] = field(default_factory=list)
    batches: list[tuple[str, ...]] = field(default_factory=list)
    goal: Goal = GOAL
    goals: int = 1

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[ProofContext]:
        """See `Prover.open`."""
        yield self  # type: ignore[misc]

    async def split(self, script: str, *, seconds: float = 30.0) -> SplitReply:
        """See `ProofContext.split`."""
        self.asked.append(script)
        answer = self.table.get(script, "unknown tactic")
        if isinstance(answer, str):
            return SplitReply(errors=(answer,))
        return SplitReply(tuple(replace(GOAL, id=f"g.{i}", text=t) for i, t in enumerate(answer)))

    async def tactics(self, tactics: Sequence[str], *, budget_seconds: float = 0.0) -> tuple[TacticReply, ...]:
        """See `ProofContext.tactics`: what the table has no errors for."""
        self.batches.append(tuple(tactics))
        tried = ((one, self.table.get(one, "unknown tactic")) for one in tactics)
        return tuple(
            TacticReply(one, error=left) if isinstance(left, str) else TacticReply(one, not left, left)
            for one, left in tried
        )

    async def check(self, script: str, *, seconds: float = 30.0) -> CheckReply:
        """See `ProofContext.check`."""
        return CheckReply(accepted=self.table.get(script) == ())


def sketch(
    table: Mapping[str, tuple[str, ...] | str], *answers: str | Completion | ModelError, rounds: int = 3
) -> tuple[Result, ScriptedChat]:
    chat = ScriptedChat(answers)
    return asyncio.run(run_sketch(GOAL, 30.0, prover=Pretended(table), chat=chat, rounds=rounds)), chat


def test_a_proof_is_taken() -> None:
    result, chat = sketch({"simp": ()}, Completion("```lean\nsimp\n```", Usage(10, 2, 0.1, 1)))
    assert (result.success, result.tactics, result.strategy) == (True, ("simp",), StrategyType.SKETCH)
    assert result.metadata["usage"] == {"prompt_tokens": 10, "completion_tokens": 2, "cost": 0.1, "requests": 1}
    assert len(chat.asked) == 1


def test_lean_s_errors_are_told_and_the_next_answer_counts() -> None:
    answers = [
        Completion("```lean\nfoo\n```", Usage(1, 1, 0.0, 1)),
        Completion("```lean\nsimp\n```", Usage(2, 2, 0.0, 1)),
    ]
    result, chat = sketch({"simp": (), "foo": "unknown tactic 'foo'"}, *answers)
    assert result.success
    assert "unknown tactic 'foo'" in chat.asked[1][-1].text
    assert result.metadata["usage"] == {"prompt_tokens": 3, "completion_tokens": 3, "cost": 0.0, "requests": 2}


def sampled(
    table: Mapping[str, tuple[str, ...] | str], *answers: list[str], goal: Goal = GOAL, completes: bool = False
) -> tuple[Result, ScriptedChat, Pretended]:
    chat, prover = ScriptedChat(answers, samples=4, completes=completes), Pretended(table, goal=goal)
    hints = Hints(before=lambda _goal: "theorem foo : P n := by\n  ")
    return asyncio.run(run_sketch(goal, 30.0, prover=prover, chat=chat, hints=hints)), chat, prover


def test_of_several_whole_proofs_the_first_that_lean_accepts_is_taken() -> None:
    result, chat, prover = sampled({"simp": (), "omega": ()}, ["foo", "bar", "simp", "omega", "foo"])
    assert (result.success, result.tactics, chat.counts) == (True, ("simp",), [4])
    assert prover.batches == [("foo", "bar", "simp", "omega")]
    assert prover.asked == ["simp"]
    assert result.metadata["samples"] == 5


def test_the_most_promising_of_several_is_repaired() -> None:
    table = {"a": "first\nerror", "b": ("⊢ Q",), "good": ()}
    result, chat, _ = sampled(table, ["a", "zz"], ["good"])
    assert (result.success, chat.counts) == (True, [4, 1])
    assert chat.asked[1][-2] == Turn(Role.ASSISTANT, "a")
    result, _, _ = sampled(table, ["a", "b"])
    assert (result.success, result.subgoals) == (False, ("⊢ Q",))


def test_a_model_without_a_chat_goes_on_with_the_file() -> None:
    goal = replace(GOAL, span=SourceSpan(Position(2, 2), Position(2, 7)))
    table = {"intro x\nsimp": (), "bad": "no such tactic"}
    result, chat, _ = sampled(
        table, ["bad\n\ntheorem other"], ["intro x\n  simp\n```\nThat is it."], goal=goal, completes=True
    )
    assert (result.success, result.tactics) == (True, ("intro x", "simp"))
    first, second = chat.asked
    assert isinstance(first, str)
    assert first.endswith("theorem foo : P n := by\n  ")
    assert "Lean: no such tactic" in second


@given(st.text(), st.integers(0, 8))
def test_a_continuation_never_has_a_line_of_the_next_command(answer: str, column: int) -> None:
    script = continuation(answer, column)
    assert "```" not in script
    assert continuation(f"simp\n{' ' * column}omega\ntheorem x", column) == ("simp\nomega" if column else "simp")


def test_a_whole_file_with_a_theorem_is_read_as_its_proof() -> None:
    assert script_in("```lean4\nimport Mathlib\nopen Nat\n\ntheorem x : a := by\n  simp\n  omega\n```") == "simp\nomega"


def test_rounds_are_bounded() -> None:
    result, chat = sketch({}, *["```lean\nfoo\n```"] * 9, rounds=3)
    assert (result.success, result.error, len(chat.asked)) == (False, "not proved", 3)
    assert result.metadata["lean_errors"] == ["unknown tactic"]


def test_open_steps_are_handed_on() -> None:
    script = "have h : Q := by sorry\nexact h"
    result, _ = sketch({script: ("⊢ Q",)}, f"```lean\n{script}\n```")
    assert (result.success, result.error) == (False, "not proved")
    assert result.subgoals == ("⊢ Q",)
    assert "\n".join(result.tactics) == script


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("theorem x : a := rfl", "no tactic script"),
        ("```lean\nrun_tac foo\n```", "`run_tac` must not be used"),
        ("```lean\nsorry\n```", "no step was made"),
        (Completion("```lean\nsim", complete=False), "cut off"),
    ],
)
def test_what_cannot_be_tried_is_explained(answer: str | Completion, words: str) -> None:
    _, chat = sketch({"sorry": (GOAL.text,), "simp": ()}, answer, "simp")
    assert words in chat.asked[1][-1].text


def test_a_failing_model_is_a_result_with_what_was_spent() -> None:
    result, _ = sketch({}, Completion("foo", Usage(5, 5, 0.0, 1)), ModelError("too busy", hint="Raise X."))
    assert result.error == "too busy. Raise X."
    assert result.metadata["usage"]["prompt_tokens"] == 5  # type: ignore[index]


def test_the_prompt_holds_goal_context_premises_and_failures() -> None:
    hints = Hints(premises=lambda _goal: ["foo : a = b"], failures=lambda _goal: ["micro: timeout"])
    prompt = first_prompt(GOAL, hints)
    for part in (GOAL.text, "Ns.foo", "Std", "Namespace: Ns", "Open: Nat", "- foo : a = b", "- micro: timeout"):
        assert part in prompt


@pytest.mark.parametrize(
    ("answer", "script"),
    [
        ("```lean\ntheorem x (a : Nat) : a = a := by\n  intro x\n  simp\n```", "intro x\nsimp"),
        (
            "so:\n```lean4\nby\n  intro x\n  have h : a := by sorry\n  simp\n```\nthus",
            "intro x\nhave h : a := by sorry\nsimp",
        ),
        ("```\nintro x\nsimp\n```", "intro x\nsimp"),
        ("simp", "simp"),
        ("```lean\nby simp\n```", "simp"),
        ("```lean\n  constructor\n  · simp\n```", "constructor\n· simp"),
        ("```lean\nby intro x\n   simp\n```", "intro x\nsimp"),
        ("have h : x := by\n  simp\n  omega", "have h : x := by\n  simp\n  omega"),
        ("```lean\na\n```\nbetter:\n```lean\nb\n```", "b"),
        ("theorem x : 1 = 1 := rfl", ""),
        ("", ""),
    ],
)
def test_the_script_in_an_answer(answer: str, script: str) -> None:
    assert script_in(answer) == script


@given(st.text(max_size=200))
def test_no_answer_is_too_odd(answer: str) -> None:
    script = script_in(answer)
    forbidden_in(script)
    assert script == script.rstrip()


@pytest.mark.parametrize("script", ["native_decide", "simp\n#eval 1", "set_option foo true in simp", "exact IO.x"])
def test_what_a_proof_has_no_use_for(script: str) -> None:
    assert forbidden_in(script)
    assert forbidden_in("simp -- #eval native_decide") == ""


def test_assembling() -> None:
    script = "have h : Q := by sorry\nhave k : R := sorry\n· exact h -- sorry\n· sorry"
    proofs = [(SorryKind.TACTIC, "simp\nomega"), (SorryKind.TERM, "rfl"), (SorryKind.TACTIC, "grind")]
    whole = assembled(script, proofs)
    assert "sorry" not in whole.replace("-- sorry", "")
    assert whole.startswith("have h : Q := by\n  simp\n  omega\n")
    assert whole.endswith("· grind")
    with pytest.raises(PatchError, match="3 sorries"):
        assembled(script, proofs[:1])


SCRIPT = "have h : Q := by sorry\nexact foo h (by sorry)"
SKETCHED = Result(
    False, StrategyType.SKETCH, tuple(SCRIPT.split("\n")), subgoals=("⊢ Q", "⊢ R"), outcome=Outcome.NOT_PROVED
)


@dataclass
class Splits(Scripts):
    """A Lean that knows one sketch."""

    wrong: str = ""
    checked: list[str] = field(default_factory=list)
    dies: bool = False

    async def split(self, goal: Goal, script: str) -> tuple[Goal, ...]:
        """See `Scripts.split`."""
        if self.dies:
            raise SessionDied("gone")
        within = Sketch(goal, script)
        return tuple(replace(goal, id=f"{goal.id}.{name}", text=f"⊢ {name}", within=within) for name in "QR")

    async def check(self, goal: Goal, script: str) -> str:
        """See `Scripts.check`."""
        self.checked.append(script)
        return self.wrong


def prove(scripts: Splits, proved: Mapping[str, bool]) -> tuple[Result, MemoryLedger]:
    from scripted_strategies import Act

    micro = {"g": [Act()], **{f"g.{name}": [Act(proves=ok)] for name, ok in proved.items()}}
    ledger = MemoryLedger()

    async def work() -> Result:
        strategies = cast(micro=micro, sketch={"g": [Act(result=SKETCHED)]})
        return await scheduler_for(strategies, scripts=scripts, memory=ledger).run_goal(a_goal(), n=1)

    return run(work()), ledger


def test_subgoals_are_proved_by_the_others_and_the_whole_is_checked() -> None:
    scripts = Splits()
    result, ledger = prove(scripts, {"Q": True, "R": True})
    assert result.success
    assert result.strategy is StrategyType.SKETCH
    assert "\n".join(result.tactics) == "have h : Q := by trivial\nexact foo h (by trivial)"
    assert scripts.checked == ["\n".join(result.tactics)]
    assert result.metadata["subgoals_proved"] == 2
    tried = [(goal.id, kept.strategy, kept.success) for goal, kept in ledger.attempts]
    assert ("g.Q", StrategyType.MICRO, True) in tried
    assert tried[-1] == ("g", StrategyType.SKETCH, True)


def test_subgoals_that_stay_open_are_named() -> None:
    scripts = Splits()
    result, _ = prove(scripts, {"Q": False, "R": True})
    assert not result.success
    assert result.subgoals == ("⊢ Q",)
    assert (result.metadata["subgoals"], result.metadata["subgoals_proved"]) == (2, 1)
    assert scripts.checked == []


def test_proofs_that_do_not_fit_together_are_no_proof() -> None:
    result, _ = prove(Splits(wrong="type mismatch"), {"Q": True, "R": True})
    assert not result.success
    assert result.metadata["assembly"] == "type mismatch"


def test_a_session_that_breaks_costs_the_sketch_alone() -> None:
    result, _ = prove(Splits(dies=True), {})
    assert not result.success
    assert result.subgoals == ("⊢ Q", "⊢ R")
