"""What numbers suggest: residues, periods of powers, bounds, factors, squares, divisors, witnesses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.strategies.hammer.bounds import bounds, computed_witnesses, vanishing_products
from orchestrator.strategies.hammer.goal_facts import GoalFacts
from orchestrator.strategies.hammer.polynomials import linear, monomials, powers, value
from orchestrator.strategies.hammer.residues import residues
from orchestrator.strategies.local_context import LocalContext


def closers_of(text: str) -> list[str]:
    facts = GoalFacts(text, LocalContext())
    return [*vanishing_products(facts), *residues(facts), *bounds(facts)]


class TestPolynomials:
    @given(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 5))
    def test_a_value_is_that_of_the_polynomial(self, x: int, y: int, k: int) -> None:
        assert value(f"(x + 1) ^ {k} * y - -3 * x", {"x": x, "y": y}) == (x + 1) ** k * y + 3 * x

    @pytest.mark.parametrize(
        "text", ["f x", "x / 2", "x % 2", "z", "x ^ y ^ 9999", "", "(", "x y", "x if x else y", "[x]"]
    )
    def test_what_is_no_polynomial_has_no_value(self, text: str) -> None:
        assert value(text, {"x": 2, "y": 9}) is None

    @given(st.text(max_size=20))
    def test_any_text_has_a_value_or_none(self, text: str) -> None:
        assert isinstance(value(text, {"x": 2}), int | None)
        monomials(text)
        powers(text)

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("x * x + y * y ≠ 4 * z + 3", ("x * x", "y * y")),
            ("(a ^ 2 + b ^ 2) % 4 = 0", ("a ^ 2", "b ^ 2")),
            ("6 ∣ n * (n + 1) * (2 * n + 1)", ("n * (n + 1) * (2 * n + 1)",)),
            ("2 * x + 3 = 7", ()),
            ("f (x * y) = 1", ("x * y",)),
        ],
    )
    def test_monomials_are_what_linear_arithmetic_does_not_see(self, text: str, found: tuple[str, ...]) -> None:
        assert monomials(text) == found

    def test_powers_of_numerals_and_their_exponents(self) -> None:
        assert powers("7 ∣ 3 ^ (2 * n + 1) + 2 ^ n + x ^ 2 + 5 ^ 3") == ((3, "(2 * n + 1)"), (2, "n"))

    @given(st.integers(0, 9), st.integers(0, 9))
    def test_a_linear_text_is_known_by_its_values(self, slope: int, offset: int) -> None:
        assert linear(f"{slope} * n + {offset}", "n") == (slope, offset)
        assert linear(f"{slope + 1} * n * n + {offset}", "n") is None


class TestResidues:
    def test_one_variable_is_split_by_its_residues(self) -> None:
        quick, found = closers_of("n : Nat\n⊢ n * n % 3 ≠ 2")[:2]
        assert "rcases i0 with i0 | i0 | i0 <;> simp [Nat.dvd_iff_mod_eq_zero, Nat.add_mod, " in quick
        assert "have e0 : n * n % 3 = (n % 3) * (n % 3) % 3" in found
        assert "n % 3 = 0 ∨ n % 3 = 1 ∨ n % 3 = 2 := (by omega)" in found
        assert found.endswith("simp only [i0] at e0 <;> omega)")

    def test_a_residue_that_is_given_is_not_split(self) -> None:
        _, found = closers_of("a b : Nat\nha : a % 7 = 3\nhb : b % 7 = 5\n⊢ a * b % 7 = 1")[:2]
        assert "rcases" not in found

    def test_a_residue_in_a_hypothesis_is_computed_there(self) -> None:
        (found,) = closers_of("a b : Int\nh : (a ^ 2 + b ^ 2) % 4 = 0\n⊢ a % 2 = 0")[:1]
        assert found.endswith("i0, i1] at h <;> omega)")

    def test_many_variables_are_summed_up_one_by_one(self) -> None:
        (found,) = closers_of("x y z : Int\n⊢ x * x + y * y + z * z ≠ 8 * w + 7")[:1]
        assert found.count("have r") == 3

    def test_large_moduli_and_plain_goals_are_left(self) -> None:
        assert closers_of("n : Nat\n⊢ n % 100 ≤ n") == []


class TestPowers:
    def test_a_period_is_found(self) -> None:
        found = closers_of("n : Nat\n⊢ (7 ^ n + 3 * n) % 9 = 1")
        assert any(
            "i % 3 = 0 ∧ 7 ^ i % 9 = 1 ∨ i % 3 = 1 ∧ 7 ^ i % 9 = 7 ∨ i % 3 = 2 ∧ 7 ^ i % 9 = 4" in t for t in found
        )

    def test_what_comes_before_the_period_is_told(self) -> None:
        found = closers_of("n : Nat\n⊢ 2 ^ n % 4 ≠ 3")
        assert any("i = 0 ∧ 2 ^ i % 4 = 1 ∨ i = 1 ∧ 2 ^ i % 4 = 2 ∨ 2 ≤ i ∧ 2 ^ i % 4 = 0" in t for t in found)


class TestBounds:
    def test_a_square_bounds_its_root(self) -> None:
        found = closers_of("x : Nat\nh : x ^ 2 = 49\n⊢ x = 7")
        assert any("x = 7 ∨ x = 8 := (by first | omega | (" in t and "Nat.pow_le_pow_left c 2" in t for t in found)

    def test_a_divisor_is_not_larger(self) -> None:
        assert any("Nat.le_of_dvd (by omega) h" in t for t in closers_of("n : Nat\nh : n ∣ 12\n⊢ n ≠ 5"))


class TestFactors:
    def test_the_claim_says_which_product_vanishes(self) -> None:
        found = closers_of("x : Int\nh : x ^ 2 + 6 = 5 * x\n⊢ x = 2 ∨ x = 3")
        assert found[0].startswith(
            "(have x1 : (x - (2)) * ((x - (3))) = 0 := (by grind); (rcases Int.mul_eq_zero.mp x1"
        )

    def test_what_divides_two_numbers_divides_their_combination(self) -> None:
        (found,) = closers_of("n : Nat\n⊢ (5 * n + 2).gcd (7 * n + 3) = 1")[:1]
        assert "show 5 * (7 * n + 3) - 7 * (5 * n + 2) = 1 from (by omega)" in found


class TestSquares:
    def test_squares_of_differences(self) -> None:
        found = closers_of("a b : Int\n⊢ 2 * (a * b) ≤ a * a + b * b")
        assert any("have := sq (a - b); " in t and t.endswith("grind)") for t in found)

    def test_products_of_what_is_not_negative(self) -> None:
        found = closers_of("x y : Int\nhx : 1 ≤ x\nhy : 1 ≤ y\n⊢ x + y ≤ x * y + 1")
        assert any("(show 0 ≤ x - 1 from (by omega)) (show 0 ≤ y - 1 from (by omega))" in t for t in found)

    def test_a_linear_equation_is_solved_first(self) -> None:
        found = closers_of("a b : Int\nh : a + b = 10\n⊢ a * b ≤ 25")
        assert any(t.startswith("(have e : b = 10 - a := (by omega); subst e; ") and "sq (a - 5)" in t for t in found)


def test_witnesses_are_computed_where_only_numerals_are_spoken_of() -> None:
    found = list(computed_witnesses(GoalFacts("⊢ ∃ x, x % 3 = 2 ∧ x % 5 = 3", LocalContext())))
    assert "∃ x, x < 200 ∧ (x % 3 = 2 ∧ x % 5 = 3)" in found[0]
    assert list(computed_witnesses(GoalFacts("n : Nat\n⊢ ∃ x, x = n", LocalContext()))) == []
