"""The TeX scanner: what is a command, and what only looks like one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.blueprint.tex.scanner import Scanner, items, plain


def commands(text: str) -> list[str]:
    scanner = Scanner(text)
    result = []
    while command := scanner.next_command():
        assert text[command.start : command.end] == f"\\{command.name}"
        result.append(command.name)
    return result


def test_comments_and_escapes() -> None:
    assert commands("\\a % \\b\n\\c \\% \\d \\\\% \\e\n\\f") == ["a", "c", "d", "f"]


def test_inline_verbatim_is_stepped_over() -> None:
    assert commands(r"\verb|\a| \verb*+\b+ \lstinline[x=y]!\c! \lstinline{\d} \mintinline{lean}|\e| \f") == ["f"]


def test_verb_that_is_never_closed_on_its_line_hides_nothing() -> None:
    assert commands("\\verb|x\n\\a|") == ["a"]


def test_percent_in_an_address_is_no_comment() -> None:
    assert commands(r"\url{https://a.b/c%20d} \a \href{x%y}{\b}") == ["a", "b"]


def test_longer_names_and_names_with_at_are_other_commands() -> None:
    assert commands(r"\leanokay \leanok@x \leanok1") == ["leanokay", "leanok@x", "leanok"]


def test_groups_nest_and_ignore_comments() -> None:
    scanner = Scanner(" % }\n {a{b}\\} % }\n c} rest")
    assert scanner.group() == "a{b}\\} c"
    assert scanner.text[scanner.position :] == " rest"


def test_unclosed_group_leaves_the_place_alone() -> None:
    scanner = Scanner("{a{b}")
    assert scanner.group() is None
    assert scanner.position == 0


def test_blank_line_ends_the_search_for_an_argument() -> None:
    assert Scanner("\n{a}").group() == "a"
    assert Scanner("\n\n{a}").group() is None


def test_optional_argument() -> None:
    assert Scanner("[a [b{]}] c").optional() == "a [b{]}"
    assert Scanner("[a } b]").optional() is None
    assert Scanner("[a \\end{theorem} b]").optional() is None
    assert Scanner("{a}").optional() is None


def test_plain_joins_lines() -> None:
    assert plain("A, % not B\n   B\\%,\r\n\tC") == "A, B\\%, C"


def test_items_drop_what_is_empty() -> None:
    assert items(" a , b,, ") == ("a", "b")


@settings(deadline=None)
@given(st.text(alphabet="\\{}[]%ab* \n\r|", max_size=60))
def test_every_method_moves_forward_or_stays(text: str) -> None:
    for method in (Scanner.group, Scanner.optional, Scanner.control_word, Scanner.bare_word, Scanner.next_command):
        scanner = Scanner(text)
        found = method(scanner)
        assert 0 <= scanner.position <= len(text)
        if found is None and method is not Scanner.next_command:
            assert scanner.position == 0
