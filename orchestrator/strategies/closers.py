"""Tactics that end a goal or fail: automation with the definitions, rules and premises around it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from orchestrator.strategies.goal_facts import Facts
from orchestrator.strategies.surroundings import Local


class Effort(IntEnum):
    """How dear a batch of closers is; they are tried in this order."""

    QUICK = 0
    FULL = 1
    PREMISES = 2
    SEARCH = 3


@dataclass(frozen=True, slots=True)
class Lemmas:
    """What automation is given.

    Attributes:
        local: the project's constants around the goal.
        premises: full names of retrieved theorems, the best first.
        equations: those of them that rewrite.
    """

    local: Local = Local()  # noqa: RUF009 - frozen
    premises: tuple[str, ...] = ()
    equations: tuple[str, ...] = ()

    @classmethod
    def of(cls, local: Local, retrieved: Sequence[tuple[str, str]]) -> Lemmas:
        """From names and statements of retrieved theorems."""
        names = tuple(name for name, _ in retrieved)
        rewriting = tuple(name for name, statement in retrieved if _REWRITES.search(_conclusion(statement)))
        return cls(local, names, rewriting)


_REWRITES = re.compile(r" (?:=|↔|≠) ")


def _conclusion(statement: str) -> str:
    return statement.rpartition("→ ")[2]


MILLISECONDS = {Effort.QUICK: 1_500, Effort.FULL: 2_500, Effort.PREMISES: 3_000, Effort.SEARCH: 6_000}
"""The longest that one closer of each effort may run."""


def closers(facts: Facts, lemmas: Lemmas, effort: Effort, *, root: bool) -> tuple[str, ...]:
    """The closers of one effort for a goal, the likeliest and cheapest first, without repetition."""
    make = {Effort.QUICK: _quick, Effort.FULL: _full, Effort.PREMISES: _with_premises, Effort.SEARCH: _search}
    return tuple(dict.fromkeys(make[effort](facts, lemmas, root)))


def _quick(facts: Facts, lemmas: Lemmas, root: bool) -> list[str]:
    definitions = lemmas.local.definitions
    words = set(facts.target_words)
    arithmetic = any(symbol in facts.text for symbol in ("Nat", "Int", "+", "<", "≤", "Fin", "BitVec"))
    tactics = ["rfl", "assumption"] if not root else ["rfl", "trivial", "assumption", "contradiction"]
    if root and "decide" not in words and not facts.data:
        tactics.append("decide")
    if arithmetic:
        tactics.append("omega")
    if root or not definitions:
        tactics += ["simp_all", "grind"]
    if definitions:
        tactics += [f"simp_all{_list(definitions)}", f"grind{_list(definitions)}"]
    if lemmas.local.rules:
        tactics.append(f"solve_by_elim{_list(lemmas.local.rules)}")
        tactics.append(f"grind{_list((*definitions, *lemmas.local.rules))}")
    if lemmas.local.theorems:
        tactics.append(f"grind{_list((*definitions, *lemmas.local.theorems))}")
    if root:
        tactics.append("simp +arith")
        finite = [h.name for h in facts.data]
        if finite and not facts.sorts:
            tactics.append(f"(revert {' '.join(finite)}; decide)")
    return tactics


def _full(facts: Facts, lemmas: Lemmas, root: bool) -> list[str]:
    local = lemmas.local
    definitions = _list(local.definitions)
    tactics = []
    if local.predicates:
        cases = [f"cases {name}" for name in local.predicates]
        tactics.append(f"grind{_list((*local.definitions, *local.rules, *cases))}")
    if local.definitions:
        unfold = f"simp only{definitions}"
        tactics += [
            f"({unfold} at *; grind)",
            f"({unfold}; grind)",
            f"(unfold {' '.join(local.definitions[:1])}; grind)",
            f"({unfold} at *; omega)",
            f"({unfold} at *; simp_all)",
        ]
    tactics += [f"(simp_all{definitions}; omega)", f"(simp{definitions}; omega)", f"(simp_all{definitions}; grind)"]
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
        tactics.append(f"simp_all{_list((*local.definitions, *_COMMUTATIVE))}")
    return tactics


def _with_premises(facts: Facts, lemmas: Lemmas, root: bool) -> list[str]:
    local = lemmas.local.definitions
    tactics = []
    if lemmas.premises:
        tactics += [f"grind{_list((*local, *lemmas.premises[:count]))}" for count in (4, 12)]
    if lemmas.equations:
        for count in (3, 8):
            chosen = lemmas.equations[:count]
            tactics.append(f"simp_all{_list((*local, *chosen))}")
            tactics.append(f"(simp{_list((*local, *chosen))} <;> omega)")
        tactics += [f"(simp [{name}{''.join(', ' + d for d in local)}] <;> grind)" for name in lemmas.equations[:4]]
    if lemmas.premises:
        tactics += [f"solve_by_elim{_list(lemmas.premises[:12])}"]
        for name in lemmas.premises[:8]:
            tactics += [f"(apply {name} <;> first | assumption | omega | simp_all | grind)"]
    return tactics


def _search(facts: Facts, lemmas: Lemmas, root: bool) -> list[str]:
    return ["exact?", "try?"] if root else ["exact?"]


_COMMUTATIVE = (
    "Nat.mul_comm",
    "Nat.mul_assoc",
    "Nat.mul_left_comm",
    "Nat.add_comm",
    "Nat.add_assoc",
    "Nat.add_left_comm",
)


def _list(names: Sequence[str]) -> str:
    return f" [{', '.join(dict.fromkeys(names))}]" if names else ""
