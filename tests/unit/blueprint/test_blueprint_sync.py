"""Marks are added and removed where people put them, and nothing else moves."""

from dataclasses import replace

import pytest

from orchestrator.blueprint.nodes import Span
from orchestrator.blueprint.status import DeclarationTruth, evaluate
from orchestrator.blueprint.sync import EditKind, MarkEdit, apply, plan
from orchestrator.blueprint.tex.parser import parse
from orchestrator.errors import BlueprintError

PROVED = DeclarationTruth(exists=True)
OPEN = DeclarationTruth(exists=True, axioms=("sorryAx",), sorry_free=False, body_has_sorry=True)
MISSING = DeclarationTruth(exists=False)
FACTS = {"P": PROVED, "O": OPEN, "M": MISSING}


def sync(text: str) -> str:
    blueprint = parse({"web.tex": text}.get, "web.tex")
    return apply(plan(blueprint, evaluate(blueprint, FACTS)), blueprint.files)["web.tex"]


ADDITIONS = {
    "own line behind lean": (
        "\\begin{lemma}\n\t\\label{l}\n\t\\lean{P}\n\t\\uses{a}  \n\tText\n\\end{lemma}\n",
        "\\begin{lemma}\n\t\\label{l}\n\t\\lean{P}\n\t\\leanok\n\t\\uses{a}  \n\tText\n\\end{lemma}\n",
    ),
    "windows line ends": (
        "\\begin{lemma}\r\n  \\lean{P}  \r\nText\r\n\\end{lemma}",
        "\\begin{lemma}\r\n  \\lean{P}  \r\n  \\leanok\r\nText\r\n\\end{lemma}",
    ),
    "several lines of names": (
        "\\begin{lemma}\n  \\lean{P, % why\n    P}\n\\end{lemma}",
        "\\begin{lemma}\n  \\lean{P, % why\n    P}\n  \\leanok\n\\end{lemma}",
    ),
    "comment behind lean": (
        "\\begin{lemma}\n  \\lean{P}% \\leanok\nText\\end{lemma}",
        "\\begin{lemma}\n  \\lean{P}% \\leanok\n  \\leanok\nText\\end{lemma}",
    ),
    "all on one line": (
        "\\begin{lemma}[T]\\label{l}\\lean{P} Text\n\\end{lemma}",
        "\\begin{lemma}[T]\\label{l}\\lean{P}\\leanok Text\n\\end{lemma}",
    ),
    "a letter next to it": (
        "\\begin{lemma}\\lean{P}Text\\end{lemma}",
        "\\begin{lemma}\\lean{P}\\leanok Text\\end{lemma}",
    ),
    "at the end of the first line": (
        "\\begin{lemma}\\lean{P}\nText\\end{lemma}",
        "\\begin{lemma}\\lean{P}\\leanok\nText\\end{lemma}",
    ),
    "in the style of the file": (
        "\\begin{lemma}\n\\lean{P}\\leanok\n\\end{lemma}\\begin{lemma}\n  \\lean{P}\n\\end{lemma}",
        "\\begin{lemma}\n\\lean{P}\\leanok\n\\end{lemma}\\begin{lemma}\n  \\lean{P}\\leanok\n\\end{lemma}",
    ),
    "label and lean on a line of their own": (
        "\\begin{lemma}\n  \\label{l} \\lean{P}\n  Text\\end{lemma}",
        "\\begin{lemma}\n  \\label{l} \\lean{P}\n  \\leanok\n  Text\\end{lemma}",
    ),
    "the statement only": (
        "\\begin{lemma}\\lean{O}\\end{lemma}\\begin{proof}\\end{proof}",
        "\\begin{lemma}\\lean{O}\\leanok\\end{lemma}\\begin{proof}\\end{proof}",
    ),
}
LEMMA = "\\begin{lemma}\\lean{P}\\leanok\\end{lemma}"
PROOFS = {
    "first line, indented like the next": (
        "\\begin{proof}[Sketch]\n    \\uses{a}\n\\end{proof}",
        "\\begin{proof}[Sketch]\n    \\leanok\n    \\uses{a}\n\\end{proof}",
    ),
    "no usable next line": ("  \\begin{proof}\n  \\end{proof}", "  \\begin{proof}\n    \\leanok\n  \\end{proof}"),
    "comment in the next line": (
        "\\begin{proof}\n% c\nText\\end{proof}",
        "\\begin{proof}\n  \\leanok\n% c\nText\\end{proof}",
    ),
    "text on the first line": ("\\begin{proof} Easy.\n\\end{proof}", "\\begin{proof}\\leanok Easy.\n\\end{proof}"),
    "letter next to it": ("\\begin{proof}Easy.\\end{proof}", "\\begin{proof}\\leanok Easy.\\end{proof}"),
    "comment on the first line": (
        "\\begin{proof} % c\n Easy.\\end{proof}",
        "\\begin{proof} % c\n \\leanok\n Easy.\\end{proof}",
    ),
    "in the style of the file": (
        f"\\begin{{proof}} \\leanok\n\\end{{proof}}\n{LEMMA}\n\\begin{{proof}}\nEasy.\\end{{proof}}",
        f"\\begin{{proof}} \\leanok\n\\end{{proof}}\n{LEMMA}\n\\begin{{proof}} \\leanok\nEasy.\\end{{proof}}",
    ),
}
REMOVALS = {
    "its whole line": (
        "\\begin{lemma}\n  \\lean{M}\n  \\leanok \t\n  Text\n\\end{lemma}\n",
        "\\begin{lemma}\n  \\lean{M}\n  Text\n\\end{lemma}\n",
    ),
    "its whole line with windows line ends": (
        "\\begin{lemma}\\lean{M}\r\n\\leanok\r\nText\r\n\\end{lemma}",
        "\\begin{lemma}\\lean{M}\r\nText\r\n\\end{lemma}",
    ),
    "beside lean": ("\\begin{lemma}\n  \\lean{M}\\leanok\n\\end{lemma}", "\\begin{lemma}\n  \\lean{M}\n\\end{lemma}"),
    "at the end of a line": (
        "\\begin{lemma}\\lean{M} \\leanok  \n\\end{lemma}",
        "\\begin{lemma}\\lean{M}  \n\\end{lemma}",
    ),
    "between words": ("\\begin{lemma}\\lean{M} \\leanok Text\\end{lemma}", "\\begin{lemma}\\lean{M} Text\\end{lemma}"),
    "behind a brace": ("\\begin{lemma}\\lean{M}\\leanok Text\\end{lemma}", "\\begin{lemma}\\lean{M} Text\\end{lemma}"),
    "before a comment": (
        "\\begin{lemma}\\lean{M}\n  \\leanok % why\n\\end{lemma}",
        "\\begin{lemma}\\lean{M}\n  % why\n\\end{lemma}",
    ),
    "every one of several": (
        "\\begin{lemma}\\lean{M}\n  \\leanok \\leanok\nA\\leanok\\end{lemma}",
        "\\begin{lemma}\\lean{M}\nA\\end{lemma}",
    ),
    "with its braces, gluing nothing": (
        "\\begin{lemma}\\lean{M}\\em\\leanok{}Text\\end{lemma}",
        "\\begin{lemma}\\lean{M}\\em Text\\end{lemma}",
    ),
    "of all proofs": (
        "\\begin{lemma}\\lean{O}\\leanok\\end{lemma}\\begin{proof}\\leanok\\end{proof}\\begin{proof}\\leanok\\end{proof}",
        "\\begin{lemma}\\lean{O}\\leanok\\end{lemma}\\begin{proof}\\end{proof}\\begin{proof}\\end{proof}",
    ),
    "in a file that ends there": ("\\begin{lemma}\\lean{M}\r\n\\leanok", "\\begin{lemma}\\lean{M}"),
}
UNTOUCHED = {
    "true already": "\\begin{lemma}\\lean{P}\n\\leanok\\end{lemma} \n\\begin{proof}%\n\\leanok\\end{proof}",
    "mathlib": "\\begin{lemma}\\lean{P}\\mathlibok\\end{lemma}\\begin{proof}\\end{proof}",
    "mathlib, and missing": "\\begin{lemma}\\lean{M}\\mathlibok\\leanok\\end{lemma}\\begin{proof}\\leanok\\end{proof}",
    "undecided and unmarked": "\\begin{lemma}\\lean{U}\\end{lemma}\\begin{proof}\\end{proof}",
    "undecided and marked": "\\begin{lemma}\\lean{U}\\leanok\\end{lemma}\\begin{proof}\\leanok\\end{proof}",
    "nothing named": "\\begin{lemma}\\leanok\\end{lemma}\\begin{proof}\\leanok\\end{proof}",
    "a mark that is not read": "\\begin{lemma}\\lean{M}\\begin{enumerate}\\leanok\\end{enumerate}\\end{lemma}",
}
LEMMA_WITH = {name: (f"{LEMMA}\n{before}", f"{LEMMA}\n{after}") for name, (before, after) in PROOFS.items()}


@pytest.mark.parametrize(("before", "after"), [*ADDITIONS.values(), *LEMMA_WITH.values(), *REMOVALS.values()])
def test_edits(before: str, after: str) -> None:
    assert sync(before) == after
    assert sync(after) == after


@pytest.mark.parametrize("text", UNTOUCHED.values(), ids=UNTOUCHED.keys())
def test_untouched(text: str) -> None:
    assert sync(text) == text


def test_bytes_that_are_no_utf8_survive() -> None:
    data = b"\\begin{lemma}\xff\xfe caf\xe9\t \r\n\\lean{P}\r\n\xe9\\end{lemma}\xc3"
    expected = b"\\begin{lemma}\xff\xfe caf\xe9\t \r\n\\lean{P}\r\n\\leanok\r\n\xe9\\end{lemma}\xc3"
    assert sync(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape") == expected


def test_undecided_marks_go_when_asked_to() -> None:
    text = "\\begin{lemma}\\lean{U}\\leanok\\end{lemma}\\begin{proof}\\leanok\\end{proof}"
    blueprint = parse({"web.tex": text}.get, "web.tex")
    edits = plan(blueprint, evaluate(blueprint, FACTS), remove_undecided=True)
    assert [edit.kind for edit in edits] == [EditKind.REMOVE, EditKind.REMOVE]
    assert apply(edits, blueprint.files)["web.tex"].count("leanok") == 0


def test_edits_say_what_they_are_of() -> None:
    blueprint = parse({"web.tex": "\\begin{lemma}\\label{l}\\lean{P}\\end{lemma}"}.get, "web.tex")
    (edit,) = plan(blueprint, evaluate(blueprint, FACTS))
    assert edit == MarkEdit(Span("web.tex", 30, 30), "\\leanok", EditKind.ADD, "l", edit.position)
    assert edit.position == "statement"


def test_a_file_that_is_input_twice_is_edited_once() -> None:
    texts = {"web.tex": "\\input{a}\\input{a}", "a.tex": "\\begin{lemma}\\lean{P}\\end{lemma}", "other": "x"}
    blueprint = parse(texts.get, "web.tex")
    result = apply(plan(blueprint, evaluate(blueprint, FACTS)), texts)
    assert result == texts | {"a.tex": "\\begin{lemma}\\lean{P}\\leanok\\end{lemma}"}


def test_files_without_marks_follow_the_style_of_the_others() -> None:
    texts = {
        "web.tex": "\\input{a}\\begin{lemma}\n\\lean{P}\\leanok\n\\end{lemma}",
        "a.tex": "\\begin{lemma}\n\\lean{P}\n\\end{lemma}",
    }
    blueprint = parse(texts.get, "web.tex")
    result = apply(plan(blueprint, evaluate(blueprint, FACTS)), texts)
    assert result["a.tex"] == "\\begin{lemma}\n\\lean{P}\\leanok\n\\end{lemma}"


def test_list_of_declarations_only_when_asked_for() -> None:
    text = "\\begin{lemma}\\lean{B, A}\\end{lemma}\\begin{lemma}\\lean{B}\\end{lemma}"
    parsed = parse({"web.tex": text}.get, "web.tex")
    blueprint = replace(parsed, lean_decls="A\nold\n", lean_decls_path="lean_decls")
    status = evaluate(blueprint, {})
    assert plan(blueprint, status) == ()
    edits = plan(blueprint, status, lean_decls=True)
    assert apply(edits, {"lean_decls": "A\nold\n"}) == {"lean_decls": "B\nA\nB"}
    fresh = replace(blueprint, lean_decls="B\nA\nB")
    assert plan(fresh, evaluate(fresh, {}), lean_decls=True) == ()


def test_a_status_of_another_blueprint_is_refused() -> None:
    one = parse({"web.tex": "\\begin{lemma}\\label{a}\\end{lemma}"}.get, "web.tex")
    other = parse({"web.tex": "\\begin{lemma}\\label{b}\\end{lemma}"}.get, "web.tex")
    with pytest.raises(BlueprintError, match="not of this blueprint"):
        plan(one, evaluate(other, {}))


@pytest.mark.parametrize(
    "edits",
    [
        [MarkEdit(Span("b", 0, 0), "", EditKind.ADD)],
        [MarkEdit(Span("a", 2, 9), "", EditKind.REMOVE)],
        [MarkEdit(Span("a", 0, 2), "", EditKind.REMOVE), MarkEdit(Span("a", 1, 3), "", EditKind.REMOVE)],
    ],
)
def test_edits_that_do_not_fit_are_refused(edits: list[MarkEdit]) -> None:
    with pytest.raises(BlueprintError):
        apply(edits, {"a": "text"})
