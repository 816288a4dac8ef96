"""Statements of lemmas as text: goals closed over their hypotheses, proofs taken apart. Pure.

A *signature* is what stands between a theorem's name and `:=`, such as `(xs : List Nat) : total xs = 0`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from textwrap import dedent

from orchestrator.errors import MarketplaceError
from orchestrator.goals.goal import Goal
from orchestrator.goals.hypotheses import Hypothesis, hypotheses_of
from orchestrator.goals.tokens import IDENTIFIER, closing
from orchestrator.source.helper_lemmas import colon
from orchestrator.source.lexer import outside_brackets

_NAME = re.compile(IDENTIFIER)
_DAGGER = re.compile(r"(?P<name>[^\s()\[\]{}⟨⟩,.:✝]+)✝(?P<number>[⁰¹²³⁴⁵⁶⁷⁸⁹]*)")
_THEOREM = re.compile(rf"\s*(?:theorem|lemma)\s+(?P<name>{IDENTIFIER})(?:\.\{{[^}}]*\}})?")
_LIBRARY = ("List.", "Nat.", "Int.", "Array.", "Option.", "String.")
_HAND_IN = "Hand in `theorem NAME : STATEMENT := by …`, or the tactics alone"
_LETTERS = ("k", "l", "m", "k₁", "k₂", "k₃")


def accessible(text: str) -> str:
    """A goal's text with inaccessible names (`n✝`) replaced by names that can be written."""
    taken = set(_NAME.findall(text))
    names: dict[str, str] = {}

    def renamed(match: re.Match[str]) -> str:
        spelling = match.group()
        if spelling not in names:
            base = match["name"]
            name = base
            count = 1
            while name in taken or name in names.values():
                count += 1
                name = f"{base}_{count}"
            names[spelling] = name
        return names[spelling]

    # A name that only occurs with a dagger is free without it.
    taken -= {m["name"] for m in _DAGGER.finditer(text)} - set(_NAME.findall(_DAGGER.sub(" ", text)))
    return _DAGGER.sub(renamed, text)


def hypotheses(text: str) -> tuple[Hypothesis, ...]:
    """The hypotheses of a goal's text without local definitions (`let`)."""
    return tuple(one for one in hypotheses_of(text) if not one.value)


def _binder(one: Hypothesis) -> str:
    """A hypothesis as a binder of a signature."""
    opening, closing = "[]" if one.is_instance else "{}" if one.is_sort else "()"
    return f"{opening}{one.name} : {one.type}{closing}"


def target(text: str) -> str:
    """What a goal's text asks for, on one line."""
    return " ".join(Goal("", text).target.split())


def closed(text: str, *, all_facts: bool = False) -> str:
    """The signature that says a goal's text without its facts: closed over the variables it mentions.

    `text`: a goal, hypotheses then `⊢ target`, without inaccessible names.
    """
    there = hypotheses(text)
    facts = {h.name for h in there if all_facts and h.is_fact}
    words = _words(target(text))
    chosen: set[str] = set()
    changed = True
    while changed:
        changed = False
        for one in there:
            if one.name in chosen:
                continue
            needed = one.name in words or one.name in facts
            if one.is_instance:
                needed = bool(_words(one.type) & chosen)
            if needed and (not one.is_fact or one.name in facts):
                chosen.add(one.name)
                words |= _words(one.type)
                changed = True
    binders = " ".join(_binder(one) for one in there if one.name in chosen)
    return f"{binders} : {target(text)}" if binders else f": {target(text)}"


def signature_of(goal: str) -> str:
    """The signature of a statement that somebody wrote: a proposition, a goal with `⊢`, or a signature itself."""
    text = goal.strip()
    if "⊢" in text:
        return closed(accessible(text), all_facts=True)
    return text if colon(text) >= 0 and text.startswith(("(", "{", "[", ":", "⦃")) else f": {text}"


def proposition(signature: str) -> str:
    """The signature as one proposition."""
    split = colon(signature)
    binders, conclusion = signature[:split].strip(), signature[split + 1 :].strip()
    return f"∀ {binders}, {conclusion}" if binders else conclusion


@dataclass(frozen=True, slots=True)
class WrittenProof:
    """A proof as it was handed in: the statement it claims to prove ("" if it is only a script), and the script."""

    signature: str
    script: str


def written_proof(text: str) -> WrittenProof:
    """Take a proof apart: a whole theorem, `by …`, or a tactic script. Raises MarketplaceError: it is none of these."""
    stripped = text.strip("\n").rstrip()
    match = _THEOREM.match(stripped)
    if match is None:
        script = stripped.strip()
        bare = stripped.lstrip()[2:] if re.match(r"by\b", script) else stripped
        if not bare.strip():
            raise MarketplaceError("the proof is empty", hint=_HAND_IN)
        return WrittenProof("", _dedented(bare))
    end = outside_brackets(stripped).find(":=")
    if end < 0:
        raise MarketplaceError("the proof has no `:=`", hint=_HAND_IN)
    signature = " ".join(stripped[match.end() : end].split())
    if colon(signature) < 0:
        raise MarketplaceError("the theorem does not say what it proves", hint=_HAND_IN)
    body = stripped[end + 2 :]
    words = body.strip()
    script = _dedented(body.lstrip()[2:]) if words.startswith(("by ", "by\n")) else f"exact {words}"
    binders = signature[: colon(signature)].strip()
    if binders:
        lines = "\n".join("  " + line for line in script.split("\n"))
        script = f"have as_given {signature} := by\n{lines}\nexact @as_given"
    return WrittenProof(signature, script)


def generalizable(text: str) -> tuple[str, ...]:
    """Terms of a goal's target that may stand for something more general: literals, and what is in brackets."""
    found: dict[str, None] = {}
    words = target(text)
    for start, character in enumerate(words):
        if character in "([":
            end = closing(words, start)
            inner = words[start + 1 : end] if character == "(" else words[start : end + 1]
            if end > 0 and inner.strip() and " : " not in inner:
                found.setdefault(inner.strip())
    for literal in re.findall(r"(?<![\w.])\d+(?![\w.])", words):
        found.setdefault(literal)
    for constant in re.findall(rf"(?<![\w.])(?:{IDENTIFIER})", words):
        if constant.rpartition(".")[2] in ("nil", "zero", "leaf", "none", "empty"):
            found.setdefault(constant)
    return tuple(found)


def occurrences(text: str, name: str) -> int:
    """How often a goal's target mentions a name."""
    return len(re.findall(rf"(?<![\w.]){re.escape(name)}(?![\w'])", target(text)))


# How the rest of an induction becomes a lemma about any value: Boyer and Moore's cross-fertilisation. A hypothesis is
# used up by rewriting and thrown away; terms that then occur twice become variables (A Computational Logic, 1979).


def fertilisations(text: str) -> tuple[str, ...]:
    """Scripts that use the equations among a goal's facts, the most telling first, and at last "" for none.

    `text`: a goal without inaccessible names.
    """
    equations = [one.name for one in hypotheses(text) if one.is_fact and " = " in one.type]
    if not equations:
        return ("",)
    ways = ("conv => rhs; rw [← {h}]", "rw [← {h}]", "rw [{h}]")
    return (*("\n".join(f"try ({way.format(h=h)})" for h in equations) for way in ways), "")


def common_terms(plain: str, definitions: Collection[str]) -> tuple[str, ...]:
    """The smallest calls of functions that a goal's target mentions more than once.

    A value that constructors build is not one of them: any other value instead would be another lemma.

    Args:
        plain: the goal, printed without field notation.
        definitions: full names of the functions of the project that the goal sees.
    """
    found = []
    for term in (*generalizable(plain), *_sides(target(plain))):
        head, _, arguments = term.partition(" ")
        called = head in definitions or any(head.endswith(f".{name}") for name in definitions)
        if arguments and (called or head.startswith(_LIBRARY)) and _count(target(plain), term) > 1:
            found.append(term)
    smallest = [term for term in found if not any(other != term and _count(term, other) for other in found)]
    return tuple(dict.fromkeys(smallest))


def abstraction(terms: Collection[str], plain: str) -> tuple[str, ...]:
    """Lines that replace each term by a new variable."""
    taken = set(re.findall(r"[^\s()\[\]{},.:]+", plain))
    letters = (letter for letter in _LETTERS if letter not in taken)
    return tuple(f"generalize {term} = {letter}" for term, letter in zip(terms, letters, strict=False))


def _sides(statement: str) -> tuple[str, ...]:
    left, found, right = statement.partition(" = ")
    return (left.strip(), right.strip()) if found else ()


def _count(text: str, term: str) -> int:
    return len(re.findall(rf"(?<![\w.']){re.escape(term)}(?![\w.'])", text))


def _dedented(script: str) -> str:
    """A script whose first line may stand further left than the others, which followed it on the next line."""
    first, _, rest = script.partition("\n")
    return "\n".join(filter(None, (first.strip(), dedent(rest)))).rstrip()


def _words(text: str) -> set[str]:
    """Names in a text, and what stands in front of their first dot."""
    return {part for word in _NAME.findall(text) for part in (word, word.partition(".")[0])}
