"""Libraries that only some installations have: whether they are there, and what to install when not."""

from __future__ import annotations

from importlib.util import find_spec

EXTRAS: dict[str, tuple[str, ...]] = {
    "models": ("torch", "transformers", "faiss"),
    "llm": ("openai",),
}
"""What each extra of the distribution brings, by import name."""


def missing(extra: str, libraries: tuple[str, ...] = ()) -> str:
    """ "" when an extra's libraries (or only those given) are installed, else what to do, in one line."""
    absent = [name for name in libraries or EXTRAS[extra] if find_spec(name) is None]
    if not absent:
        return ""
    return f"{', '.join(absent)} not installed: pip install 'lean-orchestrator[{extra}]'"
