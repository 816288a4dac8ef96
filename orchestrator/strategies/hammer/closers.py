"""Tactics that end a goal or fail: automation with the definitions, rules and premises around it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import chain

from orchestrator.strategies.hammer.added_facts import Automation, added_facts, witnesses
from orchestrator.strategies.hammer.bounds import bounds, computed_witnesses, vanishing_products
from orchestrator.strategies.hammer.classical import classical
from orchestrator.strategies.hammer.goal_facts import GoalFacts
from orchestrator.strategies.hammer.inductions import first_inductions, inductions
from orchestrator.strategies.hammer.library_lemmas import LibraryLemmas, library_lemmas
from orchestrator.strategies.hammer.residues import residues
from orchestrator.strategies.local_context import LocalContext


class Effort(IntEnum):
    """How expensive a batch of closers is; batches are tried in this order."""

    QUICK = 0
    FIRST_INDUCTIONS = 1
    LIBRARY = 2
    NUMBERS = 3
    LOGIC = 4
    BOUNDS = 5
    ADDED_FACTS = 6
    INDUCTIONS = 7
    FULL = 8
    PREMISES = 9
    SEARCH = 10


@dataclass(frozen=True, slots=True)
class Lemmas:
    """What automation is given.

    Attributes:
        premises: full names of retrieved theorems, the best first.
        missing: names that Lean turned out not to know.
        ungrindable: names that `grind` refuses; one of them in its list, and it does not even begin.
    """

    local: LocalContext = LocalContext()  # noqa: RUF009 - frozen
    premises: tuple[str, ...] = ()
    equations: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()
    ungrindable: frozenset[str] = frozenset()

    @classmethod
    def of(cls, local: LocalContext, retrieved: Sequence[tuple[str, str]]) -> Lemmas:
        """From names and statements of retrieved theorems."""
        names = tuple(name for name, _ in retrieved)
        rewriting = tuple(name for name, statement in retrieved if _REWRITES.search(_conclusion(statement)))
        return cls(local, names, rewriting)

    def about(self, retrieved: Sequence[tuple[str, str]]) -> Lemmas:
        """The same with other retrieved theorems, given by names and statements."""
        other = Lemmas.of(self.local, retrieved)
        return replace(self, premises=other.premises, equations=other.equations)

    @property
    def own(self) -> tuple[str, ...]:
        """Those of the premises that the project has proved, or assumes."""
        return tuple(name for name in self.premises if name in self.local.proved)

    def grind(self, names: Sequence[str]) -> str:
        """`grind` with those of the names that it takes."""
        return f"grind{_list([name for name in names if name not in self.ungrindable])}"

    def grindable(self, text: str) -> tuple[str, ...]:
        """All that `grind` may be given on a goal of this text."""
        local, known = self.local, library_lemmas(text).without(self.missing)
        names = (*local.definitions, *local.predicates, *local.theorems, *local.rules, *known.facts, *self.premises)
        return tuple(dict.fromkeys(names))

    def automation(self, text: str, *, bare: bool = False) -> Automation:
        """What ends a goal of this text once it has been brought into shape; `bare`: with nothing from the library."""
        local = self.local
        known = LibraryLemmas() if bare else library_lemmas(text).without(self.missing)
        # Where a definition recurs, its equations by cases are enough, and unfolding it anywhere has no end.
        whole = [name for name in local.definitions if name not in (local.recursions | self.ungrindable)]
        unfolded = [name if name not in whole else f"= {name}.eq_def" for name in local.definitions]
        return Automation(
            grind=self.grind((*local.definitions, *local.predicates, *local.theorems, *known.facts)),
            simp=f"simp_all{_list((*local.definitions, *local.theorems, *known.rewriting))}",
            unrolling=f"grind{_list([f'= {name}.eq_def' for name in local.definitions])}" if local.recursions else "",
            unfolding=self.grind((*unfolded, *local.predicates, *local.theorems, *known.facts)) if whole else "",
        )


NO_LEMMAS = Lemmas()

_REWRITES = re.compile(r"\S \S.* (?:=|↔|≠) ")  # what rewrites a bare variable rewrites everything


def _conclusion(statement: str) -> str:
    return statement.rpartition("→ ")[2]


MILLISECONDS = {
    Effort.QUICK: 1_500,
    Effort.FIRST_INDUCTIONS: 2_000,
    Effort.LIBRARY: 1_500,
    Effort.NUMBERS: 2_500,
    Effort.LOGIC: 2_000,
    Effort.BOUNDS: 2_500,
    Effort.ADDED_FACTS: 2_500,
    Effort.INDUCTIONS: 2_000,
    Effort.FULL: 2_500,
    Effort.PREMISES: 2_000,
    Effort.SEARCH: 5_000,
}
"""The longest that one closer of each effort may run."""


def closers(facts: GoalFacts, lemmas: Lemmas, effort: Effort, *, root: bool, plain: str = "") -> tuple[str, ...]:
    """The closers of one effort for a goal, the likeliest and cheapest first, without repetition.

    Args:
        root: whether the goal is the one that is to be proved, not one that a step has left.
        plain: the goal printed without field notation, where inductions in one line are asked for.
    """
    automation = lemmas.automation(facts.text)
    plain = plain or facts.text
    match effort:
        case Effort.QUICK:
            found: Iterable[str] = _quick(facts, lemmas, root)
        case Effort.FIRST_INDUCTIONS:
            found = first_inductions(facts, lemmas.automation(facts.text, bare=True), plain)
        case Effort.LIBRARY:
            found = automation.endings
        case Effort.NUMBERS:
            found = chain(computed_witnesses(facts), vanishing_products(facts), residues(facts))
        case Effort.LOGIC:
            found = classical(facts)
        case Effort.BOUNDS:
            found = bounds(facts, automation.grind)
        case Effort.ADDED_FACTS:
            found = chain(added_facts(facts, automation), witnesses(facts, automation, most=110 if root else 12))
        case Effort.INDUCTIONS:
            found = inductions(facts, automation, plain)
        case Effort.FULL:
            found = _full(facts, lemmas, automation)
        case Effort.PREMISES:
            found = _with_premises(lemmas, root)
        case Effort.SEARCH:
            found = ("try?",) if root else ("exact?",)
    return tuple(dict.fromkeys(found))


def _quick(facts: GoalFacts, lemmas: Lemmas, root: bool) -> list[str]:
    local = lemmas.local
    words = set(facts.target_words)
    arithmetic = any(symbol in facts.text for symbol in ("Nat", "Int", "+", "<", "≤", "Fin", "BitVec"))
    tactics = ["rfl", "assumption"] if not root else ["rfl", "trivial", "assumption", "contradiction"]
    if root and "decide" not in words and not facts.data:
        tactics.append("decide")
    if arithmetic:
        tactics.append("omega")
    if root or not local.definitions:
        tactics += ["simp_all", "grind"]
    if local.definitions:
        tactics.append(lemmas.grind(local.definitions))
        unfolding = lemmas.automation(facts.text, bare=True).unfolding
        tactics += [unfolding] if root and unfolding else []
        tactics.append(f"simp_all{_list(local.definitions)}")
    if local.rules:
        tactics.append(f"solve_by_elim{_list(local.rules)}")
    if root:
        tactics.append("simp +arith")
        finite = [h.name for h in facts.data]
        if finite and not facts.sorts:
            tactics.append(f"(revert {' '.join(finite)}; decide)")
    return tactics


def _full(facts: GoalFacts, lemmas: Lemmas, automation: Automation) -> list[str]:
    local, known = lemmas.local, library_lemmas(facts.text).without(lemmas.missing)
    definitions = _list(local.definitions)
    tactics = []
    if local.predicates:
        cases = [f"cases {name}" for name in local.predicates]
        tactics.append(lemmas.grind((*local.definitions, *local.rules, *cases)))
    if local.definitions:
        unfold = f"simp only{definitions}"
        tactics += [
            f"({unfold} at *; {automation.grind})",
            f"({unfold} at *; omega)",
            f"({unfold} at *; simp_all)",
        ]
    tactics += [f"({automation.simp}; omega)", f"({automation.simp}; {automation.grind})"]
    tactics += _ordered(local, known)
    if "BitVec" in facts.text:
        tactics.append("bv_omega")
    if " if " in facts.text or "match" in facts.text or local.definitions:
        tactics += [f"(simp only{definitions}; split <;> simp_all)" if local.definitions else "(split <;> simp_all)"]
        tactics += [f"(repeat' split) <;> simp_all{definitions} <;> omega"]
    if local.theorems:
        tactics += [f"simp_all{_list((*local.definitions, *local.theorems))}"]
        tactics += [f"(simp only{_list((*local.definitions, *local.theorems))})"]
    if "∃" in facts.target:
        tactics += ["exact ⟨_, rfl⟩", "exact ⟨_, by assumption⟩", f"(refine ⟨_, ?_⟩ <;> simp_all{definitions})"]
        tactics += [f"exact ⟨_, _, {proof}⟩" for proof in ("rfl", "by assumption")]
    if local.rules:
        tactics.append(f"(constructor <;> simp_all{definitions})")
        tactics.append(f"(intros; solve_by_elim (config := {{ maxDepth := 10 }}){_list(local.rules)})")
    if "=" in facts.target:
        tactics.append(f"(congr 1 <;> simp_all{definitions} <;> omega)")
    return tactics


def _ordered(local: LocalContext, known: LibraryLemmas) -> list[str]:
    """Sums and products in one order on both sides."""
    if not known.commuting:
        return []
    rules = _list((*local.definitions, *local.theorems, *known.rewriting, *known.commuting))
    return [f"simp_all{rules}", f"(simp{rules}; omega)"]


def _with_premises(lemmas: Lemmas, root: bool) -> list[str]:
    local = lemmas.local.definitions
    tactics = []
    if lemmas.premises:
        tactics += [lemmas.grind((*local, *lemmas.premises[:count])) for count in (5, 14)]
    if lemmas.equations:
        for count in (4, 10):
            chosen = lemmas.equations[:count]
            tactics.append(f"simp_all{_list((*local, *chosen))}")
            tactics.append(f"(simp{_list((*local, *chosen))} <;> omega)")
    if lemmas.equations and root:
        tactics += [f"(simp [{name}{''.join(', ' + d for d in local)}] <;> grind)" for name in lemmas.equations[:6]]
    if lemmas.premises and root:
        tactics += [f"solve_by_elim{_list(lemmas.premises[:8])}"]
        for name in lemmas.premises[:8]:
            tactics += [f"(apply {name} <;> first | assumption | omega | simp_all | grind)"]
    return tactics


def _list(names: Sequence[str]) -> str:
    return f" [{', '.join(dict.fromkeys(names))}]" if names else ""
