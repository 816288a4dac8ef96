"""Third-party checkers of compiled modules: found on this machine, run, and reported.

They need a native Lean and a project that is built: `leanchecker` replays modules through the kernel, SafeVerify
compares a compiled file with its original, comparator builds both and compares named theorems.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_SHOWN_CHARACTERS = 300
_COULD_NOT_RUN = (
    *("object file '", "unknown module prefix", "command not found", "error while loading shared libraries"),
    *("could not execute external process", "no such file or directory (error code: 2)"),
)
"""What a checker says when it found nothing to look at or did not start; any other failure is a refusal."""


class Checker(StrEnum):
    """The checkers we know, by the name of their program."""

    LEANCHECKER = "leanchecker"
    SAFE_VERIFY = "safe_verify"
    COMPARATOR = "comparator"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a checker said. `passed` is None when it could not be run, and `words` say why."""

    checker: Checker
    passed: bool | None
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What the checkers are asked about.

    Attributes:
        originals, patched: compiled files of the same module before and after, by module; SafeVerify compares these.
        challenge: a module with the original statements, "" when there is none; comparator compares it with `modules`.
    """

    folder: Path
    modules: tuple[str, ...]
    originals: Mapping[str, Path]
    patched: Mapping[str, Path]
    challenge: str = ""
    theorems: tuple[str, ...] = ()
    axioms: tuple[str, ...] = ()


def find_checkers(search_path: str) -> Mapping[Checker, Path]:
    """The checkers on a search path."""
    found = {checker: shutil.which(checker.value, path=search_path) for checker in Checker}
    return {checker: Path(path) for checker, path in found.items() if path is not None}


def commands(checker: Checker, program: Path, compiled: Compiled, configuration: Path) -> list[list[str]]:
    """The commands that ask a checker everything; empty when there is nothing that it could be asked. Pure."""
    match checker:
        case Checker.LEANCHECKER:
            return [["lake", "env", str(program), module] for module in compiled.modules]
        case Checker.SAFE_VERIFY:
            both = [module for module in compiled.modules if {module} <= {*compiled.originals} & {*compiled.patched}]
            return [
                ["lake", "env", str(program), str(compiled.originals[module]), str(compiled.patched[module])]
                for module in both
            ]
        case Checker.COMPARATOR:
            asked = compiled.challenge and compiled.theorems and len(compiled.modules) == 1
            return [["lake", "env", str(program), str(configuration)]] if asked else []


def comparator_configuration(compiled: Compiled) -> str:
    """The JSON that comparator reads."""
    value = {
        "challenge_module": compiled.challenge,
        "solution_module": compiled.modules[0],
        "theorem_names": list(compiled.theorems),
        "permitted_axioms": list(compiled.axioms),
        "enable_nanoda": False,
    }
    return json.dumps(value, ensure_ascii=False, indent=2)


def run_checkers(
    compiled: Compiled,
    found: Mapping[Checker, Path],
    *,
    environment: Mapping[str, str],
    scratch: Path,
    timeout: float = 1800.0,
) -> tuple[Judgement, ...]:
    """Ask every checker; one that is missing, does not apply or does not end within `timeout` seconds says so."""
    configuration = scratch / "comparator.json"
    if compiled.modules:
        configuration.write_text(comparator_configuration(compiled), encoding="utf-8")
    said = []
    for checker in Checker:
        if checker not in found:
            said.append(Judgement(checker, None, "not installed"))
            continue
        asked = commands(checker, found[checker], compiled, configuration)
        said.append(_ask(checker, asked, compiled.folder, environment, timeout))
    return tuple(said)


def not_checked(judgements: Sequence[Judgement]) -> tuple[str, ...]:
    """For a verdict: which checkers did not look, and why."""
    return tuple(f"by {one.checker.value}: {one.words}" for one in judgements if one.passed is None)


def _ask(
    checker: Checker, asked: Sequence[Sequence[str]], folder: Path, environment: Mapping[str, str], timeout: float
) -> Judgement:
    if not asked:
        return Judgement(checker, None, "nothing that it could compare")
    for command in asked:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return Judgement(checker, None, f"did not end within {timeout:g} s")
        except OSError as error:
            return Judgement(checker, None, f"cannot be run: {error.strerror}")
        if done.returncode:
            words = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            could_not = done.returncode < 0 or done.returncode in (126, 127) or any(w in words for w in _COULD_NOT_RUN)
            said = words[-_SHOWN_CHARACTERS:] or f"exit code {done.returncode}"
            return Judgement(checker, None if could_not else False, f"could not run: {said}" if could_not else said)
    return Judgement(checker, True)


_LIBRARY = "axioms inside the imported library (Init, Std, Lean are trusted)"


def not_checked_with(found: Mapping[Checker, Path], *, native: bool = False) -> tuple[str, ...]:
    """What no verdict over the embedded Lean, or over the user's own, covers, given the checkers that are installed."""
    if native:
        asks = "installed; `orchestrator verify --compiled` asks it"
        return not_checked([Judgement(one, None, asks if one in found else "not installed") for one in Checker])
    words = "needs compiled modules, which the embedded Lean does not make"
    said = [Judgement(one, None, f"installed, but it {words}" if one in found else words) for one in Checker]
    return (_LIBRARY, *not_checked(said))


NOT_CHECKED_EMBEDDED = not_checked_with({})
