"""A patch is built in a copy, and other people's checkers are asked; Lake and the checkers are played by programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.gate.second_opinion import fails_to_build, second_opinion
from orchestrator.lean.checkers import Checker, Judgement, find_checkers
from orchestrator.source.project import Project, SourceModule

# Compiles a module by copying its source; `broken` does not compile.
LAKE = """#!/bin/sh
if [ "$1" = env ]; then shift; exec "$@"; fi
shift
for module in "$@"; do
  module=${module#+}
  file=$(echo "$module" | tr . /)
  grep -q broken "$file.lean" && { echo "error: $file.lean: it is broken"; exit 1; }
  mkdir -p "$(dirname ".lake/build/lib/lean/$file")"
  cp "$file.lean" ".lake/build/lib/lean/$file.olean"
done
[ -f .lake/packages/dep/here ] || { echo "error: no packages"; exit 1; }
"""
LEANCHECKER = '#!/bin/sh\ngrep -q False ".lake/build/lib/lean/$(echo "$1" | tr . /).olean" && exit 1\nexit 0\n'
SAFE_VERIFY = '#!/bin/sh\ngrep -q sorry "$1" && ! grep -q sorry "$2"\n'
BEFORE = "theorem t : 1 = 1 := sorry\n"
AFTER = "theorem t : 1 = 1 := rfl\n"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"lake": LAKE, "leanchecker": LEANCHECKER, "safe_verify": SAFE_VERIFY}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for path, text in {"M/A.lean": BEFORE, ".lake/packages/dep/here": "", ".git/HEAD": "ref: x"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def ask(project: Path, programs: Path, after: str, *, installed: bool = True) -> dict[Checker, Judgement]:
    said = second_opinion(
        project,
        Project("P", str(project), modules=(SourceModule("M.A", "M/A.lean", BEFORE),)),
        {"M/A.lean": after},
        lake=programs / "lake",
        found=find_checkers(str(programs)) if installed else {},
        theorems=["t"],
        axioms=["propext"],
        seconds=60,
    )
    return {one.checker: one for one in said}


def test_the_checkers_see_both_builds_and_the_project_stays_as_it_is(project: Path, programs: Path) -> None:
    there = sorted(project.rglob("*"))
    said = ask(project, programs, AFTER)
    assert said[Checker.LEANCHECKER].passed is True
    assert said[Checker.SAFE_VERIFY].passed is True
    assert said[Checker.COMPARATOR] == Judgement(Checker.COMPARATOR, None, "not installed")
    assert sorted(project.rglob("*")) == there
    assert (project / "M/A.lean").read_text() == BEFORE


def test_one_that_refuses_is_heard(project: Path, programs: Path) -> None:
    said = ask(project, programs, "theorem t : False := sorry\n")
    assert said[Checker.LEANCHECKER].passed is False
    assert said[Checker.SAFE_VERIFY].passed is False


def test_a_patch_that_does_not_build_is_looked_at_by_nobody(project: Path, programs: Path) -> None:
    said = ask(project, programs, "broken\n")
    assert said[Checker.LEANCHECKER].passed is None
    assert "it is broken" in said[Checker.LEANCHECKER].words


def test_a_file_that_lake_does_not_build_is_named_and_the_project_stays_as_it_is(project: Path, programs: Path) -> None:
    small = Project("P", str(project), modules=(SourceModule("M.A", "M/A.lean", BEFORE),))
    whole = LAKE.replace('for module in "$@"', 'for module in "${@:-M.A}"').replace("#!/bin/sh", "#!/bin/bash")
    (programs / "lake").write_text(whole)
    there = sorted(project.rglob("*"))
    assert fails_to_build(project, small, {"M/A.lean": AFTER}, lake=programs / "lake") == {}
    failing = fails_to_build(project, small, {"M/A.lean": "broken\n"}, lake=programs / "lake")
    assert failing == {"M/A.lean": "error: M/A.lean: it is broken"}
    assert sorted(project.rglob("*")) == there


def test_without_checkers_nothing_is_built(project: Path, programs: Path) -> None:
    (programs / "lake").unlink()
    said = ask(project, programs, AFTER, installed=False)
    assert {one.words for one in said.values()} == {"not installed"}
