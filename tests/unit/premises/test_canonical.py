"""Statements read from the canonical text of types."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.premises.statements import constants_in, is_induction_principle, is_proposition_former, statement_of

# ∀ (n : Nat), n + n = n
ADD = "\n".join(
    [
        "c Nat",
        "c Eq (s 0)",
        "a 1 0",
        "c HAdd.hAdd 0 0 0",
        "b 0",
        "a 3 4",
        "a 5 4",
        "a 2 6",
        "a 7 4",
        "f 0 8d",
        "= 9",
    ]
)

# ∀ {p : Nat → Prop}, p zero → (∀ n, p n → p (succ n)) → ∀ n, p n
INDUCTION = "\n".join(
    [
        "c Nat",
        "u 0",
        "f 0 1d",
        "c zero",
        "b 0",
        "a 4 3",
        "b 1",
        "b 2",
        "a 7 4",
        "b 3",
        "c succ",
        "a 10 6",
        "a 9 11",
        "f 8 12d",
        "f 0 13d",
        "a 9 4",
        "f 0 15d",
        "f 14 16d",
        "f 5 17d",
        "f 2 18i",
        "= 19",
    ]
)

# ∀ {p : Nat → Prop} (a b : Nat), R a b → p a → p b
CARRIED = "\n".join(
    [
        "c Nat",
        "u 0",
        "f 0 1d",
        "c R",
        "b 1",
        "a 3 4",
        "b 0",
        "a 5 6",
        "b 3",
        "b 2",
        "a 8 9",
        "b 4",
        "a 11 9",
        "f 10 12d",
        "f 7 13d",
        "f 0 14d",
        "f 0 15d",
        "f 2 16i",
        "= 17",
    ]
)


def test_constants_come_in_order_of_occurrence() -> None:
    assert constants_in(ADD) == ("Nat", "Eq", "HAdd.hAdd")
    assert constants_in("") == ()


def test_a_statement_reads_as_people_write_it() -> None:
    assert statement_of(ADD) == "∀ (x1 : Nat), (x1 + x1) = x1"
    assert statement_of("c Nat\nc Vec\nf 0 1d\n= 2") == "Nat → Vec"
    assert statement_of("u 0\nb 0\nf 0 1i\n= 2") == "∀ {x1 : Prop}, x1"
    assert is_proposition_former("c Nat\nu 0\nf 0 1d\n= 2")


def test_an_induction_principle_is_told_from_what_carries_a_motive() -> None:
    assert statement_of(INDUCTION).endswith("∀ (x4 : Nat), x1 x4")
    assert is_induction_principle(INDUCTION)
    assert not any(map(is_induction_principle, (CARRIED, ADD, "", "u 0\nb 0\nf 0 1i\n= 2", "c Nat\nu 0\nf 0 1d\n= 2")))


def test_a_term_that_would_be_huge_is_left_out() -> None:
    lines = ["c Nat", *(f"a {i} {i}" for i in range(40)), "= 40"]
    assert statement_of("\n".join(lines)) == ""


@given(st.text(alphabet="abcflnzjPSM? 0123456789disc\n=", max_size=80))
def test_any_text_is_read_or_left_out(text: str) -> None:
    assert isinstance(statement_of(text), str)
    assert is_induction_principle(text) in (True, False)


def test_a_term_that_holds_itself_is_left_out() -> None:
    assert statement_of("a 0 0\n= 0") == ""
