"""The parser: what leanblueprint would take from the same source."""

import pytest

from orchestrator.blueprint.nodes import Blueprint, ProblemKind
from orchestrator.blueprint.tex.parser import parse

ROOT = "blueprint/src/web.tex"


def read(text: str, **files: str) -> Blueprint:
    return parse(({ROOT: text} | {f"blueprint/src/{name}.tex": content for name, content in files.items()}).get, ROOT)


def kinds(blueprint: Blueprint) -> list[ProblemKind]:
    return [problem.kind for problem in blueprint.problems]


def test_a_whole_node() -> None:
    blueprint = read(
        r"""
        \begin{theorem}[Smale \emph{1958}]
          \label{thm:a}
          \lean{A.b, % first
            C.d\_e}
          \leanok
          \uses{def:x, thm:a}
          \discussion{#12}
          Text.
        \end{theorem}
        \begin{definition}\label{def:x}\notready\end{definition}
        \begin{proof}[Sketch]\proves{thm:a}\uses{def:x}\leanok Clear.\end{proof}
        """
    )
    theorem, definition = blueprint.nodes
    assert (theorem.label, theorem.statement.environment, theorem.statement.title) == (
        "thm:a",
        "theorem",
        "Smale \\emph{1958}",
    )
    assert theorem.statement.lean == ("A.b", "C.d_e")
    assert theorem.statement.uses == ("def:x", "thm:a")
    assert theorem.statement_leanok
    assert theorem.proof is not None
    assert (theorem.proof.title, theorem.proof.uses, theorem.proof_leanok) == ("Sketch", ("def:x",), True)
    assert (definition.statement.notready, definition.statement_leanok, definition.proof) == (True, False, None)
    assert blueprint.problems == ()
    assert blueprint.declarations == ("A.b", "C.d_e")


def test_the_last_lean_is_read_and_several_uses_add_up() -> None:
    blueprint = read(r"\begin{lemma}\lean{A, B}\uses{x}\lean{B,C,B}\uses{x, y}\end{lemma}")
    assert (blueprint.nodes[0].statement.lean, blueprint.nodes[0].statement.uses) == (("B", "C"), ("x", "y"))
    assert blueprint.declarations == ("A", "B", "B", "C", "B")
    assert "comes after another \\lean" in str(blueprint.problems[0])


@pytest.mark.parametrize(
    "shown",
    [
        r"{\lean{A}\leanok}",
        r"\textbf{\lean{A}\leanok}",
        r"{\em \lean{A} {}} \bgroup\leanok\egroup",
        r"\begingroup\lean{A}\leanok\endgroup",
        r"[a title \lean{A}\leanok]",
        r"\unknown{x}{ {\lean{A}} \leanok }",
    ],
)
def test_what_stands_in_braces_or_a_title_belongs_to_no_node(shown: str) -> None:
    blueprint = read(
        rf"\begin{{lemma}}{shown}\label{{l}} text \uses{{m}}\end{{lemma}}\begin{{lemma}}\label{{m}}\leanok\end{{lemma}}"
    )
    first, second = blueprint.nodes
    assert (first.statement.lean, first.statement_leanok, first.statement.uses) == ((), False, ("m",))
    assert second.statement_leanok
    assert blueprint.declarations == ("A",)
    assert [problem.kind for problem in blueprint.problems] == [ProblemKind.MISPLACED] * 2


def test_a_label_in_braces_is_the_nodes() -> None:
    blueprint = read(r"\begin{lemma}{\label{l}} {{ \end{lemma}\begin{lemma}\label{m}\leanok\end{lemma}")
    assert [(node.label, node.statement_leanok) for node in blueprint.nodes] == [("l", False), ("m", True)]


def test_spans_are_exact() -> None:
    text = "é\n\\begin{lemma}[T]\n \\label{l}\\lean{A}\\leanok{} x\\end{lemma}"
    blueprint = read(text)
    part = blueprint.nodes[0].statement
    shown = [text[span.start : span.end] for span in (part.begin, *part.label_macros, *part.lean_macros, *part.marks)]
    assert shown == ["\\begin{lemma}[T]", "\\label{l}", "\\lean{A}", "\\leanok{}"]


def test_mathlibok_implies_leanok() -> None:
    node = read(r"\begin{lemma}\mathlibok\end{lemma}").nodes[0]
    assert node.statement.mathlibok
    assert node.statement_leanok
    assert node.statement.marks == ()


@pytest.mark.parametrize(
    "hidden",
    [
        "% \\leanok\n",
        "\\begin{comment}\\leanok\\end{comment}",
        "\\begin{verbatim}\\end{lemma}\\leanok\\end{verbatim}",
        "\\begin{lstlisting}[x]\n\\leanok % \n\\end{lstlisting}",
        "\\begin{minted}{lean}\\leanok\\end{minted}",
        "\\verb|\\leanok|",
        "\\iffalse \\leanok \\ifx a b \\else\\fi \\leanok \\fi",
        "\\iftrue\\else\\leanok\\fi",
        "\\ifplastex\\else\\leanok\\fi",
        "\\newif\\ifdraft \\ifdraft\\leanok\\fi",
        "\\newcommand{\\x}[1][d]{\\leanok}",
        "\\def\\x#1{\\leanok}",
        "\\renewenvironment{x}{\\leanok}{\\leanok}",
        "\\NewDocumentCommand{\\x}{m}{\\leanok}",
        "\\let\\leanok=\\relax",
        "\\let\\x\\leanok ",
    ],
)
def test_what_is_not_executed_does_not_count(hidden: str) -> None:
    nodes = read(f"\\begin{{lemma}}\\label{{a}}{hidden}\\end{{lemma}}").nodes
    assert [(node.label, node.statement_leanok) for node in nodes] == [("a", False)]


@pytest.mark.parametrize(
    "shown",
    [
        "100\\% \\leanok",
        "\\iff \\leanok",
        "\\iffalse\\else\\leanok\\fi",
        "\\ifnum1<2 \\leanok\\else\\fi",
        "\\ifplastex\\leanok\\else\\fi",
        "\\newif\\ifdraft\\drafttrue \\ifdraft\\leanok\\fi",
    ],
)
def test_what_is_executed_counts(shown: str) -> None:
    assert read(f"\\begin{{lemma}}{shown}\\end{{lemma}}").nodes[0].statement_leanok


def test_custom_verbatim_environments() -> None:
    definitions = r"\lstnewenvironment{code}{}{}\newminted{lean}{}\excludecomment{old}"
    inside = "".join(f"\\begin{{{name}}}\\leanok\\end{{{name}}}" for name in ("code", "leancode", "old"))
    blueprint = read(f"{definitions}\\begin{{lemma}}{inside}\\end{{lemma}}")
    assert not blueprint.nodes[0].statement_leanok
    assert blueprint.problems == ()


def test_definitions_that_hide_macros_are_reported() -> None:
    blueprint = read("\\newcommand{\\ok}{\\leanok}\n\\newcommand{\\leanok}{}")
    assert [(problem.kind, problem.line) for problem in blueprint.problems] == [(ProblemKind.HIDDEN_MACRO, 1)]


def test_theorem_environments() -> None:
    text = r"""
    \newtheorem{claim}[theorem]{Claim}\newtheorem*{claim*}{Claim}\declaretheorem[name=Fact]{fact}
    \newenvironment{boxed}{\begin{frame}\begin{theorem}}{\end{theorem}\end{frame}}
    \begin{claim}\lean{A}\end{claim} \begin{claim*}\lean{B}\end{claim*} \begin{fact}\lean{C}\end{fact}
    \begin{boxed}\lean{D}\end{boxed} \begin{corollary}\end{corollary} \begin{claim}silent\end{claim}
    \begin{other}\lean{E}\end{other}
    """
    blueprint = read(text)
    assert [(node.statement.environment, node.statement.lean) for node in blueprint.nodes] == [
        ("claim", ("A",)),
        ("claim*", ("B",)),
        ("fact", ("C",)),
        ("boxed", ("D",)),
        ("corollary", ()),
    ]
    assert kinds(blueprint) == [ProblemKind.MISPLACED]


def test_package_option_names_the_theorems() -> None:
    text = r"\usepackage[showmore, thms=dfn+thm , dep_by=x]{blueprint}\begin{thm}\end{thm}\begin{lemma}\end{lemma}"
    assert [node.statement.environment for node in read(text).nodes] == ["thm"]


def test_inputs_are_looked_for_from_the_root_and_from_the_including_file() -> None:
    files = {
        ROOT: r"\input{macros/common}\input content \include{b}",
        "blueprint/src/macros/common.tex": r"\newtheorem{thm}{Theorem}",
        "blueprint/src/content.tex": r"\input{chapter/one.tex}\import{chapter/}{two}",
        "blueprint/src/chapter/one.tex": r"\input{local}\begin{thm}\lean{A}\end{thm}",
        "blueprint/src/chapter/local.tex": r"\begin{thm}\lean{B}\end{thm}",
        "blueprint/src/chapter/two.tex": r"\begin{thm}\lean{C}\end{thm}\endinput\begin{thm}\lean{X}\end{thm}",
        "blueprint/src/b.tex": r"\begin{thm}\lean{D}\end{thm}",
    }
    blueprint = parse(files.get, ROOT)
    assert blueprint.declarations == ("B", "A", "C", "D")
    assert blueprint.problems == ()
    assert blueprint.complete
    assert set(blueprint.files) == set(files)


def test_missing_files_and_cycles_are_reported_and_the_rest_goes_on() -> None:
    blueprint = read(
        "\\input{a}\n\\input{gone}\n\\input{bib.bbl}\\begin{lemma}\\end{lemma}", a="\\input{b}", b="\\input{a}"
    )
    assert [(problem.kind, problem.file, problem.line) for problem in blueprint.problems] == [
        (ProblemKind.INPUT_CYCLE, "blueprint/src/b.tex", 1),
        (ProblemKind.MISSING_FILE, ROOT, 2),
        (ProblemKind.MISSING_FILE, ROOT, 3),
    ]
    assert len(blueprint.nodes) == 1
    assert not blueprint.complete


def test_a_missing_bibliography_leaves_the_blueprint_complete() -> None:
    assert read("\\input{../print/refs.bbl}").complete


def test_files_outside_the_repository_and_computed_names_are_not_followed() -> None:
    asked: list[str] = []

    def reader(path: str) -> str | None:
        asked.append(path)
        return r"\input{../../../etc/x}\input{/etc/x}\input{\jobname-a}\input{|ls}" if path == ROOT else None

    blueprint = parse(reader, ROOT)
    assert asked == [ROOT]
    assert kinds(blueprint) == [ProblemKind.MISSING_FILE] * 2 + [ProblemKind.UNRESOLVED_INPUT] * 2


def test_what_leanarchitect_generates_is_left_alone() -> None:
    blueprint = read("\\input{../../.lake/build/blueprint/library/X}\\inputleannode{thm:a}\\inputleanmodule{X.Y}")
    assert kinds(blueprint) == [ProblemKind.GENERATED]
    assert not blueprint.complete


def test_unknown_labels_are_only_reported_when_everything_was_read() -> None:
    use = "\\begin{lemma}\\uses{a,b}\\end{lemma}\\section{s}\\label{b}"
    assert kinds(read(use)) == [ProblemKind.UNKNOWN_LABEL]
    assert kinds(read(f"{use}\\inputleannode{{a}}")) == []


def test_a_document_ends_where_it_ends() -> None:
    blueprint = read("\\begin{document}\\input{a}\\end{document}\\lean{X}", a="\\lean{A}\\end{document}\\lean{B}")
    assert blueprint.declarations == ("A",)


def test_a_subfile_has_its_own_document() -> None:
    sub = "\\documentclass[main]{subfiles}\\begin{document}\\lean{A}\\end{document}\\lean{X}"
    blueprint = read("\\begin{document}\\subfile{sub}\\lean{B}\\end{document}", sub=sub)
    assert blueprint.declarations == ("A", "B")


def test_local_packages_are_read() -> None:
    texts = {
        ROOT: "\\usepackage{mine}\\begin{thm}\\lean{A}\\end{thm}",
        "blueprint/src/mine.sty": "\\newtheorem{thm}{T}",
    }
    assert [node.statement.lean for node in parse(texts.get, ROOT).nodes] == [("A",)]


def labels_with_proofs(text: str) -> dict[str, str | None]:
    return {node.label: node.proof.title if node.proof else None for node in read(text).nodes}


def test_a_proof_belongs_to_the_closest_statement_before_it() -> None:
    text = r"""\begin{lemma}\label{a}\end{lemma}\begin{lemma}\label{b}\end{lemma} text
    \begin{figure}\end{figure}\begin{proof}[B]\end{proof}"""
    assert labels_with_proofs(text) == {"a": None, "b": "B"}


def test_a_section_starts_afresh() -> None:
    blueprint = read(r"\begin{lemma}\label{a}\end{lemma}\section{S}\begin{proof}\leanok\end{proof}")
    assert blueprint.nodes[0].proof is None
    assert kinds(blueprint) == [ProblemKind.LOOSE_PROOF]


def test_nested_claims_keep_their_proofs_apart() -> None:
    text = r"""\begin{theorem}\label{a}\end{theorem}\begin{proof}[A]
      \begin{lemma}\label{b}\end{lemma}\begin{proof}[B]\leanok\end{proof}
    \end{proof}"""
    blueprint = read(text)
    assert {node.label: node.proof_leanok for node in blueprint.nodes} == {"a": False, "b": True}
    assert labels_with_proofs(text) == {"a": "A", "b": "B"}


def test_the_last_of_several_proofs_is_read() -> None:
    blueprint = read(r"\begin{lemma}\label{a}\end{lemma}\begin{proof}[1]\end{proof}\begin{proof}[2]\end{proof}")
    (node,) = blueprint.nodes
    assert [proof.title for proof in node.proofs] == ["1", "2"]
    assert node.proof is not None
    assert node.proof.title == "2"
    assert kinds(blueprint) == [ProblemKind.SEVERAL_PROOFS]


def test_proves_with_an_unknown_label_falls_back() -> None:
    blueprint = read(r"\begin{lemma}\label{a}\end{lemma}\begin{proof}[A]\proves{b}\end{proof}")
    assert blueprint.nodes[0].proof is not None
    assert kinds(blueprint) == [ProblemKind.UNKNOWN_LABEL]


def test_of_two_statements_with_one_label_the_first_is_proved() -> None:
    twice = r"\begin{lemma}\label{a}\end{lemma}" * 2
    nodes = read(rf"{twice}\section{{S}}\begin{{proof}}\proves{{a}}\end{{proof}}").nodes
    assert [node.proof is None for node in nodes] == [False, True]


def test_macros_in_an_inner_environment_are_not_the_nodes() -> None:
    blueprint = read(r"\begin{lemma}\begin{enumerate}\item\label{i}\lean{A}\leanok\end{enumerate}\label{a}\end{lemma}")
    (node,) = blueprint.nodes
    assert (node.label, node.statement.lean, node.statement_leanok) == ("a", (), False)
    assert kinds(blueprint) == [ProblemKind.MISPLACED] * 2


def test_unbalanced_environments_are_reported_and_survived() -> None:
    blueprint = read("\\end{x}\\begin{lemma}\\begin{y}\\leanok\\end{lemma}\\begin{lemma}\\leanok")
    assert kinds(blueprint) == [
        ProblemKind.UNOPENED,
        ProblemKind.MISPLACED,
        ProblemKind.UNCLOSED,
        ProblemKind.UNCLOSED,
    ]
    assert [node.statement_leanok for node in blueprint.nodes] == [False, True]


def test_malformed_macros_and_double_labels_are_reported() -> None:
    blueprint = read("\\begin{lemma}\\label{a}\\lean\\uses{\\end{lemma}\n\\section{s}\\label{a}")
    assert kinds(blueprint)[:3] == [ProblemKind.MALFORMED, ProblemKind.MALFORMED, ProblemKind.DUPLICATE_LABEL]
    assert str(blueprint.problems[2]) == f"{ROOT}:2: label a is already at {ROOT}:1"


def test_by_label_finds_every_label() -> None:
    blueprint = read(r"\begin{lemma}\label{a}\label{b}\end{lemma}\begin{lemma}\label{a}\end{lemma}")
    assert blueprint.by_label["b"] is blueprint.by_label["a"] is blueprint.nodes[0]
    assert blueprint.nodes[0].key == "a"
