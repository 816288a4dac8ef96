"""The AND/OR tree of goals, and the script it comes to."""

from __future__ import annotations

import pytest

from orchestrator.strategies.hammer.proof_tree import GoalNode, StepNode, bulleted


def split(goal: GoalNode, tactic: str, *texts: str) -> StepNode:
    step = StepNode(goal, tactic)
    step.goals = [GoalNode(text, step, goal.cost + 1.0) for text in texts]
    goal.steps.append(step)
    return step


def test_a_goal_is_proved_when_every_goal_of_one_step_is() -> None:
    root = GoalNode("⊢ p")
    step = split(root, "induction n", "zero", "succ")
    step.goals[0].close(("rfl",))
    assert not root.proved
    with pytest.raises(ValueError, match="not proved"):
        _ = root.script
    step.goals[1].close(("simp", "omega"))
    assert root.script == ("induction n", "· rfl", "· simp", "  omega")


def test_a_step_that_leaves_one_goal_needs_no_bullet_and_prefixes_stand_first() -> None:
    root = GoalNode("⊢ p", prefix=("intros",))
    step = split(root, "funext x", "q")
    step.goals[0].prefix = ("rename_i y",)
    step.goals[0].close(("rfl",))
    assert root.script == ("intros", "funext x", "rename_i y", "rfl")


def test_the_first_proof_stays() -> None:
    root = GoalNode("⊢ p")
    first, second = split(root, "left", "a"), split(root, "right", "b")
    second.goals[0].close(("grind",))
    first.goals[0].close(("rfl",))
    assert root.script == ("right", "grind")


def test_what_lies_below_a_proved_goal_is_wanted_no_more() -> None:
    root = GoalNode("⊢ p")
    step = split(root, "cases h", "a", "b")
    below = split(step.goals[0], "simp", "c").goals[0]
    assert below.wanted
    step.goals[0].close(("rfl",))
    assert not below.wanted
    assert step.goals[1].wanted


def test_open_goals_beside_one_hinder_it_and_more_if_they_withstood() -> None:
    root = GoalNode("⊢ p")
    first, second = split(root, "cases h", "a", "b").goals
    calm = first.hindrance
    second.withstood = True
    assert 0 < calm < first.hindrance
    second.close(("rfl",))
    assert first.hindrance == 0
    assert root.hindrance == 0


def test_reopening_forgets_every_proof() -> None:
    root = GoalNode("⊢ p")
    step = split(root, "cases h", "a")
    step.goals[0].close(("rfl",))
    root.reopen()
    assert not root.proved
    assert not step.goals[0].proved
    assert [s.tactic for s in step.goals[0].path()] == ["cases h"]
    assert step.goals[0].depth == 1


def test_a_bullet_holds_all_lines() -> None:
    assert bulleted(("cases h", "· rfl")) == ["· cases h", "  · rfl"]
