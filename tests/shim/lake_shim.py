"""Stands in for `lake` and `lean`: answers what our code and lean-interact ask them, over the embedded Lean.

Run as `lake_shim.py NAME ARGUMENTS…` with NAME `lake` or `lean`. Understood: `--version`, `env PROGRAM …`, `build`,
`build --no-build`, and `exe …` (which fails, as in a project without Mathlib). A file `.stale` in the project makes
`build --no-build` say that the build is out of date, until `build` was called, which leaves an empty compiled file for
each root of a package.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

VERSION = "4.28.0-pre"
OUT_OF_DATE = 3


def main(name: str, arguments: list[str]) -> int:
    """The exit code; `env` does not come back."""
    if arguments[:1] == ["--version"]:
        lean = f"Lean (version {VERSION}, x86_64-unknown-linux-gnu, commit 38f3c0c4, Release)"
        sys.stdout.write((f"Lake version 5.0.0-src ({lean})" if name == "lake" else lean) + "\n")
        return 0
    if name == "lean" and arguments[-1:] and arguments[-1].endswith(".lean"):
        # What LeanDojo does: the file holds a server tactic.
        dojo = Path(__file__).with_name("dojo_shim.py")
        os.execv(sys.executable, [sys.executable, str(dojo), os.environ["SHIM_LAUNCH"], arguments[-1]])
    if name == "lake" and arguments[:1] == ["env"]:
        if arguments[1:2] == ["lean"]:
            return main("lean", arguments[2:])
        os.execvp(arguments[1], arguments[1:])
    if name == "lake" and arguments[:1] == ["build"]:
        stale = Path(".stale")
        if "--no-build" in arguments:
            return OUT_OF_DATE if stale.exists() else 0
        stale.unlink(missing_ok=True)
        for source in Path(".lake/packages").glob("*/*.lean"):
            compiled = source.parent / ".lake/build/lib/lean" / f"{source.stem}.olean"
            compiled.parent.mkdir(parents=True, exist_ok=True)
            compiled.touch()
        Path(".built").touch()
        return 0
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
