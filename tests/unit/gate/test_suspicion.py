"""What a reader is warned of, and the limit that a proof may not raise."""

from __future__ import annotations

import pytest

from orchestrator.gate.warnings import source_warnings

PLAIN = "theorem t : 1 = 1 := by sorry\n"


@pytest.mark.parametrize(
    ("proof", "words"),
    [
        ("set_option debug.skipKernelTC true in rfl", "set_option debug.skipKernelTC"),
        ("native_decide", "trusts the compiler"),
        ("run_tac pure ()", "runs code inside Lean"),
        ("set_option  maxRecDepth 100000 in rfl", "`set_option maxRecDepth 100000`"),
        ("exact sorryAx _ true", "leaves something open"),
        ("rfl\nlocal   instance : Inhabited Nat := ⟨1⟩", "`local instance` adds an instance"),
    ],
)
def test_suspicious_words_are_told(proof: str, words: str) -> None:
    (warning,) = source_warnings(PLAIN, PLAIN.replace("sorry", proof))
    assert words in warning


@pytest.mark.parametrize(
    "proof", ["rfl", "simp -- native_decide", '(fun _ => rfl) "axiom"', "exact stopped", "/- unsafe -/ rfl"]
)
def test_comments_strings_and_other_words_are_not(proof: str) -> None:
    assert source_warnings(PLAIN, PLAIN.replace("sorry", proof)) == ()


def test_what_the_owner_wrote_is_not() -> None:
    text = "axiom a : True\n" + PLAIN
    assert source_warnings(text, text.replace("sorry", "rfl")) == ()
    assert source_warnings(text, text.replace("sorry", "rfl\naxiom b : False")) == (
        "`axiom` assumes instead of proving",
    )
