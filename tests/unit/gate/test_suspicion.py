"""What a reader is warned of, and the limit that a proof may not raise."""

from __future__ import annotations

import pytest

from orchestrator.gate.warnings import raised_limit, source_warnings, switches_kernel_off

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


@pytest.mark.parametrize(
    ("before", "after", "raised"),
    [
        ("", "set_option maxHeartbeats 200000 in simp", ""),
        ("", "set_option maxHeartbeats 200001 in simp", "200001"),
        ("", "set_option maxHeartbeats 1_000_000 in simp", "1_000_000"),
        ("", "set_option maxHeartbeats 0 in simp", "0"),
        ("set_option maxHeartbeats 400000", "set_option maxHeartbeats 400000\nrfl", ""),
        (
            "set_option maxHeartbeats 400000",
            "set_option maxHeartbeats 400000 set_option maxHeartbeats 400000",
            "400000",
        ),
        ("", "simp -- set_option maxHeartbeats 0", ""),
        ("", "set_option maxHeartbeats 300000 in set_option maxHeartbeats 0 in simp", "0"),
    ],
)
def test_a_raised_limit(before: str, after: str, raised: str) -> None:
    assert raised_limit(before, after) == raised


def test_files_that_switch_the_kernel_off() -> None:
    assert switches_kernel_off("set_option debug.skipKernelTC true in\ntheorem t : 1 = 2 := by decide +kernel")
    assert not switches_kernel_off("-- set_option debug.skipKernelTC true")
