"""What a patched file gives others beside constants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.gate.entries import entry_changes
from orchestrator.lean.protocol import Attributed, Entries, ExportReply

WORDS = ("simp", "instance", "reducible", "protected")
exports = st.builds(
    ExportReply,
    st.just(()),
    st.dictionaries(st.sampled_from(("a", "b", "c")), st.frozensets(st.sampled_from(WORDS), min_size=1)).map(
        lambda found: tuple(Attributed(name, tuple(sorted(words))) for name, words in found.items())
    ),
    st.dictionaries(st.sampled_from(("Lean.Meta.simpExtension", "My.ext")), st.integers(1, 3)).map(
        lambda found: tuple(Entries(name, number) for name, number in found.items())
    ),
)


@given(exports, exports)
def test_a_change_is_seen_from_both_sides_and_none_where_there_is_none(a: ExportReply, b: ExportReply) -> None:
    kept = {"a", "b", "c"}
    assert entry_changes(a, a, kept) == ()
    same = {x.name: set(x.attributes) for x in a.attributes} == {x.name: set(x.attributes) for x in b.attributes}
    same = same and set(a.entries) == set(b.entries)
    assert bool(entry_changes(a, b, kept)) == bool(entry_changes(b, a, kept)) == (not same)


@pytest.mark.parametrize(
    "extension",
    ["Lean.declRangeExt", "Lean.Elab.WF.eqnInfoExt", "_private.Lean.AddDecl.0.Lean.privateConstKindsExt"],
)
def test_what_lean_fills_for_every_proof_is_no_change(extension: str) -> None:
    assert entry_changes(ExportReply(()), ExportReply((), entries=(Entries(extension, 2),)), ()) == ()


def test_recursion_makes_what_is_filled_irreducible_and_nothing_else() -> None:
    after = ExportReply((), (Attributed("a", ("irreducible",)),))
    assert entry_changes(ExportReply(()), after, ()) == ()
    assert entry_changes(ExportReply(()), after, {"a"}) == ("`a` is irreducible now",)


def test_a_change_is_said_in_words() -> None:
    before = ExportReply((), (Attributed("a", ("simp",)),), (Entries("Lean.Meta.simpExtension", 1),))
    after = ExportReply((), (Attributed("a", ("instance",)),))
    assert entry_changes(before, after, ()) == (
        "`a` is instance now",
        "`a` is not simp any more",
        "the file gives `Lean.Meta.simpExtension` 0 entries and gave 1",
    )


def test_of_a_compiled_file_only_extensions_that_are_known_count() -> None:
    before, after = ExportReply(()), ExportReply((), (), (Entries("My.ext", 1), Entries("Lean.classExtension", 1)))
    assert entry_changes(before, after, (), known_alone=True) == (
        "the file gives `Lean.classExtension` 1 entries and gave 0",
    )
