"""The commands in README.md and docs/: found, run in order, and compared with the output that stands under them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    page: str
    language: str
    body: str


@dataclass(frozen=True)
class Documented:
    """A command, and the output that is shown: "…" alone on a line stands for any lines, in a line for any text."""

    command: str
    output: str


def blocks(page: Path) -> Iterator[Block]:
    """Every block of a page."""
    for found in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield Block(page.name, found["language"], found["body"])


def documented(block: Block) -> Iterator[Documented]:
    """The commands of a console block: lines that begin with "$ ", each with the lines up to the next."""
    for part in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Documented(command, output)


def fits(shown: str, printed: str) -> bool:
    """Whether what was printed has the shape that is shown; the amount of white space does not matter."""
    pattern = ""
    for line in shown.strip().split("\n"):
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pieces = (r"[ \t]*".join(map(re.escape, piece.split())) for piece in line.strip().split("…"))
            pattern += r"[ \t]*" + r"[^\n]*".join(pieces) + r"[ \t]*\n"
    return re.fullmatch(pattern, _evened(printed)) is not None


def run(command: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of a command, as a person at a shell would see it."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _evened(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.strip().split("\n")]
    return "\n".join(lines) + "\n"
