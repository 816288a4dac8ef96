"""The sources of the project, read once for all tests of this folder."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = {
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path.read_text(
        "utf-8"
    )
    for top in ("orchestrator", "flows", "tasks", "blocks", "bench")
    for path in sorted((ROOT / top).rglob("*.py"))
}
"""Source by the name of its module."""
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}
PACKAGE = {name: tree for name, tree in TREES.items() if not name.startswith("bench")}
"""Without the benchmarks, which may be less tidy."""
