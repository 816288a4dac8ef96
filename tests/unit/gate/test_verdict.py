"""What the gate concludes from facts, and whether a text changed only where it may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from elaborated_facts import fact, named, sorried

from orchestrator.gate.differences import brought_up_to_date, differences, sorried_below
from orchestrator.gate.verdict import Check, CheckName, FileContext, Verdict, VerdictStatus, judge, shown_name
from orchestrator.goals.declaration import STANDARD_AXIOMS, Fingerprint
from orchestrator.goals.goal import Position

TARGET = sorried("N.target")


def verdict_on(
    after: Fingerprint | None, *, hole: str = "", shown: bool = False, refused: str = "", **changes: Any
) -> Verdict:
    """The verdict on the target as patched."""
    context = FileContext(
        "N.lean", named(*([after] if after else [])), STANDARD_AXIOMS, general=(Check(CheckName.TEXT, True),)
    )
    return judge(TARGET, after, replace(context, **changes), hole=hole, shown=shown, refused=refused)


def failed_checks(verdict: Verdict) -> list[CheckName]:
    """Names of the checks that did not pass."""
    return [check.name for check in verdict.checks if not check.passed]


def proved(**changes: Any) -> Fingerprint:
    """The target with a proof."""
    return fact("N.target", **changes)


@pytest.mark.parametrize("axioms", [(), ("propext",), ("Classical.choice", "Quot.sound", "propext")])
def test_a_proof_on_allowed_axioms_passes(axioms: tuple[str, ...]) -> None:
    verdict = verdict_on(proved(axioms=axioms), not_checked=("something",))
    assert verdict == Verdict(
        "N.target", "N.lean", VerdictStatus.PASSED, verdict.checks, axioms, not_checked=("something",)
    )
    assert verdict.accepted
    assert verdict.reason == ""
    names = [check.name for check in verdict.checks]
    assert names == [CheckName.TEXT, CheckName.STATEMENT, CheckName.NO_SORRY, CheckName.AXIOMS, CheckName.KERNEL]


@pytest.mark.parametrize(
    ("after", "check", "detail"),
    [
        (None, CheckName.STATEMENT, "the declaration is gone"),
        (proved(kind="def"), CheckName.STATEMENT, "was a theorem, is a def"),
        (proved(levels=("u",)), CheckName.STATEMENT, "the universe levels changed"),
        (proved(type="another"), CheckName.STATEMENT, "the statement changed"),
        (TARGET, CheckName.NO_SORRY, "it has a sorry of its own"),
        (proved(axioms=("x", "propext", "a")), CheckName.AXIOMS, "a, x"),
        (proved(axioms=("N.target._native.native_decide.ax_1",)), CheckName.AXIOMS, "N.target._native"),
        (proved(axioms=("Lean.ofReduceBool",)), CheckName.AXIOMS, "Lean.ofReduceBool"),
    ],
)
def test_what_is_not_as_it_should_be_fails_and_is_said(
    after: Fingerprint | None, check: CheckName, detail: str
) -> None:
    verdict = verdict_on(after)
    assert verdict.status is VerdictStatus.FAILED
    assert not verdict.accepted
    assert failed_checks(verdict) == [check]
    assert check.value in verdict.reason
    assert detail in verdict.reason


@pytest.mark.parametrize(("value", "warned"), [("S\n= 0", True), ("c Nat.zero\n= 0", False)])
def test_whoever_fills_in_data_has_chosen_it(value: str, warned: bool) -> None:
    before, after = sorried("N.f", kind="def", value=value), fact("N.f", kind="def", value="c Nat.zero\n= 0")
    verdict = judge(before, after, FileContext("N.lean", named(after), STANDARD_AXIOMS))
    assert verdict.accepted
    assert (
        verdict.warnings == ("`N.f` is data that the patch chose: what is proved of it holds for this choice",) * warned
    )


@pytest.mark.parametrize("after", [None, proved()])
def test_what_the_kernel_refuses_is_no_proof(after: Fingerprint | None) -> None:
    verdict = verdict_on(after, refused="(kernel) declaration type mismatch")
    assert failed_checks(verdict) == [CheckName.KERNEL]
    assert "declaration type mismatch" in verdict.reason


def test_a_general_check_that_failed_fails_every_declaration() -> None:
    verdict = verdict_on(proved(), general=(Check(CheckName.TEXT, False, "text differs"),))
    assert verdict.status is VerdictStatus.FAILED
    assert verdict.reason.startswith("question 1, not so: the patch is the original with its sorries filled")
    assert verdict.reason.endswith("(text differs)")
    assert "Helper-lemma:" in verdict.advice


@pytest.mark.parametrize("check", CheckName)
def test_every_check_belongs_to_a_question_and_says_what_to_do(check: CheckName) -> None:
    failed = Verdict("a", "A.lean", VerdictStatus.FAILED, (Check(check, False),))
    assert failed.reason.startswith(f"question {check.question[0]}, not so: {check.value}")
    assert failed.conclusion == failed.reason
    assert failed.advice


def test_a_verdict_says_what_it_rests_on_and_what_is_open() -> None:
    conditional = Verdict("a", "A.lean", VerdictStatus.CONDITIONAL, rests_on=("b",))
    assert conditional.conclusion == "rests on b"
    partial = Verdict("a", "A.lean", VerdictStatus.PARTIAL, remaining=(Position(3, 2),))
    assert partial.conclusion == "still open: A.lean:3:2"
    assert Verdict("a", "A.lean", VerdictStatus.PASSED).axioms_seen == "none"
    assert Verdict("a", "A.lean", VerdictStatus.PASSED, not_checked=("axioms inside",)).axioms_seen == "none seen"
    assert Verdict("a", "A.lean", VerdictStatus.PASSED, axioms=("propext",)).axioms_seen == "propext"


def test_what_compiled_code_computes_is_said_not_to_be_checked() -> None:
    after = proved(axioms=("Lean.ofReduceBool",))
    verdict = verdict_on(after, allowed_axioms=STANDARD_AXIOMS | {"Lean.ofReduceBool"})
    assert verdict.status is VerdictStatus.PASSED
    assert any("compiled code" in words for words in verdict.not_checked)


@pytest.mark.parametrize(
    ("declaration", "shown"),
    [
        ("_example", "example at line 7"),
        ("_example.3", "example at line 7"),
        ("N._example.0", "example at line 7"),
        ("N._examples", "N._examples"),
        ("my_example", "my_example"),
    ],
)
def test_an_example_is_shown_by_its_line(declaration: str, shown: str) -> None:
    assert shown_name(declaration, 7) == shown


def test_an_axiom_is_allowed_by_name_only() -> None:
    after = proved(axioms=("myAxiom",))
    assert not verdict_on(after).accepted
    assert verdict_on(after, allowed_axioms=STANDARD_AXIOMS | {"myAxiom"}).status is VerdictStatus.PASSED


def test_a_proof_from_a_declaration_with_a_sorry_is_conditional_and_names_it() -> None:
    after = proved(axioms=("sorryAx", "propext"), has_sorry=True, uses=("N.middle",))
    everything = named(
        after, fact("N.middle", has_sorry=True, uses=("_private.N.0.lemma",)), sorried("_private.N.0.lemma")
    )
    verdict = verdict_on(after, everything=everything)
    assert (verdict.status, verdict.rests_on) == (VerdictStatus.CONDITIONAL, ("lemma",))
    assert verdict.axioms == ("propext", "sorryAx")


def test_other_places_left_open_make_it_partial_and_the_hole_is_no_axiom_of_it() -> None:
    after = proved(axioms=("hole_1", "propext"))
    verdict = verdict_on(after, hole="hole_1")
    assert (verdict.status, verdict.axioms) == (VerdictStatus.PARTIAL, ("propext",))
    assert verdict.accepted
    assert not verdict_on(after).accepted
    assert not verdict_on(after, hole="hole_2").accepted


def test_a_partial_proof_that_hides_a_sorry_fails() -> None:
    verdict = verdict_on(sorried("N.target", axioms=("hole_1", "sorryAx")), hole="hole_1")
    assert failed_checks(verdict) == [CheckName.NO_SORRY]


def test_the_first_sorries_below_are_found_through_others_and_circles() -> None:
    everything = named(
        fact("a", uses=("b", "c", "outside")),
        fact("b", uses=("a", "d")),
        sorried("c", uses=("e",)),
        sorried("d"),
        sorried("e"),
        sorried("a.aux", auxiliary=True),
    )
    assert sorried_below("a", everything) == ("c", "d", "e")
    assert sorried_below("e", everything) == ()
    assert sorried_below("outside", everything) == ()


ORIGINAL = named(
    fact("t"),
    fact("d", kind="def", value="one"),
    sorried("s", kind="def", value="S"),
    fact("d._proof_1", auxiliary=True),
    fact("d.eq_1"),
    fact("rests", axioms=("sorryAx",), has_sorry=True),
)


def changed(*facts: Fingerprint, without: str = "") -> dict[str, Fingerprint]:
    """The original with some declarations replaced or added, and one left out."""
    return {name: one for name, one in {**ORIGINAL, **named(*facts)}.items() if name != without}


@pytest.mark.parametrize(
    "patched",
    [
        ORIGINAL,
        changed(fact("s", kind="def", value="a body")),
        changed(without="d._proof_1"),
        changed(without="d.eq_1"),
        changed(fact("d._proof_1", auxiliary=True, type="another", value="another")),
        changed(fact("s._proof_2", auxiliary=True)),
        changed(fact("t.match_1", kind="def"), fact("d.eq_def"), fact("t._simp_1")),
        changed(fact("t", axioms=("propext",))),
        changed(fact("rests", axioms=("propext",))),
        changed(fact("rests", axioms=("hole_1",))),
    ],
)
def test_what_a_proof_brings_with_it_is_no_difference(patched: dict[str, Fingerprint]) -> None:
    assert differences(ORIGINAL, patched) == ()


@pytest.mark.parametrize(
    ("patched", "words"),
    [
        (changed(without="t"), "`t` is gone"),
        (changed(fact("t", type="another")), "`t`: the statement changed"),
        (changed(fact("t", levels=("u",))), "`t`: the universe levels changed"),
        (changed(fact("t", kind="axiom")), "`t`: was a theorem, is a axiom"),
        (changed(fact("d", kind="def", value="two")), "`d`: the body changed"),
        (changed(sorried("t")), "`t` has a sorry now"),
        (changed(fact("t", axioms=("bad",))), "`t` rests on bad now"),
        (changed(fact("new")), "new declaration `new`"),
        (changed(fact("_private.N.0.new")), "new declaration `new`"),
        (changed(fact("ax", kind="axiom")), "new axiom `ax`"),
        (changed(fact("d._proof_7", kind="axiom", auxiliary=True)), "new axiom `d._proof_7`"),
        (changed(fact("inst", kind="def")), "new declaration `inst`"),
    ],
)
def test_everything_else_is_a_difference(patched: dict[str, Fingerprint], words: str) -> None:
    assert differences(ORIGINAL, patched) == (words,)


def test_announced_helpers_may_be_new_but_never_axioms() -> None:
    helpers = frozenset({"h"})
    assert differences({}, named(fact("h")), helpers=helpers) == ()
    assert differences({}, named(fact("h", kind="axiom")), helpers=helpers) == ("new axiom `h`",)


def test_an_allowed_axiom_may_come_below_another_declaration() -> None:
    patched = changed(fact("t", axioms=("bad",)))
    assert differences(ORIGINAL, patched, allowed_axioms=frozenset({"bad"})) == ()


def test_a_helper_lemma_is_allowed_as_a_theorem_without_sorry_and_axiom() -> None:
    def found(helper: Fingerprint) -> tuple[str, ...]:
        return differences({}, named(helper), helpers=frozenset({"N.helper"}))

    assert found(fact("N.helper")) == ()
    assert found(fact("N.helper", kind="def")) == ("new declaration `N.helper`",)
    assert found(sorried("N.helper")) == ("the helper `N.helper` has a sorry",)
    assert found(fact("N.helper", axioms=("bad",))) == ("the helper `N.helper` rests on bad",)
    assert found(fact("N.other")) == ("new declaration `N.other`",)


def test_files_that_import_a_patched_one_rest_on_what_it_is_now() -> None:
    lemma = proved(axioms=("propext",))
    user = fact("user", axioms=("Classical.choice", "sorryAx"), has_sorry=True, uses=("N.target",))
    other = fact("other", axioms=("sorryAx",), has_sorry=True, uses=("N.target", "N.hard"))
    hard = sorried("N.hard")
    everything = named(lemma, hard, user, other)
    found = brought_up_to_date(named(user, other), named(lemma), everything)
    assert found["user"].axioms == ("Classical.choice", "propext")
    assert not found["user"].has_sorry
    assert "sorryAx" in found["other"].axioms
    assert found["other"].has_sorry
