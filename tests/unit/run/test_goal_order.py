"""The order of a night, growing budgets, and what a push touched."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.blueprint.graph import READY, worth
from orchestrator.blueprint.status import DeclarationTruth, evaluate
from orchestrator.blueprint.tex.parser import parse
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Goal
from orchestrator.run.triage.changes import changed_modules, in_order, touched_goals
from orchestrator.scheduler.time_limits import MOST_GROWTH, grown
from orchestrator.source.project import Project, SourceModule


def goal(name: str, module: str = "A", difficulty: float = 0.5) -> Goal:
    return Goal(id=name, text="⊢ x", declaration=name, module=module, estimated_difficulty=difficulty)


def test_new_goals_first_then_what_holds_up_most_then_the_easiest() -> None:
    goals = [goal("old"), goal("old_worth.step"), goal("hard", difficulty=0.9), goal("easy"), goal("worth")]
    ordered = in_order(goals, old=frozenset({"old", "old_worth.step"}), worth={"worth": 1, "old_worth": 5})
    assert [each.id for each in ordered] == ["worth", "easy", "hard", "old_worth.step", "old"]


@given(st.floats(0, 1000), st.floats(0.1, 100))
def test_more_time_than_last_time_but_not_without_end(spent: float, usual: float) -> None:
    factor = grown(spent, usual)
    assert 1.0 <= factor <= MOST_GROWTH
    assert factor == MOST_GROWTH or usual * factor >= 2 * spent * (1 - 1e-9)
    assert grown(None, usual) == 1.0


TEX = r"""\begin{lemma}\label{l}\lean{L}\leanok\end{lemma}
\begin{theorem}\label{t}\lean{T}\uses{l}\leanok\end{theorem}\begin{proof}x\end{proof}
\begin{theorem}\label{u}\lean{U}\uses{t}\leanok\end{theorem}\begin{proof}x\end{proof}"""


def test_a_lemma_that_is_ready_and_held_up_by_nothing_is_worth_most() -> None:
    blueprint = parse({"web.tex": TEX}.get, "web.tex")
    open_ = DeclarationTruth(exists=True, axioms=("sorryAx",), sorry_free=False, rests_on=("Helper",))
    facts = {"L": DeclarationTruth(exists=True), "T": open_, "U": open_}
    assert worth(blueprint, evaluate(blueprint, facts)) == {"T": READY + 2, "Helper": READY + 2, "U": 1}


def fact(name: str, *uses: str) -> Fingerprint:
    return Fingerprint(name, "theorem", (), "t", "v", (), has_sorry=True, uses=uses, user_name=name)


def test_a_push_touches_changed_files_and_what_uses_what_they_declare() -> None:
    now = Project("P", "/", modules=(SourceModule("A", "A.lean", "new"), SourceModule("B", "B.lean", "same")))
    changed = changed_modules({"A.lean": "old", "B.lean": "same"}, now)
    assert changed == {"A"}
    declarations = {
        "A": {"a": fact("a")},
        "B": {"b": fact("b", "a"), "c": fact("c", "b"), "d": fact("d")},
    }
    goals = [goal("a"), goal("c.step", "B"), goal("d", "B")]
    assert [each.id for each in touched_goals(goals, declarations, changed)] == ["a", "c.step"]
    assert touched_goals(goals, declarations, frozenset()) == ()
