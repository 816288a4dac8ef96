"""An installed embedded Lean as a value: where its files are, and how it is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_THREADS = 4
"""JavaScript threads that are ready for Lean; the server itself takes three."""
_STACK_MEGABYTES = 256
"""Stack of such a thread; Lean reports a deep recursion when it has used what is given to it."""
_LEAN_STACK_KILOBYTES = 131_072


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedLean:
    """An installed embedded Lean.

    Attributes:
        root: folder with `bin/` and `lib/lean/`.
        folder: folder with the compiled server and what starts it.
        package_digest: integrity of the npm package it was made from.
    """

    root: Path
    folder: Path
    node: Path
    version: str
    package_digest: str

    @property
    def launcher(self) -> Path:
        """The script for Node that starts Lean."""
        return self.folder / "launch.cjs"

    @property
    def server_ir(self) -> Path:
        """The compiled server."""
        return self.folder / "Server.ir"

    @property
    def boot(self) -> Path:
        """The file that Lean runs; it loads the compiled server."""
        return self.folder / "Boot.lean"

    def command(self) -> list[str]:
        """How to start a server that speaks JSON lines on its standard streams.

        It can read its own two folders and nothing else of this machine, and write nothing.
        """
        return self.lean_command("-j1", f"--tstack={_LEAN_STACK_KILOBYTES}", "--run", str(self.boot), "--watch")

    def lean_command(self, *arguments: str, writable: Path | None = None) -> list[str]:
        """How to run the `lean` program with `arguments`; it may write to the folder `writable` only."""
        return [
            str(self.node),
            str(self.launcher),
            f"--root={self.root}",
            f"--threads={_THREADS}",
            f"--stack-megabytes={_STACK_MEGABYTES}",
            f"--read={self.folder}",
            *([] if writable is None else [f"--write={writable}"]),
            "--",
            *arguments,
        ]

    def environment(self) -> dict[str, str]:
        """The whole environment of such a process: it needs none of ours."""
        return {"LANG": "C.UTF-8"}
