"""Which names Lean makes by itself."""

from __future__ import annotations

import pytest

from orchestrator.goals.declaration import is_generated, is_syntax, is_unnamed_instance

KINDS = {
    "f": "def",
    "t": "theorem",
    "T": "inductive",
    "T.leaf": "constructor",
    "S": "inductive",
    "S.mk": "constructor",
    "_private.Main.0.hidden": "def",
    "_private.Main.0.P": "inductive",
}
MADE_FOR_ANY = """eq_1 eq_12 eq_def eq_unfold match_1 match_1_2 match_1.splitter match_1.eq_1 match_1.congr_eq_1 proof_1
    _proof_1 _proof_1_2 _simp_1 _unsafe_rec _sunfold _unary _mutual _cstage1 _rarg _redArg _lambda_1 _lam_0 _boxed
    _closed_1 _auxLemma.3 induct induct_unfolding mutual_induct fun_cases fun_cases_unfolding fixpoint_induct
    partial_correctness congr_simp hcongr_3"""
MADE_FOR_TYPES = """rec rec_1 recOn casesOn below below.step brecOn brecOn.go brecOn.eq brecOn_1 binductionOn ibelow
    noConfusion noConfusionType ctorElim ctorElimType ctorIdx toCtorIdx match_1 _proof_1 _sizeOf_1 _sizeOf_inst"""
MADE_BY_PEOPLE = """Lang.terminates_iff Lang.go f.go Foo.elim T.elim S.inj T.inj Lang.below f.below Lang.rec_iff _x
    _helper Lang._x
    f.eq_one match eq_1 eq_1' eq_def induct T.induct T.eq_1 f.casesOn f.noConfusion f.reinj inj.f f.eq_1.x f T instFoo
    S.instFoo mk S.mk f.mk f.toFun elim _private.Main.0._x _private.Main.0.hidden _private.Main.0.go «a._b» T.«eq 1»
    f.electric term_size"""
MADE_FOR_CONSTRUCTORS = "inj injEq hinj sizeOf_spec elim noConfusion"


@pytest.mark.parametrize(
    "name",
    [f"{parent}.{last}" for parent in ("f", "t", "_private.Main.0.hidden") for last in MADE_FOR_ANY.split()]
    + [f"{parent}.{last}" for parent in ("T", "_private.Main.0.P") for last in MADE_FOR_TYPES.split()]
    + [f"{parent}.{last}" for parent in ("T.leaf", "S.mk") for last in MADE_FOR_CONSTRUCTORS.split()],
)
def test_names_that_lean_makes(name: str) -> None:
    assert is_generated(name, KINDS)


@pytest.mark.parametrize(
    "name",
    [
        *(f"List.map.{last}" for last in MADE_FOR_ANY.split()),  # on demand, of what is imported
        *(f"Nat.{last}" for last in ("rec", "recOn", "casesOn", "brecOn.go", "noConfusion", "noConfusionType")),
        *(f"Prod.mk.{last}" for last in MADE_FOR_CONSTRUCTORS.split()),
        "Option.some.injEq",
        "_example",
        "N._example",
        "_aux__Main___macroRules_termFoo_1",
        "Main._auxLemma.12",
        "decEqT✝",
    ],
)
def test_names_that_lean_makes_for_what_is_not_known(name: str) -> None:
    assert is_generated(name)
    assert is_generated(name, KINDS)


@pytest.mark.parametrize(
    "name",
    MADE_BY_PEOPLE.split(),
)
def test_names_that_people_make(name: str) -> None:
    assert not is_generated(name, KINDS)


def test_instances_without_a_name_and_notations_are_told_by_name_and_type() -> None:
    assert all(map(is_unnamed_instance, ("instAddT", "Lang.instReprT.repr")))
    assert not any(map(is_unnamed_instance, ("instance_of", "Lang.distinct")))
    assert all(map(is_syntax, ("c Lean.ParserDescr\n= 0", "Lean.TrailingParserDescr")))
    assert not is_syntax("Nat")
