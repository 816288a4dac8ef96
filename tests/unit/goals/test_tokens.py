"""The words of goals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.tokens import TokenKind, tokenize


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x✝¹ + h₁'", ["x✝¹", "+", "h₁'"]),
        ("Nat.succ n.1.2", ["Nat.succ", "n", ".1", ".2"]),
        ("xs[i]!", ["xs", "[", "i", "]", "!"]),
        ("«a b».c", ["«a b».c"]),
        ("𝓝 α₁ ℝ", ["𝓝", "α₁", "ℝ"]),
        ("fun x ↦ λ y, Σ", ["fun", "x", "↦", "λ", "y", ",", "Σ"]),
        ("Mᵐᵒᵖ x⁻¹ ∀ᶠ", ["M", "ᵐᵒᵖ", "x", "⁻¹", "∀ᶠ"]),
        ("a<|>b := c::d", ["a", "<|>", "b", ":=", "c", "::", "d"]),
        ("1.5e3 0x1F 2..3", ["1.5e3", "0x1F", "2", "..", "3"]),
        ("'a' \"b \\\" c\" '\\n'", ["'a'", '"b \\" c"', "'\\n'"]),
        ("f.{u, v} ?m.12 ?_", ["f", ".{", "u", ",", "v", "}", "?m.12", "?_"]),
        ("f '' s ⁻¹' t", ["f", "''", "s", "⁻¹'", "t"]),
        ("⟨a, b⟩ ‖x‖", ["⟨", "a", ",", "b", "⟩", "‖", "x", "‖"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [token.text for token in tokenize(text)] == words


def test_kinds() -> None:
    kinds = [token.kind for token in tokenize('fun x (.a) "s" 1 ?m')]
    assert kinds == [
        TokenKind.SYMBOL,
        TokenKind.NAME,
        TokenKind.OPEN,
        TokenKind.FIELD,
        TokenKind.CLOSE,
        TokenKind.TEXT,
        TokenKind.NUMBER,
        TokenKind.METAVARIABLE,
    ]


@given(st.text(max_size=50) | st.text(alphabet="ab.✝«»'\"?0₁ᶠ⊢∀!{[( ", max_size=50))
def test_nothing_is_lost(text: str) -> None:
    def squeezed(some: str) -> str:
        return "".join(char for char in some if not char.isspace())

    assert squeezed("".join(token.text for token in tokenize(text))) == squeezed(text)
