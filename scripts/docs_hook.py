"""Run by mkdocs: writes the reference of all commands from the command line itself, so that it is never out of date."""

from __future__ import annotations

from typing import Any

from mkdocs.structure.files import File, Files


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add commands.md."""
    from orchestrator.cli.main import app

    reference = app.generate_docs(output_format="markdown", recursive=True)
    files.append(File.generated(config, "commands.md", content=reference))
    return files
