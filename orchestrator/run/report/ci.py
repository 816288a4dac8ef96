"""A run's result as continuous integration reads it: GitHub annotations, SARIF, and JUnit. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree

from orchestrator.text import harmless


class FailOn(StrEnum):
    """What makes a check of a push fail."""

    PROVABLE = "provable"
    LOOKS_FALSE = "looks_false"
    BLUEPRINT = "blueprint"


@dataclass(frozen=True, slots=True)
class Annotation:
    """Something to say at a line of a file. `level` is "notice", "warning" or "error"."""

    rule: str
    level: str
    file: str
    line: int
    message: str


RULES: Mapping[str, str] = {
    FailOn.PROVABLE: "A sorry that can be proved",
    FailOn.LOOKS_FALSE: "A statement that fails for small values",
    FailOn.BLUEPRINT: "A blueprint mark that is not true",
}


def findings(summary: Mapping[str, Any]) -> tuple[Annotation, ...]:
    """What a run has to say, in the order of files and lines."""
    found = []
    for goal in summary["goals"]:
        where = (str(goal["file"]), int(goal["line"]))
        if goal["status"] in ("solved", "conditional"):
            rests = (goal["verdict"] or {}).get("rests_on") or ()
            more = f" (rests on {', '.join(rests)})" if rests else ""
            proof = "; ".join(goal["tactics"])
            found.append(
                Annotation(FailOn.PROVABLE, "notice", *where, f"{goal['declaration']} can be proved: {proof}{more}")
            )
        elif goal["status"] == "looks_false":
            found.append(Annotation(FailOn.LOOKS_FALSE, "warning", *where, f"{goal['declaration']}: {goal['note']}"))
    for mark in summary.get("blueprint", ()):
        if mark["change"] == "removed":
            words = f"{mark['label']} is marked \\leanok in its {mark['part']}, which is not true"
            found.append(Annotation(FailOn.BLUEPRINT, "warning", str(mark["file"]), int(mark["line"]), words))
    return tuple(sorted(found, key=lambda each: (each.file, each.line, each.rule)))


def failing(found: Iterable[Annotation], fail_on: Iterable[str]) -> tuple[Annotation, ...]:
    """Those findings that make the check fail."""
    wanted = frozenset(fail_on)
    return tuple(each for each in found if each.rule in wanted)


def workflow_commands(found: Iterable[Annotation]) -> str:
    """GitHub's workflow commands, a line each."""
    lines = []
    for each in found:
        file, title = _property(each.file), _property(RULES[each.rule])
        lines.append(f"::{each.level} file={file},line={max(1, each.line)},title={title}::{_data(each.message)}")
    return "".join(line + "\n" for line in lines)


def sarif(found: Iterable[Annotation], *, version: str) -> str:
    """SARIF 2.1.0."""
    results = [
        {
            "ruleId": each.rule,
            "level": {"notice": "note"}.get(each.level, each.level),
            "message": {"text": each.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": each.file, "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": max(1, each.line)},
                    }
                }
            ],
        }
        for each in found
    ]
    rules = [{"id": str(rule), "shortDescription": {"text": words}} for rule, words in RULES.items()]
    driver = {"name": "lean-orchestrator", "version": version, "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def junit(summary: Mapping[str, Any], fail_on: Iterable[str]) -> str:
    """JUnit XML: one test case a goal; what was not proved counts as skipped."""
    failed = {(each.file, each.line) for each in failing(findings(summary), fail_on)}
    suite = ElementTree.Element("testsuite", name="lean-orchestrator", tests=str(len(summary["goals"])))
    counts = {"failures": 0, "skipped": 0}
    for goal in summary["goals"]:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=harmless(goal["file"]),
            name=harmless(f"{goal['declaration']}:{goal['line']}"),
            time=f"{goal['time_seconds']:.3f}",
        )
        words = harmless(f"{goal['status']}: {'; '.join(goal['tactics']) or goal['note']}")
        if (goal["file"], goal["line"]) in failed:
            ElementTree.SubElement(case, "failure", message=words)
            counts["failures"] += 1
        elif goal["status"] not in ("solved", "conditional"):
            ElementTree.SubElement(case, "skipped", message=words)
            counts["skipped"] += 1
        else:
            ElementTree.SubElement(case, "system-out").text = words
    for name, number in counts.items():
        suite.set(name, str(number))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
