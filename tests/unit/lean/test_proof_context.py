"""One goal on a workspace: tactics on its states, proofs in its declaration, and processes that end meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_lean import SmallLean, project

from orchestrator.errors import PatchError, RequestRefused, SessionDied
from orchestrator.goals.goal import Goal, Identity, Position, SorryKind, SourceSpan
from orchestrator.lean.extraction import goals_of
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.protocol import Command, Forget, Limits, Sorry, Tactics
from orchestrator.lean.sketches import goals_in, write_into
from orchestrator.lean.workspace import Workspace

LIMITS = Limits(heartbeats=10, milliseconds=2000)


async def opened(lean: SmallLean, text: str, *, which: int = 0) -> OpenGoal:
    """The goal of a file's sorry number `which`."""
    workspace = Workspace(lean.session, project(A=text))
    elaborated = await workspace.load("A")
    module = workspace.project.modules[0]
    goal = goals_of(module, elaborated.reply.sorries, lambda _text: 0.5)[which]
    return OpenGoal(workspace, goal, LIMITS)


def asked(lean: SmallLean) -> list[Tactics]:
    """The batches so far."""
    return [request for request in lean.session.asked if isinstance(request, Tactics)]


async def test_tactics_are_tried_on_the_goals_state_until_one_closes_it() -> None:
    lean = SmallLean()
    goal = await opened(lean, "a := sorry\nb := sorry\n", which=1)
    replies = await goal.tactics(["a", "closes", "b"])
    assert [(reply.tactic, reply.completed) for reply in replies] == [("a", False), ("closes", True)]
    (batch,) = asked(lean)
    assert (batch.proof_state, batch.limits, batch.budget_milliseconds) == (1, LIMITS, 0)
    assert len(await goal.tactics(["closes", "b"], stop_on_success=False)) == 2


async def test_no_tactics_are_no_request() -> None:
    lean = SmallLean()
    goal = await opened(lean, "sorry")
    before = len(lean.session.asked)
    assert await goal.tactics([]) == ()
    assert len(lean.session.asked) == before


async def test_limits_and_budget_go_with_the_batch() -> None:
    lean = SmallLean()
    goal = await opened(lean, "sorry")
    mine = Limits(milliseconds=7)
    replies = await goal.tactics(["a", "b", "c"], limits=mine, budget_seconds=0.02)
    assert [reply.tactic for reply in replies] == ["a", "b"]
    assert (asked(lean)[0].limits, asked(lean)[0].budget_milliseconds) == (mine, 20)


async def test_a_later_state_is_tried_as_given() -> None:
    lean = SmallLean()
    goal = await opened(lean, "x <;> sorry")
    await goal.tactics(["a"])
    (reply,) = await goal.tactics(["closes"], proof_state=2)
    assert asked(lean)[-1].proof_state == 2
    assert reply.completed


async def test_a_tactic_has_to_close_every_state_of_its_place() -> None:
    lean = SmallLean(closes={0: frozenset({"first", "both"}), 1: frozenset({"second", "both"})})
    goal = await opened(lean, "x <;> sorry")
    replies = await goal.tactics(["second", "first", "both", "never tried"])
    assert [(reply.tactic, reply.completed) for reply in replies] == [
        ("second", False),
        ("first", False),
        ("both", True),
    ]


async def test_a_tactic_that_ends_the_process_is_a_failed_one_and_the_others_are_tried() -> None:
    lean = SmallLean()
    goal = await opened(lean, "sorry")
    replies = await goal.tactics(["a", "crash", "b", "closes", "c"])
    assert [(r.tactic, r.completed, r.error) for r in replies] == [
        ("a", False, ""),
        ("crash", False, "Lean broke on it: The Lean process ended"),
        ("b", False, ""),
        ("closes", True, ""),
    ]
    assert lean.session.generation == 3
    assert [module for module, _, _ in lean.files()] == ["A", "A", "A"]


async def test_a_tactic_that_ends_the_process_on_a_second_state_is_a_failed_one() -> None:
    lean = SmallLean(closes={0: frozenset({"closes", "crash"}), 1: frozenset({"closes"})})
    goal = await opened(lean, "x <;> sorry")
    replies = await goal.tactics(["crash", "closes"])
    assert [(r.completed, r.failed) for r in replies] == [(False, True), (True, False)]


async def test_the_budget_holds_over_a_process_that_ended() -> None:
    lean = SmallLean()
    goal = await opened(lean, "sorry")
    replies = await goal.tactics(["a", "crash", "b", "c", "d"], budget_seconds=0.03)
    assert [reply.tactic for reply in replies] == ["a", "crash", "b", "c"]


async def test_a_process_that_ends_on_a_later_state_is_the_callers_matter() -> None:
    lean = SmallLean()
    goal = await opened(lean, "sorry")
    (reply,) = await goal.tactics(["a"])
    with pytest.raises(SessionDied):
        await goal.tactics(["crash"], proof_state=reply.proof_state)


async def test_a_process_that_ended_meanwhile_is_nobodys_fault() -> None:
    lean = SmallLean()
    goal = await opened(lean, "sorry")
    await goal.tactics(["a"])
    lean.end()
    (reply,) = await goal.tactics(["closes"])
    assert reply.completed
    lean.end()
    assert (await goal.check("closes")).accepted


async def test_a_process_that_ends_right_before_a_batch_is_noticed() -> None:
    lean = SmallLean()
    goal = await opened(lean, "sorry")
    await goal.ready()
    lean.ends_before = "Tactics("
    replies = await goal.tactics(["a", "closes"])
    assert [reply.completed for reply in replies] == [False, True]
    lean.ends_before = "Tactics("
    with pytest.raises(SessionDied, match="unnoticed"):
        await goal.tactics(["a"], proof_state=0)


async def test_a_goal_that_is_not_in_its_file_is_refused() -> None:
    lean = SmallLean()
    goal = await opened(lean, "sorry")
    elsewhere = SourceSpan(Position(9, 0), Position(9, 5))
    moved = OpenGoal(goal._workspace, Goal("g", "⊢ 0", file="A.lean", module="A", span=elsewhere), LIMITS)
    with pytest.raises(RequestRefused, match=r"not where it was \(A\.lean"):
        await moved.ready()


@pytest.mark.parametrize(
    ("text", "script", "accepted", "error", "left"),
    [
        ("t := by sorry", "closes", True, "", 0),
        ("t := by sorry", "broken", False, "this is broken", 0),
        ("t := by sorry", "slow", False, "timeout", 0),
        ("t := by sorry", "exact sorry", False, "as many sorries as before", 1),
        ("t := by sorry", "x <;> sorry", False, "as many sorries as before", 1),
        ("t := by sorry", "hidden", False, "does not show", 0),
        ("t := by sorry", "(closes", False, "brackets of the proof do not match", 0),
        ("t := by sorry", "", False, "the proof is empty", 0),
        ("t := by sorry", "crash", False, "Lean broke on it: The Lean process ended", 0),
        ("t := by x <;> sorry", "closes", True, "", 0),
        ("t := ⟨by sorry, by sorry⟩", "closes", True, "", 1),
        ("t := ⟨by sorry, by sorry⟩", "exact ⟨sorry, sorry⟩", False, "as many sorries as before", 3),
    ],
)
async def test_a_proof_is_checked_in_its_declaration(
    text: str, script: str, accepted: bool, error: str, left: int
) -> None:
    lean = SmallLean()
    goal = await opened(lean, text)
    reply = await goal.check(script)
    assert (reply.accepted, reply.other_sorries) == (accepted, left)
    assert error in "".join(reply.errors)
    assert accepted == (reply.errors == ())


async def test_sorries_of_other_declarations_do_not_count_for_a_proof() -> None:
    lean = SmallLean()
    goal = await opened(lean, "t := by sorry")
    await goal.ready()
    (own,) = goal._siblings
    elsewhere = SourceSpan(Position(7, 0), Position(7, 5))
    goal._siblings = (own, replace(own, span=elsewhere, command=elsewhere, before=99))
    assert not (await goal.check("exact sorry")).accepted


async def test_a_check_is_a_command_on_the_environment_in_front_of_the_declaration() -> None:
    lean = SmallLean()
    goal = await opened(lean, "theorem s : a := b\r\n  theorem t : α = β := by sorry\r\n")
    await goal.check("closes", seconds=4)
    place = goal._sorries[0]
    assert lean.session.asked[-1] == Command(
        "  theorem t : α = β := by closes", place.before, Limits(heartbeats=0, milliseconds=4000)
    )


async def test_what_was_made_while_the_goal_was_open_is_dropped() -> None:
    lean = SmallLean()
    goal = await opened(lean, "t := by sorry")
    await goal.ready()
    env, state = len(lean.environments) - 1, len(lean.states) - 1
    await goal.tactics(["a", "b"])
    await goal.check("sorry")
    await goal.release()
    assert lean.session.asked[-1] == Forget((env + 1, env + 2), proof_states_from=state + 1)
    again = OpenGoal(goal._workspace, goal.goal, LIMITS)
    await again.ready()
    await again.tactics(["closes"])
    await again.release()
    dropped = lean.session.asked[-1]
    assert isinstance(dropped, Forget)
    assert dropped.proof_states_from == state + 4, "what is dropped already is not dropped again"


async def test_nothing_is_dropped_on_another_process() -> None:
    lean = SmallLean()
    goal = await opened(lean, "t := by sorry")
    await goal.release()
    await goal.ready()
    lean.end()
    await goal.release()
    assert lean.forgotten == []


def _goal(start: tuple[int, int], end: tuple[int, int], kind: SorryKind = SorryKind.TACTIC) -> Goal:
    return Goal("g", "⊢ p", kind=kind, span=SourceSpan(Position(*start), Position(*end)))


def test_a_fragment_is_the_command_alone_and_its_first_line_keeps_its_column() -> None:
    text = "def a := 1 theorem t : p := by\n  sorry theorem u : q := sorry\n"
    command = SourceSpan(Position(1, 11), Position(2, 7))
    assert write_into(text, _goal((2, 2), (2, 7)), "x\ny", command).fragment == (
        "           theorem t : p := by\n  x\n  y"
    )
    one_line = SourceSpan(Position(2, 8), Position(2, 30))
    term = _goal((2, 25), (2, 30), SorryKind.TERM)
    assert write_into(text, term, "exact h", one_line).fragment == "        theorem u : q := h"


def test_a_goal_outside_its_command_cannot_be_filled() -> None:
    with pytest.raises(PatchError):
        write_into("a\nb\nsorry", _goal((3, 0), (3, 5)), "x", SourceSpan(Position(1, 0), Position(2, 1)))


def test_a_sketchs_goals_are_not_taken_for_the_goal_itself() -> None:
    text = "theorem t : p := by sorry\n"
    goal = replace(_goal((1, 20), (1, 25)), identity=Identity("0" * 64))
    written = write_into(text, goal, "have h : q := by sorry\nexact h", SourceSpan(Position(1, 0), Position(1, 25)))
    (inner,) = goals_in(written, goal, "", [Sorry("⊢ q", SourceSpan(written.region.start, written.region.end), 0)])
    assert (inner.identity, inner.within is not None, inner.text) == (None, True, "⊢ q")
