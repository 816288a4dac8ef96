"""Which proofs are dropped, and that no good one is, against a gate that follows a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from elaborated_facts import fact
from hypothesis import given
from hypothesis import strategies as st
from virtual_time import run

from orchestrator.errors import NotJudged, PatchError
from orchestrator.gate.report import PatchReport
from orchestrator.gate.selection import GateReport, Proof, Selection
from orchestrator.gate.verdict import Check, CheckName, Verdict, VerdictStatus
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.lean.protocol import Message, Severity
from orchestrator.source.lexer import LineIndex
from orchestrator.source.project import Project, SourceModule

TEXT = """theorem a : p := by
  sorry
theorem b : p := by sorry
theorem c : p ∧ q := by
  constructor
  · sorry
  · sorry
theorem d : p := by
  sorry
"""
PROJECT = Project("p", "/nowhere", modules=tuple(SourceModule(name, f"{name}.lean", TEXT) for name in ("A", "B")))


def goals() -> dict[str, Goal]:
    """The open places of both files, as `Aa`, `Ab`, `Ac1`, `Ac2`, `Ad`, `Ba`, …"""
    lines = LineIndex(TEXT)
    found, position = {}, -1
    for name in ("a", "b", "c1", "c2", "d"):
        position = TEXT.index("sorry", position + 1)
        start = TEXT.rindex("theorem", 0, position)
        end = TEXT.find("theorem", position)
        command = lines.span(start, (end if end > 0 else len(TEXT)) - 1)
        for module in ("A", "B"):
            span = lines.span(position, position + 5)
            id_, file = module + name, f"{module}.lean"
            found[id_] = Goal(id_, "⊢ p", file=file, module=module, declaration=name[0], span=span, command=command)
    return found


GOALS = goals()


class ScriptedGate:
    """A gate that reads its verdict off the proofs: each of them is a word.

    `good…`; `error…` does not elaborate, and Lean says so where it stands; `cheat…` fails its declaration; `alien…`
    changes something else in its file; `far…` breaks the other file; `crash…` breaks Lean, which names no line; and
    `pairN` breaks Lean when two proofs with the same N are there together. A file with `unseen` cannot be looked at.
    """

    def __init__(self) -> None:
        self.project = PROJECT
        self.original = {"A": {"a": fact("a")}, "B": {}}
        self.asked: list[Mapping[str, str]] = []

    async def verify(self, texts: Mapping[str, str]) -> PatchReport:
        """See `Gate.verify`."""
        self.asked.append(texts)
        for path, text in texts.items():
            if "unseen" in text:
                raise NotJudged("Lean broke on it", where=path)
        errors: dict[str, list[Message]] = {"A.lean": [], "B.lean": []}
        verdicts = []
        unlike = {}
        words = " ".join(texts.values()).split()
        clash = any(word.startswith("pair") and words.count(word) > 1 for word in words)
        for path, text in texts.items():
            lines = text.split("\n")
            found = [(number, word) for number, line in enumerate(lines, 1) for word in line.split()]
            errors[path] += [_message(number, word) for number, word in found if word.startswith("error")]
            errors[path] += [_message(0, word) for _, word in found if word.startswith("crash") or clash]
            other = "B.lean" if path == "A.lean" else "A.lean"
            errors[other] += [_message(3, word) for _, word in found if word.startswith("far")]
            unlike[path] = tuple(word for _, word in found if word.startswith(("alien", "spoils")))
            verdicts += _verdicts(path, text)
        errors = {path: messages for path, messages in errors.items() if messages}
        return PatchReport(
            tuple(v for v in verdicts if v.file not in errors),
            {path: tuple(messages) for path, messages in errors.items()},
            {},
            unlike,
            {path[0]: {"seen": fact("seen")} for path in texts},
        )


def _message(line: int, word: str) -> Message:
    return Message(Severity.ERROR, f"{word} is wrong", Position(line, 0))


def _verdicts(path: str, text: str) -> list[Verdict]:
    """Of every declaration with fewer open places than before."""
    found = []
    for old, new in zip(TEXT.split("theorem ")[1:], text.split("theorem ")[1:], strict=True):
        left = new.count("sorry")
        if left < old.count("sorry"):
            status = VerdictStatus.PARTIAL if left else VerdictStatus.PASSED
            bad = [word for word in new.split() if word.startswith(("cheat", "spoils"))]
            checks = (
                Check(CheckName.AXIOMS, not bad, " ".join(bad)),
                Check(CheckName.NOTHING_ELSE, "spoils" not in text),
            )
            failed = not all(check.passed for check in checks)
            found.append(Verdict(old[0], path, VerdictStatus.FAILED if failed else status, checks))
    return found


def select(proofs: Mapping[str, str]) -> tuple[GateReport, ScriptedGate]:
    """Select among proofs given by goal."""
    gate = ScriptedGate()
    seam: object = gate
    report = run(Selection(seam).select([Proof(GOALS[id_], script) for id_, script in proofs.items()]))  # type: ignore[arg-type]
    assert set(report.verdicts) | set(report.not_judged) == set(proofs)
    kept = {proof.goal.id for proof in report.accepted}
    assert kept == {id_ for id_, verdict in report.verdicts.items() if verdict.accepted}
    return report, gate


def kept(proofs: Mapping[str, str]) -> list[str]:
    """The goals whose proofs were kept."""
    return sorted(proof.goal.id for proof in select(proofs)[0].accepted)


def test_nothing_to_select() -> None:
    report, gate = select({})
    assert (report.accepted, report.verdicts, report.texts) == ((), {}, {})
    assert report.declarations == gate.original
    assert gate.asked == []


def test_a_proof_that_fails_the_whole_file_is_blamed_alone() -> None:
    report, gate = select({"Aa": "spoils", "Ac1": "good", "Ba": "good"})
    assert [proof.goal.id for proof in report.accepted] == ["Ac1", "Ba"]
    assert len(gate.asked) == 2


def test_good_proofs_are_looked_at_once_and_together() -> None:
    report, gate = select({"Aa": "good", "Ac1": "good", "Ba": "good"})
    assert [proof.goal.id for proof in report.accepted] == ["Aa", "Ac1", "Ba"]
    assert gate.asked == [report.texts]
    assert report.texts["B.lean"] == TEXT.replace("sorry", "good", 1)
    assert [verdict.status.value for verdict in report.verdicts.values()] == ["passed", "partial", "passed"]
    assert set(report.declarations["A"]) == {"seen"}


CULPRITS = {
    "an error in its own lines": "error1",
    "an error in a proof of several lines": "x\ny\nerror1\nz",
    "a cheat": "cheat1",
    "a change somewhere else in its file": "alien1",
    "an error in another file": "far1",
    "a crash": "crash1",
}


@pytest.mark.parametrize("script", CULPRITS.values(), ids=CULPRITS.keys())
@pytest.mark.parametrize("culprit", ["Aa", "Ab", "Ac1", "Ad", "Bd"])
def test_exactly_the_culprit_is_dropped(culprit: str, script: str) -> None:
    proofs = {
        "Aa": "good",
        "Ab": "good\ngood",
        "Ac1": "good",
        "Ad": "good",
        "Ba": "good",
        "Bd": "good",
        culprit: script,
    }
    report, _ = select(proofs)
    assert {proof.goal.id for proof in report.accepted} == set(proofs) - {culprit}
    verdict = report.verdicts[culprit]
    assert verdict.status is VerdictStatus.FAILED
    assert verdict.reason
    assert not any(script in text for text in report.texts.values())


def test_a_file_that_cannot_be_looked_at_costs_its_own_proofs_alone() -> None:
    report, gate = select({"Aa": "good", "Ab": "error", "Ba": "unseen", "Bb": "good"})
    assert [proof.goal.id for proof in report.accepted] == ["Aa"]
    assert set(report.verdicts) == {"Aa", "Ab"}
    assert report.not_judged == dict.fromkeys(["Ba", "Bb"], "Lean broke on it (B.lean)")
    assert [sorted(texts) for texts in gate.asked] == [["A.lean", "B.lean"], ["A.lean"], ["A.lean"]]
    lost, _ = select({"Ba": "unseen"})
    assert (lost.accepted, lost.verdicts, list(lost.not_judged)) == ((), {}, ["Ba"])


def test_of_two_proofs_in_one_declaration_the_good_one_is_kept() -> None:
    for bad in ("error1", "cheat1", "crash1", "alien1", "far1"):
        assert kept({"Ac1": bad, "Ac2": "good", "Ba": "good"}) == ["Ac2", "Ba"]
        assert kept({"Ac1": "good", "Ac2": bad, "Ba": "good"}) == ["Ac1", "Ba"]
    assert kept({"Ac1": "error1", "Ac2": "cheat1"}) == []


def test_a_bad_proof_alone_is_looked_at_once() -> None:
    for bad in ("error1", "cheat1", "crash1"):
        report, gate = select({"Aa": bad})
        assert (report.accepted, report.texts, len(gate.asked)) == ((), {}, 1)
        assert bad in report.verdicts["Aa"].reason


def test_of_two_that_break_each_other_one_is_kept() -> None:
    assert len(kept({"Aa": "pair1", "Bd": "pair1"})) == 1
    assert len(kept({"Aa": "pair1", "Ab": "good", "Bd": "pair1"})) == 2


SCRIPTS = st.sampled_from(["good", "good", "good", "error1", "x\nerror2", "cheat1", "alien1", "far1", "crash1"])


@given(st.dictionaries(st.sampled_from(sorted(GOALS)), SCRIPTS))
def test_all_good_proofs_are_kept_and_no_other(proofs: dict[str, str]) -> None:
    assert kept(proofs) == sorted(id_ for id_, script in proofs.items() if script == "good")


@given(st.dictionaries(st.sampled_from(sorted(GOALS)), st.sampled_from(["good", "pair1", "pair2"])))
def test_what_is_kept_passes_together_and_nothing_can_be_added(proofs: dict[str, str]) -> None:
    chosen = kept(proofs)
    count = {pair: sum(proofs[id_] == pair for id_ in chosen) for pair in ("pair1", "pair2")}
    assert all(count[pair] == min(1, sum(s == pair for s in proofs.values())) for pair in count)
    assert set(chosen) >= {id_ for id_, script in proofs.items() if script == "good"}


def test_the_order_of_the_proofs_does_not_matter_for_what_is_blamed() -> None:
    ids: Sequence[str] = ("Ac2", "Ab", "Aa", "Ac1")
    proofs = dict.fromkeys(ids, "good\n\ngood") | {"Ad": "error1"}
    _, gate = select(proofs)
    assert len(gate.asked) == 2, "the lines of the message are those of the patched text"


def test_a_place_without_a_span_is_a_mistake_of_the_caller() -> None:
    goal = Goal("g", "⊢ p", file="A.lean", span=SourceSpan(Position(1, 0), Position(1, 5)))
    with pytest.raises(PatchError, match="no `sorry` where it is to be replaced"):
        run(Selection(ScriptedGate()).select([Proof(goal, "x")]))  # type: ignore[arg-type]
