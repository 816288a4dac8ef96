"""Who may import whom, read from the imports themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = (
    ("errors", "goals", "machine", "text"),
    ("config", "git", "ledger", "source"),
    ("blueprint", "lean"),
    ("gate", "premises"),
    ("strategies",),
    ("marketplace", "scheduler"),
    ("dashboard", "run"),
    ("cli",),
    ("main",),
)
"""The lowest first; a module imports its own room and rooms on lower floors (docs/architecture.md)."""
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PATHS = {
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
    for top in ("orchestrator", "flows", "tasks", "blocks", "bench")
    for path in sorted((ROOT / top).rglob("*.py"))
}
HEAVY = {
    "faiss": "orchestrator.premises.embeddings",
    "lean_dojo": "orchestrator.lean.dojo",
    "openai": "orchestrator.strategies.sketch.chat",
}
"""Libraries that one module alone may import."""
EXTRAS = {*HEAVY, "torch", "transformers"}


def imports(source: str, *, when_used: bool = True) -> Iterator[str]:
    """The modules that a source imports; with `when_used=False` only those that are imported with the module itself."""
    tree = ast.parse(source)
    for node in ast.walk(tree) if when_used else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def room(module: str) -> str:
    return module.split(".")[1] if module.startswith("orchestrator.") else ""


def upward(name: str, source: str) -> list[str]:
    """The imports of a module of the package that lead to its own floor or above."""
    rooms = ((imported, room(imported)) for imported in imports(source))
    return [
        imported for imported, other in rooms if other not in ("", room(name)) and FLOOR[other] >= FLOOR[room(name)]
    ]


@pytest.mark.parametrize("name", sorted(name for name in PATHS if room(name)))
def test_a_module_imports_its_own_room_and_lower_floors(name: str) -> None:
    assert upward(name, PATHS[name].read_text(encoding="utf-8")) == []


def test_an_upward_import_is_seen() -> None:
    planted = "def f():\n    from orchestrator.run.request import RunRequest\n"
    assert upward("orchestrator.gate.gate", planted) == ["orchestrator.run.request"]
    assert upward("orchestrator.premises.index", "from orchestrator.gate import gate") == ["orchestrator.gate"]
    assert upward("orchestrator.cli.main", planted) == []


@pytest.mark.parametrize("name", sorted(PATHS))
def test_prefect_flows_and_tasks_are_imported_by_who_may(name: str) -> None:
    top, own = name.partition(".")[0], room(name)
    allowed = {"flows": {"tasks", "blocks", "prefect"}, "tasks": {"blocks", "prefect"}, "blocks": {"prefect"}}.get(top)
    if own == "cli" or top == "bench":
        return
    outside = {imported.partition(".")[0] for imported in imports(PATHS[name].read_text(encoding="utf-8"))}
    assert outside & {"prefect", "flows", "tasks", "blocks", "bench"} <= {*(allowed or ()), top}


@pytest.mark.parametrize("name", sorted(PATHS))
def test_heavy_libraries_are_imported_when_used_in_one_module_each(name: str) -> None:
    source = PATHS[name].read_text(encoding="utf-8")
    for imported in imports(source):
        assert HEAVY.get(imported.partition(".")[0], name) == name
    if room(name):
        assert EXTRAS.isdisjoint(imported.partition(".")[0] for imported in imports(source, when_used=False))


def test_only_config_reads_the_environment() -> None:
    readers = {
        name
        for name, path in PATHS.items()
        if room(name) and ("os.environ" in (text := path.read_text(encoding="utf-8")) or "getenv" in text)
    }
    assert readers == {"orchestrator.config"}


def test_the_package_is_entered_by_few_doors() -> None:
    entries = [path for path in (ROOT / "orchestrator").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 20
    assert {path.stem for path in entries} - {"__init__"} == set(FLOOR)
