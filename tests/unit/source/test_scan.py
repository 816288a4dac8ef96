"""Finding sorries in text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.goal import Position, SourceSpan
from orchestrator.source.scan import OpenWord, proofs_wanted, scan


def _found(text: str) -> list[str]:
    return [str(candidate.word) for candidate in scan(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("theorem a : P := by sorry", ["sorry"]),
        ("theorem a : P := by\n  .sorry", ["sorry"]),
        ("example := (sorry, sorry.1)", ["sorry", "sorry"]),
        ("example : P := by admit", ["admit"]),
        ("example : P := by\n  stop\n  simp", ["stop"]),
        ("example : P := sorryAx _ true", ["sorryAx"]),
        ("example : P := @sorryAx _ true", ["sorryAx"]),
        ("example : P := sorryAx.{0} _", ["sorryAx"]),
        ("example : P := _root_.sorryAx _", ["sorryAx"]),
        ("example : P := «sorryAx» _", ["sorryAx"]),
        ("example : P := _root_.«sorryAx» _", ["sorryAx"]),
        ('example := s!"a {sorry} sorry"', ["sorry"]),
        ("macro_rules | `(tactic| foo) => `(tactic| sorry)", ["sorry"]),
        ("-- sorry", []),
        ("/- sorry /- sorry -/ sorry -/", []),
        ("/-- sorry -/ /-! sorry -/", []),
        ('"sorry" r"sorry" r#"" sorry"#', []),
        ("sorry' sorry₁ mysorry sorry_ xsorry «sorry» sorry! sorry?", []),
        ("foo.sorry h.admit x.1.sorry (x).stop [x].stop sorry.foo foo.sorryAx", []),
        ("`sorry ``sorry `foo.sorry ``sorryAx", []),
        ("f '\"' sorry '\"'", ["sorry"]),
        ('f\' " sorry "', []),
    ],
)
def test_what_counts(text: str, expected: list[str]) -> None:
    assert _found(text) == expected


def test_spans_count_lines_from_one_and_columns_in_code_points() -> None:
    (candidate,) = scan("-- é\r\nexample : 𝔸 := «😀» sorry\r\n")
    assert candidate.span == SourceSpan(Position(2, 19), Position(2, 24))
    assert candidate.word is OpenWord.SORRY


FILE = """
namespace A.B
theorem one (h : P) : Q := by sorry
@[simp, instance] private lemma «two x».y' : Q := sorry
section Inner
instance (priority := 100) three : Foo := sorry
instance : Foo := sorry
end Inner
example : Q := by
  open Classical in
  sorry
mutual
def four : Nat := sorry
end
end B
theorem _root_.five.{u} : Q := sorry
attribute [instance] four
deriving instance Foo for Bar
macro "x" : tactic => `(tactic| sorry)
end A
noncomputable section
class inductive Six | a : sorry → Six
structure seven where
  a : Nat := sorry
abbrev namespace_like := sorry
end
theorem eight : Q := sorry
"""


def test_the_enclosing_declaration() -> None:
    assert [(candidate.keyword, candidate.declaration) for candidate in scan(FILE)] == [
        ("theorem", "A.B.one"),
        ("lemma", "A.B.«two x».y'"),
        ("instance", "A.B.three"),
        ("instance", ""),
        ("example", ""),
        ("def", "A.B.four"),
        ("theorem", "five"),
        ("macro", ""),
        ("inductive", "Six"),
        ("structure", "seven"),
        ("abbrev", "namespace_like"),
        ("theorem", "eight"),
    ]


def test_proof_wanted_is_listed_apart() -> None:
    text = "namespace A\n-- proof_wanted no : P\nproof_wanted yes (n : Nat) : P n\ntheorem t : P := sorry\nend A"
    (wanted,) = proofs_wanted(text)
    assert wanted.declaration == "A.yes"
    assert wanted.span == SourceSpan(Position(3, 0), Position(3, 16))
    assert [candidate.declaration for candidate in scan(text)] == ["A.t"]


def test_a_file_without_such_words_costs_nothing_and_gives_nothing() -> None:
    assert scan("theorem a : 1 = 1 := rfl\n") == ()
    assert scan("") == ()


WORD = st.sampled_from([str(word) for word in OpenWord])
FREE = st.text(alphabet="ab sorry'\"«{}-\n\\λ😀", max_size=20)
NOISE = st.one_of(
    FREE.map(lambda text: f"-- {text}".replace("\n", " ") + "\n"),
    FREE.map(lambda text: f"/- {text} sorry -/"),
    FREE.map(lambda text: f"/-- {text} /- admit -/ -/"),
    FREE.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + ' stop"'),
    FREE.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    FREE.map(lambda text: 'r##"' + text + ' sorry"##'),
    FREE.map(lambda text: 's!"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("{", "\\{") + '{1}"'),
    st.sampled_from(
        ["'\"'", "'\\''", "'a'", "'\\\\'", "'«'", "'-'", "x'", "sorry'", '«a -- " b»', "`sorry", "``admit"]
    ),
    st.sampled_from(["theorem x", "namespace Y", "end", "section", "(f ·)", "//", "a.sorry", "by", ":=", "0x1F", "{}"]),
)
PIECES = st.lists(st.one_of(NOISE.map(lambda text: (text, False)), WORD.map(lambda text: (text, True))), max_size=25)


@given(PIECES, st.sampled_from([" ", "\n", "\r\n", " \n  "]))
def test_noise_neither_makes_nor_hides_a_hit(pieces: list[tuple[str, bool]], space: str) -> None:
    text, expected = "", []
    for piece, counts in pieces:
        if counts:
            before = text.split("\n")
            start = Position(len(before), len(before[-1]))
            expected.append((piece, start))
        text += piece + space
    assert [(str(candidate.word), candidate.span.start) for candidate in scan(text)] == expected


@given(PIECES)
def test_a_comment_around_everything_hides_everything(pieces: list[tuple[str, bool]]) -> None:
    inside = " ".join(piece for piece, _ in pieces if "-/" not in piece and "/-" not in piece)
    assert scan(f"/- {inside} -/") == ()
    assert _found(f"/- {inside} -/ sorry") == ["sorry"]
