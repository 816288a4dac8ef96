"""Who may import whom, read from the imports themselves."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("orchestrator", "flows", "tasks", "blocks", "bench")

PURE = {
    "orchestrator.errors",
    "orchestrator.config",
    "orchestrator.config_file",
    "orchestrator.variables",
    "orchestrator.goal",
    "orchestrator.helpers",
    "orchestrator.goal_identity",
    "orchestrator.goal_lexer",
    "orchestrator.goal_names",
    "orchestrator.goal_order",
    "orchestrator.goal_renaming",
    "orchestrator.goal_scopes",
    "orchestrator.goal_telescopes",
    "orchestrator.goal_terms",
    "orchestrator.normalize",
    "orchestrator.conversation",
    "orchestrator.suggestion",
    "orchestrator.proof_steps",
    "orchestrator.subgoals",
    "orchestrator.premises.select",
    "orchestrator.result",
    "orchestrator.source",
    "orchestrator.patch",
    "orchestrator.lexer",
    "orchestrator.layout",
    "orchestrator.diff",
    "orchestrator.bandit",
    "orchestrator.scheduling.features",
    "orchestrator.difficulty",
    "orchestrator.verdict",
    "orchestrator.rules",
}
ADAPTERS = ("lean", "repo", "hosts", "ledger", "premises", "models", "blueprint", "throttle")
# An adapter package may also use where things lie, which is a value.
ADAPTER_HELPERS = {"orchestrator.paths"}


def modules() -> Iterator[tuple[str, Path]]:
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


@cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module


def top(name: str) -> str:
    return name.partition(".")[0]


ALL = dict(modules())


def in_package(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("name", sorted(n for n in ALL if top(n) == "orchestrator"))
def test_the_domain_knows_nothing_of_prefect(name: str) -> None:
    allowed = name == "orchestrator.main" or in_package(name, "orchestrator.cli")
    for imported in imports(ALL[name]):
        outside = ("prefect", "flows", "tasks", "blocks", "bench")
        assert allowed or top(imported) not in outside, f"{name} imports {imported}"


@pytest.mark.parametrize("name", sorted(PURE | {n for n in ALL if in_package(n, "orchestrator.search")}))
def test_pure_files_import_the_standard_library_and_one_another(name: str) -> None:
    for imported in imports(ALL[name]):
        pure = imported in PURE or in_package(imported, "orchestrator.search")
        assert pure or imported in sys.stdlib_module_names or top(imported) in sys.stdlib_module_names, imported


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_adapters_import_pure_files_and_never_one_another(adapter: str) -> None:
    own = f"orchestrator.{adapter}"
    for name, path in ALL.items():
        if not in_package(name, own):
            continue
        for imported in imports(path):
            if top(imported) != "orchestrator" or in_package(imported, own):
                continue
            assert imported in PURE or imported in ADAPTER_HELPERS, f"{name} imports {imported}"


@pytest.mark.parametrize("name", sorted(n for n in ALL if in_package(n, "orchestrator.strategies")))
def test_strategies_are_handed_their_adapters(name: str) -> None:
    for imported in imports(ALL[name]):
        if top(imported) != "orchestrator":
            continue
        typed_messages = imported == "orchestrator.lean.protocol"
        pure = imported in PURE or in_package(imported, "orchestrator.search")
        assert pure or in_package(imported, "orchestrator.strategies") or typed_messages, imported


@pytest.mark.parametrize("name", sorted(n for n in ALL if in_package(n, "orchestrator.dashboard")))
def test_the_dashboard_reads_the_ledger_and_the_marketplace_only(name: str) -> None:
    own = ("orchestrator.dashboard", "orchestrator.ledger", "orchestrator.marketplace")
    for imported in imports(ALL[name]):
        if top(imported) == "orchestrator" and imported != "orchestrator":
            assert imported in PURE or any(in_package(imported, package) for package in own), imported


def test_tasks_and_blocks_do_not_import_flows() -> None:
    for name, path in ALL.items():
        if top(name) in ("tasks", "blocks", "bench"):
            assert all(top(imported) != "flows" for imported in imports(path)), name


def test_flows_import_only_tasks_blocks_and_the_domain() -> None:
    for name, path in ALL.items():
        if top(name) == "flows":
            for imported in imports(path):
                known = top(imported) in ("tasks", "blocks", "orchestrator", "prefect", "flows")
                assert known or top(imported) in sys.stdlib_module_names, f"{name} imports {imported}"


def test_only_config_reads_the_environment() -> None:
    for name, path in ALL.items():
        if top(name) != "orchestrator" or name == "orchestrator.config":
            continue
        text = path.read_text(encoding="utf-8")
        assert "os.environ" not in text, name
        assert "getenv" not in text, name


def test_only_one_file_imports_heavy_libraries() -> None:
    places = {
        "faiss": "orchestrator.premises.dense",
        "lean_dojo": "orchestrator.lean.dojo",
        "openai": "orchestrator.models.chat",
    }
    for name, path in ALL.items():
        for imported in imports(path):
            if top(imported) in places:
                assert name == places[top(imported)], f"{name} imports {imported}"


@pytest.mark.parametrize("name", sorted(n for n in ALL if top(n) == "orchestrator"))
def test_libraries_of_the_extras_are_imported_when_they_are_used(name: str) -> None:
    for node in ast.parse(ALL[name].read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        extras = {"torch", "transformers", "faiss", "openai", "lean_dojo"}
        assert extras.isdisjoint(map(top, names)), name
