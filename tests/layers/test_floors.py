"""Who may import whom, read from the imports themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from house import ROOT, SOURCES, TREES  # type: ignore[import-not-found]

FLOORS = (
    ("errors", "goals", "machine", "text"),
    ("config", "git", "ledger", "source"),
    ("blueprint", "lean"),
    ("gate", "premises"),
    ("strategies",),
    ("marketplace", "scheduler"),
    ("run",),
    ("dashboard",),
    ("cli",),
    ("main",),
)
"""The lowest first; a module imports its own room and rooms on lower floors (docs/architecture.md)."""
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = {
    "faiss": "orchestrator.premises.embeddings",
    "lean_dojo": "orchestrator.lean.dojo",
    "openai": "orchestrator.strategies.sketch.chat",
}
"""Libraries that one module alone may import."""
EXTRAS = {*HEAVY, "torch", "transformers"}


def imports(tree: ast.Module, *, when_used: bool = True) -> Iterator[str]:
    """The modules that one imports; with `when_used=False` only those that are imported with the module itself."""
    for node in ast.walk(tree) if when_used else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "orchestrator":
            yield from (f"orchestrator.{alias.name}" for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def room(module: str) -> str:
    return module.split(".")[1] if module.startswith("orchestrator.") else ""


def upward(name: str, tree: ast.Module) -> list[str]:
    """The imports of a module of the package that lead to its own floor or above."""
    rooms = ((imported, room(imported)) for imported in imports(tree))
    return [
        imported for imported, other in rooms if other not in ("", room(name)) and FLOOR[other] >= FLOOR[room(name)]
    ]


def test_a_module_imports_its_own_room_and_lower_floors() -> None:
    assert {name: up for name, tree in TREES.items() if room(name) and (up := upward(name, tree))} == {}


def test_an_upward_import_is_seen() -> None:
    planted = {
        "orchestrator.gate.gate": "def f():\n    from orchestrator.run.request import RunRequest\n",
        "orchestrator.premises.index": "from orchestrator.gate import gate",
        "orchestrator.lean.pool": "from orchestrator import run",
        "orchestrator.cli.main": "from orchestrator.run import request",
    }
    found = {name: upward(name, ast.parse(source)) for name, source in planted.items()}
    assert list(found.values()) == [["orchestrator.run.request"], ["orchestrator.gate"], ["orchestrator.run"], []]


def test_prefect_flows_and_tasks_are_imported_by_who_may() -> None:
    allowed = {"flows": {"tasks", "blocks", "prefect", "bench"}, "tasks": {"blocks", "prefect"}, "blocks": {"prefect"}}
    for name, tree in TREES.items():
        top = name.partition(".")[0]
        if room(name) != "cli" and top != "bench":
            outside = {imported.partition(".")[0] for imported in imports(tree)}
            others = outside & {"prefect", "flows", "tasks", "blocks", "bench"} - {top}
            assert others <= allowed.get(top, set()), name


def test_heavy_libraries_are_imported_when_used_in_one_module_each() -> None:
    for name, tree in TREES.items():
        for imported in imports(tree):
            assert HEAVY.get(imported.partition(".")[0], name) == name
        at_once = {imported.partition(".")[0] for imported in imports(tree, when_used=False)}
        assert not room(name) or EXTRAS.isdisjoint(at_once), name


def test_the_manual_shows_the_same_floors() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (`[^|]*`) \|", page, re.MULTILINE)
    assert {int(number): tuple(re.findall(r"`(\w+)`", rooms)) for number, rooms in rows} == dict(enumerate(FLOORS, 1))


def test_files_that_the_manual_names_are_there() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:orchestrator|flows|tasks|scripts)/[\w./-]*)`", page):
        assert (ROOT / path).exists(), path


def test_only_config_reads_the_environment() -> None:
    readers = {name for name, text in SOURCES.items() if room(name) and ("os.environ" in text or "getenv" in text)}
    assert readers == {"orchestrator.config"}


def test_the_package_is_entered_by_few_doors() -> None:
    entries = [path for path in (ROOT / "orchestrator").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 20
    assert {path.stem for path in entries} - {"__init__"} == set(FLOOR)
