"""Putting proofs into text. `§` marks the place in each example; a real Lean accepts the layouts expected here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import PatchError
from orchestrator.goals.goal import Position, SorryKind, SourceSpan
from orchestrator.source.diff import unified_diff
from orchestrator.source.lexer import LineIndex
from orchestrator.source.splice import splice, splice_all

ONE = "omega"
EXACT = "exact ⟨hp, hq⟩"
TWO = "constructor\nexact hp"
CHAIN = "constructor <;> assumption"
NESTED = "refine ⟨?_, ?_⟩\n· have h : p := by\n    exact hp\n  exact h\n\n· exact hq"


def _marked(example: str) -> tuple[str, SourceSpan]:
    start = example.index("§")
    end = example.index("§", start + 1) - 1
    text = example.replace("§", "")
    return text, LineIndex(text).span(start, end)


def _spliced(example: str, script: str, kind: SorryKind) -> str:
    text, span = _marked(example)
    return splice(text, span, script, kind)


TACTIC = {
    "alone on its line": ("t := by\n  §sorry§\n", TWO, "t := by\n  constructor\n  exact hp\n"),
    "nested": (
        "t := by\n  §sorry§\n",
        NESTED,
        "t := by\n  refine ⟨?_, ?_⟩\n  · have h : p := by\n      exact hp\n    exact h\n\n  · exact hq\n",
    ),
    "one behind by": ("t : P := by §sorry§\n", ONE, "t : P := by omega\n"),
    "several behind by": ("t : P := by §sorry§\n", TWO, "t : P := by\n  constructor\n  exact hp\n"),
    "a sequence behind by": ("t : P := by §sorry§\n", "skip; simp", "t : P := by skip; simp\n"),
    "no line end": ("t : P := by §sorry§", TWO, "t : P := by\n  constructor\n  exact hp"),
    "a header of several lines": (
        "theorem t (a : P)\n    (b : Q) : R := by §sorry§\n",
        TWO,
        "theorem t (a : P)\n    (b : Q) : R := by\n  constructor\n  exact hp\n",
    ),
    "have": (
        "by\n  have h : P := by §sorry§\n  exact h\n",
        TWO,
        "by\n  have h : P := by\n    constructor\n    exact hp\n  exact h\n",
    ),
    "have over two lines": (
        "by\n  · have h : P ∧\n        Q := by §sorry§\n",
        TWO,
        "by\n  · have h : P ∧\n        Q := by\n      constructor\n      exact hp\n",
    ),
    "a field": (
        "instance : A where\n  a := by §sorry§\n  b := 1\n",
        TWO,
        "instance : A where\n  a := by\n    constructor\n    exact hp\n  b := 1\n",
    ),
    "a field in braces": (
        "def a : A :=\n  { a := by §sorry§\n    b := 1 }\n",
        TWO,
        "def a : A :=\n  { a := by\n      constructor\n      exact hp\n    b := 1 }\n",
    ),
    "a bullet": ("by\n  · §sorry§\n", TWO, "by\n  · constructor\n    exact hp\n"),
    "an old bullet": ("by\n  . §sorry§\n", TWO, "by\n  . constructor\n    exact hp\n"),
    "an alternative": (
        "by\n  induction n with\n  | zero => §sorry§\n  | succ n ih => simp\n",
        TWO,
        "by\n  induction n with\n  | zero =>\n    constructor\n    exact hp\n  | succ n ih => simp\n",
    ),
    "an alternative, one": ("by\n  | zero => §sorry§\n", EXACT, "by\n  | zero => exact ⟨hp, hq⟩\n"),
    "alternatives in one line": (
        "by\n  cases n with | zero => §sorry§ | succ n => simp\n",
        CHAIN,
        "by\n  cases n with | zero => (constructor <;> assumption) | succ n => simp\n",
    ),
    "case": ("by\n  case a => §sorry§\n", TWO, "by\n  case a =>\n    constructor\n    exact hp\n"),
    "in brackets": ("by\n  exact f (by §sorry§) x\n", TWO, "by\n  exact f (by\n    constructor\n    exact hp) x\n"),
    "in brackets behind a bullet": (
        "by\n  · exact f (by §sorry§) x\n",
        TWO,
        "by\n  · exact f (by\n      constructor\n      exact hp) x\n",
    ),
    "in brackets behind an alternative": (
        "by\n  | a => exact f (by §sorry§)\n",
        TWO,
        "by\n  | a => exact f (by\n           constructor\n           exact hp)\n",
    ),
    "a component": ("⟨by §sorry§, h⟩", TWO, "⟨by\n  constructor\n  exact hp, h⟩"),
    "a component that takes commas": ("⟨by §sorry§, h⟩", "use 1", "⟨by (use 1), h⟩"),
    "behind a semicolon": ("by\n  simp; §sorry§\n", TWO, "by\n  simp; (\n    constructor\n    exact hp)\n"),
    "behind a semicolon, a sequence": ("by simp; §sorry§\n", "skip; simp", "by simp; skip; simp\n"),
    "in front of a semicolon": ("by (§sorry§; done)\n", ONE, "by (omega; done)\n"),
    "open-ended in front of a semicolon": ("by (§sorry§; done)\n", "try simp", "by ((try simp); done)\n"),
    "in front of a combinator": ("by §sorry§ <;> simp\n", CHAIN, "by (constructor <;> assumption) <;> simp\n"),
    "a combinator in the next line": (
        "by\n  §sorry§\n  <;> simp\n",
        CHAIN,
        "by\n  (constructor <;> assumption)\n  <;> simp\n",
    ),
    "behind a combinator": ("by\n  split <;> §sorry§\n", ONE, "by\n  split <;> omega\n"),
    "several behind a combinator": (
        "by\n  split <;> §sorry§\n",
        TWO,
        "by\n  split <;> (\n    constructor\n    exact hp)\n",
    ),
    "behind a combinator, next line": (
        "by\n  split <;>\n    §sorry§\n",
        CHAIN,
        "by\n  split <;>\n    (constructor <;> assumption)\n",
    ),
    "first": ("by\n  first | §sorry§ | simp\n", CHAIN, "by\n  first | (constructor <;> assumption) | simp\n"),
    "first, last": (
        "by\n  first | simp | §sorry§\n",
        TWO,
        "by\n  first | simp | constructor\n                 exact hp\n",
    ),
    "all_goals": ("by\n  all_goals §sorry§\n", CHAIN, "by\n  all_goals (constructor <;> assumption)\n"),
    "a comment behind": ("by\n  §sorry§ -- later\n", TWO, "by\n  constructor\n  exact hp -- later\n"),
    "a script with a comment": ("(by §sorry§)", "simp -- done", "(by simp)"),
    "a string over two lines": ("by\n  §sorry§\n", 'foo "a\n b"\nbar', 'by\n  foo "a\n b"\n  bar\n'),
    "indented script": ("by\n  §sorry§\n", "\n    simp\n      at h\n    rfl\n\n", "by\n  simp\n    at h\n  rfl\n"),
    "calc": (
        "by\n  calc a = b := by §sorry§\n",
        TWO,
        "by\n  calc a = b := by\n         constructor\n         exact hp\n",
    ),
    "fun in the same line": ("t := fun x => by §sorry§\n", TWO, "t := fun x => by\n  constructor\n  exact hp\n"),
    "carriage returns": ("t := by §sorry§\r\n", TWO, "t := by\r\n  constructor\r\n  exact hp\r\n"),
    "carriage returns, alone": ("t := by\r\n  §sorry§\r\n", NESTED.split("\n\n")[0], None),
    "tabs": ("t := by\n\t§sorry§\n", TWO, "t := by\n\tconstructor\n\texact hp\n"),
    "wide characters": ("· 😀é; first | §sorry§", TWO, "· 😀é; first | constructor\n              exact hp"),
}


@pytest.mark.parametrize(("example", "script", "expected"), TACTIC.values(), ids=TACTIC.keys())
def test_tactic_places(example: str, script: str, expected: str | None) -> None:
    if expected is None:
        expected = "t := by\r\n" + "".join(f"  {line}\r\n" for line in script.split("\n"))
    assert _spliced(example, script, SorryKind.TACTIC) == expected


TERM = {
    "a value": ("t : P := §sorry§\n", ONE, "t : P := by omega\n"),
    "a value, exact": ("t : P := §sorry§\n", EXACT, "t : P := ⟨hp, hq⟩\n"),
    "a value, several": ("theorem t : P := §sorry§\n", TWO, "theorem t : P := by\n  constructor\n  exact hp\n"),
    "a value in its own line": ("t : P :=\n  §sorry§\n", EXACT, "t : P :=\n  ⟨hp, hq⟩\n"),
    "a value in its own line, several": ("t :=\n  §sorry§\n", TWO, "t :=\n  by\n    constructor\n    exact hp\n"),
    "a header of several lines": (
        "theorem t (a : P)\n    (b : Q) : R := §sorry§\n",
        TWO,
        "theorem t (a : P)\n    (b : Q) : R := by\n  constructor\n  exact hp\n",
    ),
    "an argument": ("f §sorry§ x", ONE, "f (by omega) x"),
    "an argument, exact": ("f §sorry§", "exact rfl", "f (by exact rfl)"),
    "an argument, several": ("  f §sorry§ x", TWO, "  f (by\n    constructor\n    exact hp) x"),
    "a component": ("⟨_, §sorry§⟩", ONE, "⟨_, by omega⟩"),
    "a first component": ("⟨§sorry§, _⟩", CHAIN, "⟨by constructor <;> assumption, _⟩"),
    "a function's value": ("t := fun x => §sorry§\n", EXACT, "t := fun x => ⟨hp, hq⟩\n"),
    "a function's value in brackets": ("(fun x ↦ §sorry§)", ONE, "(fun x ↦ by omega)"),
    "in brackets": ("f (§sorry§)", ONE, "f (by omega)"),
    "with a type": ("f (§sorry§ : P)", ONE, "f (by omega : P)"),
    "with a type, open-ended": ("f (§sorry§ : P)", CHAIN, "f ((by constructor <;> assumption) : P)"),
    "a projection": ("f := §sorry§.1\n", EXACT, "f := (by exact ⟨hp, hq⟩).1\n"),
    "from": ("  suffices h : P from §sorry§\n", ONE, "  suffices h : P from by omega\n"),
    "have in tactics": (
        "by\n  have h : P := §sorry§\n  exact h\n",
        TWO,
        "by\n  have h : P := by\n    constructor\n    exact hp\n  exact h\n",
    ),
    "have in one line": ("have h : P := §sorry§; h", ONE, "have h : P := (by omega); h"),
    "exact": ("by\n  exact §sorry§\n", EXACT, "by\n  exact ⟨hp, hq⟩\n"),
    "exact, several": ("by\n  exact §sorry§\n", TWO, "by\n  exact by\n    constructor\n    exact hp\n"),
    "alternatives": ("  | 0 => §sorry§\n  | n => 1\n", ONE, "  | 0 => by omega\n  | n => 1\n"),
    "alternatives in one line": ("| 0 => §sorry§ | n => 1", ONE, "| 0 => (by omega) | n => 1"),
    "if": ("if c then §sorry§ else x", ONE, "if c then (by omega) else x"),
    "else": ("if c then x else §sorry§\n", ONE, "if c then x else by omega\n"),
    "applied in the next line": ("t := §sorry§\n  x\n", ONE, "t := (by omega)\n  x\n"),
    "piped in the next line": ("t := §sorry§\n|> f\n", ONE, "t := (by omega)\n|> f\n"),
    "closed in the next line": ("t := f (g :=\n  §sorry§\n)\n", ONE, "t := f (g :=\n  by omega\n)\n"),
    "where": ("t : P := §sorry§\n  where h := 1\n", ONE, "t : P := by omega\n  where h := 1\n"),
    "an operand": ("t := h ▸ §sorry§\n", ONE, "t := h ▸ (by omega)\n"),
    "piped into": ("t := f <| §sorry§\n", ONE, "t := f <| by omega\n"),
    "a comment between": ("t := -- todo\n  §sorry§ -- x\n", EXACT, "t := -- todo\n  ⟨hp, hq⟩ -- x\n"),
    "a string in front": ('t := f ":=" §sorry§\n', ONE, 't := f ":=" (by omega)\n'),
    "a step of calc": ("    _ = b := §sorry§\n    _ = c := x\n", ONE, "    _ = b := by omega\n    _ = c := x\n"),
    "exact and more": ("t := §sorry§\n", "exact h; done", "t := by exact h; done\n"),
    "a component, exact": ("t := ⟨a, §sorry§⟩\n", "exact h.2", "t := ⟨a, h.2⟩\n"),
    "a field's default": ("structure S where\n  h : P := §sorry§\n", ONE, "structure S where\n  h : P := (by omega)\n"),
    "a default of several lines": (
        "@[ext] class S (α) extends T α where\n  x : α\n  h := §sorry§\n\n",
        TWO,
        "@[ext] class S (α) extends T α where\n  x : α\n  h := (by\n    constructor\n    exact hp)\n\n",
    ),
    "a default, exact": ("structure S where\n  h : P := §sorry§\n", EXACT, "structure S where\n  h : P := ⟨hp, hq⟩\n"),
    "a default, exact by": (
        "structure S where\n  h : P := §sorry§\n",
        "exact by simp",
        "structure S where\n  h : P := (by exact by simp)\n",
    ),
    "a default in brackets": (
        "class S where\n  (h : P a := §sorry§)\n",
        ONE,
        "class S where\n  (h : P a := (by omega))\n",
    ),
    "a binder's default": (
        "theorem t (h : P := §sorry§) : Q := x\n",
        ONE,
        "theorem t (h : P := (by omega)) : Q := x\n",
    ),
    "a named argument": ("t := f (h := §sorry§)\n", ONE, "t := f (h := by omega)\n"),
    "a field of an instance": (
        "structure S where\n  h : P := x\ninstance : S where\n  h := §sorry§\n",
        ONE,
        "structure S where\n  h : P := x\ninstance : S where\n  h := by omega\n",
    ),
    "a default that is an instance": (
        "structure S where\n  s : T := { h := §sorry§ }\n",
        ONE,
        "structure S where\n  s : T := { h := by omega }\n",
    ),
    "carriage returns": ("t := §sorry§\r\n", TWO, "t := by\r\n  constructor\r\n  exact hp\r\n"),
}


@pytest.mark.parametrize(("example", "script", "expected"), TERM.values(), ids=TERM.keys())
def test_term_places(example: str, script: str, expected: str) -> None:
    assert _spliced(example, script, SorryKind.TERM) == expected


LONG = f"simp [{', '.join(f'some_lemma_number_{number}' for number in range(12))}]"


@pytest.mark.parametrize(
    ("example", "start"),
    [
        ("theorem t (a b c : Nat) (hab : a = b) (hbc : b = c) : a = c := by §sorry§\n", "\n  simp [some"),
        ("theorem t (a b c : Nat) (hab : a = b) (hbc : b = c) : a = c := by\n  §sorry§\n", "\n  simp [some"),
        ("t := by\n  cases n with\n  | zero => §sorry§\n  | succ n => x\n", "=>\n    simp [some"),
        ("t := by\n  constructor\n  · §sorry§\n  · x\n", "  · simp [some"),
    ],
)
def test_a_long_line_is_broken_between_lemmas(example: str, start: str) -> None:
    written = _spliced(example, LONG, SorryKind.TACTIC)
    assert start in written
    assert LONG in " ".join(written.split())
    first, *further = [line for line in written.split("\n") if "some_lemma" in line]
    assert all(len(line) - len(line.lstrip()) > first.index("simp") for line in further)
    assert max(map(len, written.split("\n"))) <= 100
    text = f'exact f "{"a, " * 40}"'
    assert text in _spliced(example, text, SorryKind.TACTIC)
    tactics = f"(first | {' | '.join(['exact ⟨witness, by grind⟩'] * 6)})"
    assert tactics in _spliced(example, tactics, SorryKind.TACTIC)


@pytest.mark.parametrize(
    ("example", "script", "kind", "expected"),
    [
        ("by\n  §admit§\n", TWO, SorryKind.ADMIT, "by\n  constructor\n  exact hp\n"),
        ("by\n  skip\n  §stop\n  foo bar\n  simp§\nx", TWO, SorryKind.STOP, "by\n  skip\n  constructor\n  exact hp\nx"),
        ("by\n  §stop\n  simp\n\n§theorem x", ONE, SorryKind.STOP, "by\n  omega\n\ntheorem x"),
        ("by skip; §stop simp§\n", ONE, SorryKind.STOP, "by skip; omega\n"),
        ("t := §sorryAx _ true§\n", EXACT, SorryKind.SORRY_AX, "t := ⟨hp, hq⟩\n"),
        ("by\n  exact §sorryAx _ true§\n", TWO, SorryKind.SORRY_AX, "by\n  exact by\n    constructor\n    exact hp\n"),
        ("f (§@sorryAx P true§)", ONE, SorryKind.SORRY_AX, "f (by omega)"),
    ],
)
def test_other_kinds(example: str, script: str, kind: SorryKind, expected: str) -> None:
    assert _spliced(example, script, kind) == expected


def _all(example: str, scripts: list[str], kind: SorryKind) -> str:
    pieces = example.split("§")
    lines = LineIndex("".join(pieces))
    offsets = [sum(map(len, pieces[: number + 1])) for number in range(len(pieces))]
    spans = [lines.span(offsets[number - 1], offsets[number]) for number in range(1, len(pieces), 2)]
    return splice_all("".join(pieces), [(span, script, kind) for span, script in zip(spans, scripts, strict=True)])


def test_several_places() -> None:
    example = "a := ⟨by §sorry§, by §sorry§⟩\nb := by §sorry§\n"
    expected = "a := ⟨by\n  constructor\n  exact hp, by omega⟩\nb := by\n  constructor\n  exact hp\n"
    assert _all(example, [TWO, ONE, TWO], SorryKind.TACTIC) == expected


def test_the_order_of_proofs_does_not_matter() -> None:
    text = "a := by sorry\nb := by sorry\n"
    proofs = [
        (SourceSpan(Position(2, 8), Position(2, 13)), TWO, SorryKind.TACTIC),
        (SourceSpan(Position(1, 8), Position(1, 13)), ONE, SorryKind.TACTIC),
    ]
    assert splice_all(text, proofs) == splice_all(text, proofs[::-1])
    assert splice_all(text, []) == text


@pytest.mark.parametrize(
    "second", [SourceSpan(Position(1, 0), Position(1, 5)), SourceSpan(Position(1, 4), Position(1, 9))]
)
def test_overlapping_places(second: SourceSpan) -> None:
    first = SourceSpan(Position(1, 0), Position(1, 5))
    with pytest.raises(PatchError, match="overlap"):
        splice_all("sorrysorry", [(first, ONE, SorryKind.TERM), (second, ONE, SorryKind.TERM)])


@pytest.mark.parametrize(
    ("span", "kind", "words"),
    [
        (SourceSpan(Position(1, 3), Position(1, 8)), SorryKind.TACTIC, "no `sorry` where"),
        (SourceSpan(Position(1, 8), Position(1, 13)), SorryKind.ADMIT, "no `admit` where"),
        (SourceSpan(Position(1, 8), Position(1, 8)), SorryKind.TACTIC, "not in the file"),
        (SourceSpan(Position(1, 8), Position(1, 99)), SorryKind.TACTIC, "not in the file"),
        (SourceSpan(Position(9, 0), Position(9, 5)), SorryKind.TACTIC, "not in the file"),
    ],
)
def test_a_sorry_that_is_not_there(span: SourceSpan, kind: SorryKind, words: str) -> None:
    with pytest.raises(PatchError, match=words):
        splice("t := by sorry\n", span, ONE, kind)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("", "empty"),
        (" \n\t\n", "empty"),
        ("simp /- a", "open"),
        ('exact "a', "open"),
        ("exact (h", "do not match"),
        ("exact h)", "do not match"),
        ("exact h) (h", "do not match"),
    ],
)
def test_scripts_that_are_refused(script: str, words: str) -> None:
    with pytest.raises(PatchError, match=words):
        _spliced("by §sorry§", script, SorryKind.TACTIC)


SURROUNDINGS = st.text(alphabet="a :=by(⟨,⟩);·|<>\n\r\té😀-/\"'{}exact", max_size=30)
SCRIPTS = st.sampled_from([ONE, EXACT, TWO, CHAIN, NESTED, "simp -- c", "exact f\n  x", "· a\n· b", "a; b", "use 1, 2"])


@given(SURROUNDINGS, SURROUNDINGS, SCRIPTS, st.sampled_from([SorryKind.TACTIC, SorryKind.TERM]))
def test_all_else_stays(before: str, behind: str, script: str, kind: SorryKind) -> None:
    text, span = _marked(f"{before} §sorry§ {behind}".replace("\r\n", "\n"))
    start = text.index(" sorry") + 1
    written = splice(text, span, script, kind)
    assert written.endswith(text[start + 5 :])
    kept = text[:start] if written.startswith(text[:start]) else text[:start].rstrip(" \t")
    assert written.startswith(kept)
    inserted = written[len(kept) : len(written) - len(text) + start + 5]
    # Nothing of the proof is lost, but for a comment at its end or an `exact` that has to go.
    wanted = script.replace(" -- c", "").removeprefix("exact ")
    assert "".join(wanted.split()) in "".join(inserted.split())


@given(st.lists(SCRIPTS, min_size=3, max_size=3), st.sampled_from(["\n", "\r\n"]))
def test_line_ends_follow_the_file(scripts: list[str], end: str) -> None:
    example = f"a := by §sorry§{end}b := f §sorry§{end}c := by{end}  §sorry§{end}"
    written = _all(example, scripts, SorryKind.TACTIC)
    assert written.count("\n") == written.count(end)
    assert not any(line.rstrip("\r") != line.rstrip() for line in written.split("\n"))


def test_the_patch_of_a_splice() -> None:
    text, span = _marked("theorem t : P := by §sorry§\n")
    patch = unified_diff({"A.lean": (text, splice(text, span, TWO, SorryKind.TACTIC))})
    assert patch == (
        "diff --git a/A.lean b/A.lean\n--- a/A.lean\n+++ b/A.lean\n@@ -1 +1,3 @@\n"
        "-theorem t : P := by sorry\n+theorem t : P := by\n+  constructor\n+  exact hp\n"
    )
