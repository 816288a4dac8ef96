"""A goal as one closed statement, and the tactics that prove its negation for given values."""

from __future__ import annotations

from orchestrator.goals.hypotheses import hypotheses_of
from orchestrator.strategies.refute.closed_goal import ClosedGoal, VariableRole, candidates, inversion, variables_of
from orchestrator.strategies.refute.values import Constructor, Values, telescope

EVEN = [
    Constructor("zero", *telescope("Even 0")),
    Constructor("add_two", *telescope("∀ {n : Nat}, Even n → Even (n + 2)")),
]


def closed(text: str) -> ClosedGoal:
    """A goal that may speak of even numbers."""
    values = Values({"Even": EVEN}, ["Even"])
    return ClosedGoal(variables_of(hypotheses_of(text), {"Even": "Prop"}, values), values, (), ("Even",))


def test_what_is_put_in_for_a_variable_follows_from_its_type() -> None:
    goal = closed("α : Type\ninst✝ : DecidableEq α\np : α → Prop\nx : α\nn : Nat\nh : n < 3\ne : Even n\n⊢ p x")
    roles = {variable.name: variable.role for variable in goal.variables}
    assert roles == {
        "α": VariableRole.CHOSEN,
        "inst✝": VariableRole.INSTANCE,
        "p": VariableRole.CHOSEN,
        "x": VariableRole.LISTED,
        "n": VariableRole.LISTED,
        "h": VariableRole.FACT,
        "e": VariableRole.DERIVED,
    }


def test_many_values_are_decided_at_once_and_one_is_put_in() -> None:
    goal = closed("n : Nat\nh : n < 3\n⊢ n = 0")
    assert "fun v0 (_ : v0 ∈ List.range' 0 5) => @refuted v0)" in goal.tactic({"n": list("01234")}, "c", many=True)
    assert "absurd (@refuted (1) (by first | decide" in goal.tactic({"n": ["1"]}, "c")
    assert "as_aux_lemma" in goal.tactic({"n": ["1"]}, "c", kept=True)
    assert goal.words({"n": ["1"]}) == "n = 1"


def test_a_derivation_says_what_its_argument_is() -> None:
    goal = closed("n : Nat\ne : Even n\n⊢ n = 0")
    first, second, *_ = candidates(goal)
    assert (first, second) == ({"n": ["_"], "e": [".zero"]}, {"n": ["_"], "e": ["(.add_two .zero)"]})
    assert goal.words(second) == "e by .add_two .zero"


def test_what_is_false_without_values_is_false_for_all() -> None:
    assert closed("h : 1 = 1\n⊢ 1 = 2").words({}) == "all values"


def test_a_type_that_is_not_understood_has_no_candidates() -> None:
    assert list(candidates(closed("g : Group\n⊢ g = g"))) == []


def test_inversion_generalises_the_arguments_that_are_no_variables() -> None:
    assert "generalize e0 : (1 + 2) = x0 at h" in inversion("¬Even (1 + 2)", ["Even"])
    assert "generalize" not in inversion("¬Even n", ["Even"])
