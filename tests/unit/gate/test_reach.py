"""What a patch reaches beside the sorries that it fills."""

from __future__ import annotations

import pytest
from elaborated_facts import fact

from orchestrator.gate.reach import is_code, look_alikes, read_above
from orchestrator.source.project import Project, SourceModule


@pytest.mark.parametrize(
    ("name", "above", "is_read"),
    [
        ("n", "theorem t : n = n := rfl", True),
        ("n", "theorem t : m = m := rfl -- n", False),
        ("N.two", "theorem t : two = two := rfl", False),
        ("N.two", "open N\ntheorem t : two = two := rfl", True),
        ("A.N.two", "namespace N\ntheorem t : two = two := rfl\nend N", True),
        ("N.two", "theorem t : N.two = 2 := rfl", True),
        ("N.two", "open NN\ntheorem t : two = two := rfl", False),
        ("N.two", "open N\ntheorem t : two.succ = 3 := rfl", True),
    ],
)
def test_a_new_name_that_a_file_above_reads(name: str, above: str, is_read: bool) -> None:
    modules = (SourceModule("B", "B.lean", ""), SourceModule("A", "A.lean", above, imports=("B",)))
    found = list(read_above(Project("p", "/nowhere", modules=modules), "B", [name]))
    assert bool(found) == is_read
    assert all("A.lean" in words and name in words for words in found)
    assert list(read_above(Project("p", "/nowhere", modules=modules), "A", [name])) == []


@pytest.mark.parametrize(
    ("name", "above", "is_read"),
    [
        ("N.T.symm", "theorem t : p := h.symm", True),
        ("N.T.symm", "theorem t : p := (f h).symm", True),
        ("N.T.symm", "theorem t : p := h.symm.trans h", True),
        ("N.T.symm", "theorem t : p := symm h", False),
        ("N.U.symm", "theorem t : p := h.symm", False),
    ],
)
def test_a_field_that_a_file_above_calls(name: str, above: str, is_read: bool) -> None:
    modules = (SourceModule("B", "B.lean", ""), SourceModule("A", "A.lean", above, imports=("B",)))
    assert bool(list(read_above(Project("p", "/nowhere", modules=modules), "B", [name], {"N.T"}))) == is_read


def test_what_lean_runs_is_code() -> None:
    assert is_code(fact("m", kind="def", type="c Lean.Macro\n= 0"))
    assert not is_code(fact("m", kind="def", type="c Lean.Grind.Ring (s 0)\n= 0"))
    assert not is_code(fact("m", kind="theorem", type="c Lean.Macro\n= 0"))


def test_a_constant_that_is_written_like_another() -> None:
    original = {"t": fact("t", type="c «a b».c\nc Nat\na 0 1\n= 2")}
    assert list(look_alikes(["«a b».c", "new"], original)) == ["`«a b».c` is written like another constant"]
    assert list(look_alikes(["«a b».d", "Nat"], original)) == []
