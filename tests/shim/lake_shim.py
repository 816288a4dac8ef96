"""Stands in for `lake` and `lean`: answers what our code asks them, over the embedded Lean.

Run as `lake_shim.py NAME ARGUMENTS…` with NAME `lake` or `lean`. Understood: `--version`, `env`, `env PROGRAM …`,
`build`, `build --no-build`, `exe …` (which fails, as in a project without Mathlib), and what the gate asks of `lean`
(see `gate_shim`). `build` fetches packages from the folders that the manifest names, compiles what has changed by
replaying it (see `lake_artifacts`), and says its warnings again of what has not. A file `.stale` in the project makes
`build --no-build` say that the build is out of date, until `build` was called.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import gate_shim
from embedded_server import SECONDS, Server
from lake_artifacts import Artifact, MissingModule, base_environment, find, imports, keep, libraries, registered

from orchestrator.source.loading import load_project
from orchestrator.source.project import SourceModule

VERSION = "4.28.0-pre"
OUT_OF_DATE = 3


def packages(folder: Path) -> list[dict[str, str]]:
    """The packages of the manifest."""
    manifest = folder / "lake-manifest.json"
    found: list[dict[str, str]] = json.loads(manifest.read_text())["packages"] if manifest.is_file() else []
    return found


class Builder:
    """One `lake build`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: Server | None = None
        self.failed: set[str] = set()

    def build(self) -> int:
        """The exit code."""
        for package in packages(self.folder):
            if package["type"] == "git" and Path(package["url"]).is_dir():
                shutil.copytree(package["url"], Path(".lake/packages", package["name"]), dirs_exist_ok=True)
        for source in Path(".lake/packages").glob("*/*.lean"):
            if source.stem != "lakefile":
                keep(source.parent, Artifact(source.stem, source.read_text(encoding="utf-8")))
        for module in load_project(self.folder).modules:
            self.module(module)
        if self.server is not None:
            self.server.stop()
        return 1 if self.failed else 0

    def module(self, module: SourceModule) -> None:
        """Compile a module, unless that was done."""
        below = {name: one for name, _, _ in imports(module.text) if (one := find(self.folder, name)) is not None}
        bad = self.failed & set(module.imports)
        if bad:
            self.failed.add(module.name)
            print(f"error: {module.path}: bad import '{sorted(bad)[0]}'")
            return
        known = find(self.folder, module.name)
        digests = {name: one.digest for name, one in below.items()}
        if known is None or known.text != module.text or known.dependencies != digests:
            known = self.compiled(module, digests)
        else:
            print(f"✔ Replayed {module.name}")
        for warning in known.warnings if known else ():
            print(warning)

    def compiled(self, module: SourceModule, digests: dict[str, str]) -> Artifact | None:
        """Elaborate a module and keep it; None when it has errors."""
        self.server = self.server or Server.start(Path(os.environ["SHIM_LAUNCH"]))
        said = [f"✔ Built {module.name}"]
        warnings = []
        try:
            env = base_environment(self.server, self.folder, module.header)
            settings = [f"set_option {name} {value}" for name, value in module.options]
            request = {"file": registered(module.text), "module": module.name, "env": env, "timeoutMs": SECONDS * 1000}
            reply = self.server.ask({**request, "settings": settings})
        except MissingModule as missing:
            reply = {"messages": [{"severity": "error", "pos": {"line": 1, "column": 0}, "data": str(missing)}]}
        for message in reply["messages"]:
            line = f"{message['severity']}: {module.path}:{message['pos']['line']}:{message['pos']['column']}: "
            line += message["data"]
            if message["severity"] == "error":
                self.failed.add(module.name)
                said = [f"✖ Building {module.name}", *said[1:], line]
            elif message["severity"] == "warning":
                warnings.append(line)
        print("\n".join(said))
        if module.name in self.failed:
            return None
        keep(self.folder, artifact := Artifact(module.name, module.text, digests, warnings))
        return artifact


def main(name: str, arguments: list[str]) -> int:
    """The exit code; `env` does not come back."""
    if arguments[:1] == ["--version"]:
        lean = f"Lean (version {VERSION}, x86_64-unknown-linux-gnu, commit 38f3c0c4, Release)"
        sys.stdout.write((f"Lake version 5.0.0-src ({lean})" if name == "lake" else lean) + "\n")
        return 0
    if (name == "lean" and "-o" in arguments) or "--run" in arguments:
        return gate_shim.main(arguments)
    if name == "lean" and arguments[-1:] and arguments[-1].endswith(".lean"):
        # What LeanDojo does: the file holds a server tactic.
        dojo = Path(__file__).with_name("dojo_shim.py")
        os.execv(sys.executable, [sys.executable, str(dojo), os.environ["SHIM_LAUNCH"], arguments[-1]])
    if name == "lake" and arguments == ["env"]:
        # The last one lets the stand-in itself be read inside the sandbox.
        path = os.pathsep.join(map(str, (*libraries(Path.cwd()), "/")))
        print(f"LEAN_SYSROOT={Path(os.environ['SHIM_LAUNCH']).parent}\nLEAN_PATH={path}")
        return 0
    if name == "lake" and arguments[:1] == ["env"]:
        if arguments[1:2] == ["lean"]:
            return main("lean", arguments[2:])
        os.execvp(arguments[1], arguments[1:])
    if name == "lake" and arguments[:1] == ["build"]:
        stale = Path(".stale")
        if "--no-build" in arguments:
            return OUT_OF_DATE if stale.exists() else 0
        stale.unlink(missing_ok=True)
        return Builder(Path.cwd()).build()
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
