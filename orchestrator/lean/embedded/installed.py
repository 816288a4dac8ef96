"""An installed embedded Lean as a value: where its files are, and how it is started."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedLean:
    """An installed embedded Lean.

    Attributes:
        root: folder with `bin/` and `lib/lean/`.
        folder: folder with the compiled server and what starts it.
        node: the Node program.
        version: of Lean.
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

    def command(
        self, *, threads: int = 4, stack_megabytes: int = 256, thread_stack_kilobytes: int = 131_072
    ) -> list[str]:
        """How to start a server that speaks JSON lines on its standard streams.

        It can read its own two folders and nothing else of this machine, and write nothing.

        Args:
            threads: JavaScript threads that are ready for Lean; the server itself takes three.
            stack_megabytes: stack of such a thread.
            thread_stack_kilobytes: how much of it Lean may use before it reports a deep recursion.
        """
        lean = ("-j1", f"--tstack={thread_stack_kilobytes}", "--run", str(self.boot), "--watch")
        return self.lean_command(*lean, threads=threads, stack_megabytes=stack_megabytes)

    def lean_command(
        self, *arguments: str, threads: int = 4, stack_megabytes: int = 256, writable: Path | None = None
    ) -> list[str]:
        """How to run the `lean` program with `arguments`; it may write to the folder `writable` only."""
        return [
            str(self.node),
            str(self.launcher),
            f"--root={self.root}",
            f"--threads={threads}",
            f"--stack-megabytes={stack_megabytes}",
            f"--read={self.folder}",
            *([] if writable is None else [f"--write={writable}"]),
            "--",
            *arguments,
        ]

    def environment(self) -> dict[str, str]:
        """The whole environment of such a process: it needs none of ours."""
        return {"LANG": "C.UTF-8"}
