"""The rules of a target repository: read strictly, applied to paths, names and proofs."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import RepositoryError
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.source.owner_rules import Rules, load_rules, matches, read_rules


@pytest.mark.parametrize(
    ("pattern", "path", "declaration", "expected"),
    [
        ("Foo/Bar.lean", "Foo/Bar.lean", "x", True),
        ("Foo", "Foo/Bar.lean", "x", True),
        ("Foo/", "Foo/A/B.lean", "x", True),
        ("Foo", "Foobar.lean", "x", False),
        ("*.Draft*", "A.lean", "My.Draft1", True),
        ("Foo.bar", "A.lean", "Foo.bar", True),
        ("Foo.bar", "A.lean", "Foo.bar2", False),
    ],
)
def test_patterns(pattern: str, path: str, declaration: str, expected: bool) -> None:
    assert matches(pattern, path, declaration) is expected


def test_exclusion_goes_before_inclusion() -> None:
    rules = Rules(include=("A",), exclude=("A/Draft.lean",))
    assert rules.outside("A/X.lean", "x") == ""
    assert "excluded" in rules.outside("A/Draft.lean", "x")
    assert "not among" in rules.outside("B/X.lean", "x")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("simp", ""),
        ("omega", "uses omega"),
        ("simp [omega_lemma]", ""),
        ("a\nb\nc", "3 lines"),
        ("exact foo.omega", ""),
    ],
)
def test_style(script: str, reason: str) -> None:
    assert Rules(forbidden_tactics=("omega",), max_proof_lines=2).refuses(script).startswith(reason)
    assert bool(Rules(forbidden_tactics=("omega",), max_proof_lines=2).refuses(script)) is bool(reason)


def test_a_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").write_text(
        'exclude = ["X"]\nallowed_axioms = ["my_axiom"]\nbudget_seconds = 60\n[style]\nforbidden_tactics = ["grind"]\n'
    )
    rules = load_rules(tmp_path)
    assert rules.allowed_axioms == STANDARD_AXIOMS | {"my_axiom"}
    assert (rules.exclude, rules.budget_seconds, rules.forbidden_tactics) == (("X",), 60.0, ("grind",))


def test_a_table_in_pyproject_is_read_and_none_is_needed(tmp_path: Path) -> None:
    assert load_rules(tmp_path) == Rules()
    (tmp_path / "pyproject.toml").write_text('[tool.orchestrator]\nbranches = ["main"]\n')
    assert load_rules(tmp_path).branches == ("main",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exlude = []", "did you mean 'exclude'"),
        ("exclude = 1", "'exclude': Input should be a valid list"),
        ("budget_seconds = -1", "'budget_seconds': Input should be greater than 0"),
        ('allowed_axioms = ["sorryAx"]', "nothing would be left to prove"),
        ("a = = 1", "cannot be read"),
        ("style = 1", "not a table"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "orchestrator.toml").write_text(text)
    with pytest.raises(RepositoryError, match=words):
        load_rules(tmp_path)


@given(st.dictionaries(st.text(max_size=12), st.one_of(st.integers(), st.text(), st.lists(st.text())), max_size=3))
def test_any_table_is_rules_or_a_clear_refusal(table: dict[str, object]) -> None:
    try:
        rules = read_rules(table)
    except ValueError as error:
        told = str(error)
    else:
        told = "'" if rules.allowed_axioms >= STANDARD_AXIOMS else ""
    assert "'" in told
