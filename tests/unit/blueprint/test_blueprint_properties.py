"""What must hold of every blueprint, however it is written."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.blueprint.nodes import Blueprint
from orchestrator.blueprint.status import DeclarationTruth, evaluate
from orchestrator.blueprint.sync import apply, plan
from orchestrator.blueprint.tex.parser import parse

FACTS = {
    "P": DeclarationTruth(exists=True, axioms=("propext",)),
    "O": DeclarationTruth(exists=True, axioms=("sorryAx",), sorry_free=False, body_has_sorry=True),
    "M": DeclarationTruth(exists=False),
    "D": DeclarationTruth(exists=True, sorry_free=False, is_data=True, body_has_sorry=True),
}
GAPS = st.sampled_from(["", " ", "\n", "\r\n  ", "\n\t", "\r", " % \\leanok\n", "%\n", "\n\n", "\u00a0", "\udcff"])
FILLER_WORDS = r"""Text $x_{1}$ \verb|\leanok| \begin{comment}\leanok\end{comment} 100\% [x] {} \iffalse\leanok\fi \\ é
    \em \begin{itemize}\item\leanok\end{itemize} \newcommand{\x}{\leanok} \notready \discussion{#3} \uses{a} \url{a%b}
    \leanok \leanok{} \leanok\leanok"""
FILLERS = st.sampled_from(FILLER_WORDS.split())
NAMES = st.lists(st.sampled_from("POMDU"), min_size=1, max_size=2).map(", ".join)


@st.composite
def environments(draw: st.DrawFn, kind: str, macros: st.SearchStrategy[str]) -> str:
    title = draw(st.sampled_from(["", "[T]", "[\\label{t}]", "\n[T]"]))
    inside = draw(st.lists(st.one_of(macros, FILLERS), max_size=5))
    gaps = draw(st.lists(GAPS, min_size=len(inside) + 1, max_size=len(inside) + 1))
    body = "".join(gap + text for gap, text in zip(gaps, (*inside, ""), strict=True))
    indent = draw(st.sampled_from(["", "  ", "\t"]))
    return f"{indent}\\begin{{{kind}}}{title}{body}{indent}\\end{{{kind}}}"


STATEMENT_MACROS = st.one_of(
    NAMES.map(lambda names: f"\\lean{{{names}}}"), st.sampled_from(["\\label{a}", "\\mathlibok"])
)
STATEMENTS = st.sampled_from(["lemma", "definition"]).flatmap(lambda kind: environments(kind, STATEMENT_MACROS))
PROOFS = environments("proof", st.sampled_from(["\\proves{a}", "\\lean{P}"]))
WRITTEN = st.lists(st.tuples(st.one_of(STATEMENTS, PROOFS), GAPS).map("".join), max_size=6).map("".join)
SOUP_WORDS = r"""\begin{lemma} \end{lemma} \begin{proof} \end{proof} \lean{P} \lean{M} \lean \leanok \label{a} % a { }
    [ ] \iffalse \else \fi \iftrue \verb| | \newcommand \def \x \let \begin{comment} \end{comment} \begin \section \url{
    \begin{document} \end{document} \input{web} \endinput \mathlibok \ * \\"""
SOUP = st.lists(st.sampled_from([*SOUP_WORDS.split(), "\n", "\r\n", " ", "\udc80"]), max_size=25).map("".join)
TEXTS = st.one_of(WRITTEN, SOUP)


def read(text: str) -> Blueprint:
    return parse({"web.tex": text}.get, "web.tex")


def squeezed(text: str) -> str:
    return "".join(text.replace("\\leanok{}", "").replace("\\leanok", "").split())


def shape(blueprint: Blueprint) -> list[object]:
    return [
        (
            node.label,
            node.statement.lean,
            node.statement.uses,
            node.statement.title,
            node.statement.mathlibok,
            [(proof.title, proof.uses) for proof in node.proofs],
        )
        for node in blueprint.nodes
    ]


@settings(deadline=None)
@given(TEXTS)
def test_sync_makes_every_mark_true_and_touches_nothing_else(text: str) -> None:
    before = read(text)
    edits = plan(before, evaluate(before, FACTS))
    synced = apply(edits, before.files)["web.tex"]
    after = read(synced)
    status = evaluate(after, FACTS)
    assert not any(node.false_marks or node.unmarked for node in status.nodes)
    assert plan(after, status) == ()
    assert shape(after) == shape(before)
    assert squeezed(synced) == squeezed(text)
    if not any(node.false_marks or node.unmarked for node in evaluate(before, FACTS).nodes):
        assert synced == text


@settings(deadline=None)
@given(TEXTS)
def test_what_is_added_on_a_line_of_its_own_is_taken_out_again_exactly(text: str) -> None:
    before = read(text)
    if any(part.marks for node in before.nodes for part in (node.statement, *node.proofs)):
        return
    edits = plan(before, evaluate(before, FACTS))
    if all("\n" in edit.text or "\r" in edit.text for edit in edits):
        after = read(apply(edits, before.files)["web.tex"])
        gone = evaluate(after, dict.fromkeys(FACTS, DeclarationTruth(exists=False)))
        assert apply(plan(after, gone), after.files)["web.tex"] == text


@settings(deadline=None)
@given(TEXTS)
def test_undecided_declarations_change_nothing(text: str) -> None:
    blueprint = read(text)
    assert plan(blueprint, evaluate(blueprint, {})) == ()


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_survive(data: bytes) -> None:
    blueprint = read(data.decode("utf-8", "surrogateescape"))
    assert blueprint.files["web.tex"].encode("utf-8", "surrogateescape") == data
