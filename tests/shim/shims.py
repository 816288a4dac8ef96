"""Writes executables called `lake`, `lean` and `repl` that have the embedded Lean behind them."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from orchestrator.lean.embedded.process import Launch

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Shims:
    """Where the executables are.

    Attributes:
        bin: a folder for the PATH, with `lake` and `lean`.
        repl: a folder like a built copy of the community REPL.
    """

    bin: Path
    repl: Path

    @property
    def lake(self) -> Path:
        """The program `lake`."""
        return self.bin / "lake"


def write_shims(folder: Path, launch: Launch, *, toolchain: str = "leanprover/lean4:v4.28.0-rc1") -> Shims:
    """Write them into `folder`."""
    shims = Shims(folder / "bin", folder / "repl")
    how = folder / "launch.json"
    folder.mkdir(parents=True, exist_ok=True)
    value = {"command": list(launch.command), "environment": dict(launch.environment), "folder": launch.folder}
    how.write_text(json.dumps(value), encoding="utf-8")
    for name in ("lake", "lean"):
        _script(shims.bin / name, ["env", f"SHIM_LAUNCH={how}", sys.executable, str(HERE / "lake_shim.py"), name])
    _script(shims.repl / ".lake/build/bin/repl", [sys.executable, str(HERE / "repl_shim.py"), str(how)])
    (shims.repl / "lean-toolchain").write_text(toolchain + "\n", encoding="utf-8")
    return shims


def _script(path: Path, command: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
