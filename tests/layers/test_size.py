"""How wide things may grow, and that a class name means one thing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator

from house import PACKAGE, ROOT  # type: ignore[import-not-found]

PARTS = 8
PUBLIC = {
    "flows.nightly.nightly",
    "flows.on_push.on_push",
    "orchestrator.cli.runs.on_push",
    "orchestrator.cli.runs.prove",
    "orchestrator.cli.market.request",
}
"""Commands and flows: each parameter is an option that a person can give."""


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every function with the number of its parameters, `self` and `cls` not counted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            yield node.name, len([name for name in names if name not in ("self", "cls")])


def mutable_dataclasses(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every dataclass that is not frozen, with the number of its fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            if any(mark.startswith("dataclass") and "frozen=True" not in mark for mark in marks):
                yield node.name, sum(isinstance(part, ast.AnnAssign) for part in node.body)


def too_wide(things: Callable[[ast.Module], Iterator[tuple[str, int]]]) -> set[str]:
    """The modules' things with more parts than are allowed."""
    found = ((f"{module}.{name}", parts) for module, tree in PACKAGE.items() for name, parts in things(tree))
    return {name for name, parts in found if parts > PARTS} - PUBLIC


def test_no_function_takes_more_than_eight_parameters() -> None:
    assert too_wide(functions) == set()


def test_no_mutable_dataclass_has_more_than_eight_fields() -> None:
    assert too_wide(mutable_dataclasses) == set()


def test_a_class_name_stands_once() -> None:
    classes = (node.name for tree in PACKAGE.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert [name for name, number in Counter(classes).items() if number > 1] == []


def test_a_file_of_tests_has_a_name_of_its_own() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py")
    assert [name for name, number in names.items() if number > 1] == [], "pytest could not import both"


def test_what_is_too_large_is_seen() -> None:
    tree = ast.parse("@dataclass\nclass A:\n    a: int\n    def f(self, a, /, b, *, c): ...\n")
    assert list(functions(tree)) == [("f", 3)]
    assert list(mutable_dataclasses(tree)) == [("A", 1)]
    assert not list(mutable_dataclasses(ast.parse("@dataclass(frozen=True, slots=True)\nclass A:\n    a: int\n")))
