"""Other people's checkers, played by programs on a search path that take and say what they do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestrator.gate.report import PatchReport, with_judgements
from orchestrator.gate.verdict import Check, CheckName, Verdict, VerdictStatus
from orchestrator.lean.checkers import (
    NOT_CHECKED_EMBEDDED,
    Checker,
    Compiled,
    Judgement,
    find_checkers,
    not_checked,
    not_checked_with,
    run_checkers,
)

LAKE = '#!/bin/sh\n[ "$1" = env ] && shift && exec "$@"\n'
LEANCHECKER = """#!/bin/sh
echo "$@" >> asked
[ "$1" != M.Bad ] || { echo "uncaught exception: (kernel) declaration type mismatch" >&2; exit 1; }
"""
SAFE_VERIFY = """#!/bin/sh
[ -f "$1" ] && [ -f "$2" ] || exit 2
cmp -s "$1" "$2" || { echo "does not match the requirement"; exit 1; }
echo "Finished."
"""
COMPARATOR = '#!/bin/sh\ncp "$1" asked.json\ngrep -q sorryAx "$1" && exit 1\necho "Your solution is okay!"\n'


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {
        "lake": LAKE,
        "leanchecker": LEANCHECKER,
        "safe_verify": SAFE_VERIFY,
        "comparator": COMPARATOR,
    }.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def compiled(folder: Path, *modules: str, same: bool = True) -> Compiled:
    (folder / "old.olean").write_text("one")
    (folder / "new.olean").write_text("one" if same else "two")
    return Compiled(
        folder=folder,
        modules=modules,
        originals=dict.fromkeys(modules, folder / "old.olean"),
        patched=dict.fromkeys(modules, folder / "new.olean"),
        challenge="Challenge",
        theorems=("M.t",),
        axioms=("propext",),
    )


def ask(asked: Compiled, programs: Path, tmp_path: Path, *, timeout: float = 60.0) -> dict[Checker, Judgement]:
    environment = {"PATH": f"{programs}:/usr/bin:/bin"}
    found = find_checkers(str(programs))
    said = run_checkers(asked, found, environment=environment, scratch=tmp_path, timeout=timeout)
    return {one.checker: one for one in said}


def test_all_three_are_found_and_asked(programs: Path, tmp_path: Path) -> None:
    said = ask(compiled(tmp_path, "M.Good"), programs, tmp_path)
    assert {checker: one.passed for checker, one in said.items()} == dict.fromkeys(Checker, True)
    assert (tmp_path / "asked").read_text() == "M.Good\n"
    assert json.loads((tmp_path / "asked.json").read_text()) == {
        "challenge_module": "Challenge",
        "solution_module": "M.Good",
        "theorem_names": ["M.t"],
        "permitted_axioms": ["propext"],
        "enable_nanoda": False,
    }


@pytest.mark.parametrize(
    "ending", ["echo \"object file 'M.olean' of module M does not exist\" >&2; exit 1", "exit 127", "kill -9 $$"]
)
def test_what_could_not_run_is_no_refusal(programs: Path, tmp_path: Path, ending: str) -> None:
    (programs / "leanchecker").write_text(f"#!/bin/sh\n{ending}\n")
    said = ask(compiled(tmp_path, "M.Good"), programs, tmp_path)[Checker.LEANCHECKER]
    assert said.passed is None
    assert said.words.startswith("could not run")


def test_a_refusal_comes_with_its_words(programs: Path, tmp_path: Path) -> None:
    said = ask(compiled(tmp_path, "M.Bad", same=False), programs, tmp_path)
    assert said[Checker.LEANCHECKER].passed is False
    assert "type mismatch" in said[Checker.LEANCHECKER].words
    assert said[Checker.SAFE_VERIFY] == Judgement(Checker.SAFE_VERIFY, False, "does not match the requirement")


def test_what_is_missing_or_does_not_apply_is_said(programs: Path, tmp_path: Path) -> None:
    (programs / "safe_verify").unlink()
    said = ask(compiled(tmp_path, "M.A", "M.B"), programs, tmp_path)
    assert said[Checker.SAFE_VERIFY].passed is None
    assert not_checked(tuple(said.values())) == (
        "by safe_verify: not installed",
        "by comparator: nothing that it could compare",
    )


def test_one_that_does_not_end_is_no_verdict(programs: Path, tmp_path: Path) -> None:
    (programs / "leanchecker").write_text("#!/bin/sh\nexec sleep 600\n")
    said = ask(compiled(tmp_path, "M.Good"), programs, tmp_path, timeout=0.2)
    assert said[Checker.LEANCHECKER] == Judgement(Checker.LEANCHECKER, None, "did not end within 0.2 s")


def test_without_a_search_path_none_is_found() -> None:
    assert find_checkers("/nowhere") == {}


def test_over_the_embedded_lean_every_verdict_says_which_checkers_did_not_look() -> None:
    absent = not_checked_with({})
    assert absent == NOT_CHECKED_EMBEDDED
    assert len(absent) == 1 + len(Checker)
    for checker, words in zip(Checker, absent[1:], strict=True):
        assert words.startswith(f"by {checker.value}: needs compiled modules")
    there = not_checked_with({Checker.LEANCHECKER: Path("/bin/leanchecker")})
    assert there[1].startswith("by leanchecker: installed, but it needs compiled modules")
    assert there[2:] == absent[2:]
    own = not_checked_with({Checker.LEANCHECKER: Path("/bin/leanchecker")}, native=True)
    assert own[0] == "by leanchecker: installed; `orchestrator verify --compiled` asks it"
    assert own[1:] == ("by safe_verify: not installed", "by comparator: not installed")


PROVED = Verdict(
    "M.t", "M.lean", VerdictStatus.PASSED, (Check(CheckName.COMPILES, True),), not_checked=NOT_CHECKED_EMBEDDED
)


def test_what_other_checkers_say_is_in_the_verdict() -> None:
    said = (
        Judgement(Checker.LEANCHECKER, True),
        Judgement(Checker.SAFE_VERIFY, True),
        Judgement(Checker.COMPARATOR, None, "not installed"),
    )
    report = with_judgements(PatchReport((PROVED,)), said)
    (verdict,) = report.verdicts
    assert report.accepted
    assert verdict.status is VerdictStatus.PASSED
    assert verdict.checks[-1] == Check(CheckName.OTHERS, True, "leanchecker, safe_verify")
    assert verdict.not_checked == (NOT_CHECKED_EMBEDDED[0], "by comparator: not installed")


def test_one_checker_that_refuses_fails_the_patch() -> None:
    said = (Judgement(Checker.LEANCHECKER, False, "declaration type mismatch"), Judgement(Checker.SAFE_VERIFY, True))
    report = with_judgements(PatchReport((PROVED,)), said)
    (verdict,) = report.verdicts
    assert not report.accepted
    assert verdict.status is VerdictStatus.FAILED
    assert "leanchecker: declaration type mismatch" in verdict.reason


def test_checkers_that_could_not_be_asked_decide_nothing() -> None:
    said = [Judgement(one, None, "needs compiled modules, which the embedded Lean does not make") for one in Checker]
    report = with_judgements(PatchReport((PROVED,)), said)
    assert report.verdicts == (PROVED,)
