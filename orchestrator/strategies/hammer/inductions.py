"""Whole proofs in one line: an induction or case distinction, each case ended by the same automation. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.goals.hypotheses import Hypothesis
from orchestrator.strategies.hammer.added_facts import Automation
from orchestrator.strategies.hammer.goal_facts import GoalFacts, applications

_RECURSIVE = frozenset({"Nat", "List"})
_SPLIT = frozenset({"Option", "Bool", "Prod", "Sum", "Except", "Subtype", "Fin"})
_TARGETS = 3
_FIRST_STARTS = 3
_FIRST_DOUBLES = 1


def ranked(facts: GoalFacts, count: int) -> list[Hypothesis]:
    """Data variables: of the project's own types first, then those that the target speaks of most."""
    words = facts.target_words

    def rank(h: Hypothesis) -> tuple[int, int]:
        # A number beside a structure is seldom what the recursion runs on.
        kind = 0 if h.head in facts.local.recursive else {"List": 1, "Nat": 2}.get(h.head, 3)
        return kind, -words.count(h.name)

    return sorted(facts.data, key=rank)[:count]


def is_recursive(facts: GoalFacts, variable: Hypothesis) -> bool:
    """Whether an induction on the variable may be worthwhile."""
    return variable.head in _RECURSIVE or variable.head in facts.local.recursive


def others(facts: GoalFacts, chosen: Hypothesis) -> list[str]:
    """What an induction on a variable may generalise."""
    return [h.name for h in facts.data if h.name != chosen.name and h.name not in chosen.words]


def by_principles(facts: GoalFacts) -> list[str]:
    """Inductions by what the project proves or assumes as such, on what it may be about: anything that is no fact."""
    mentioned = set(facts.target_words)
    said = {h.name for h in facts.facts} | facts.sorts
    things = [h.name for h in facts.hypotheses if h.name in mentioned - said][:_TARGETS]
    found = []
    for principle in facts.local.principles:
        for thing in things:
            general = [other for other in things if other != thing]
            found.append(f"induction {thing} using {principle}")
            found += [f"induction {thing} using {principle} generalizing {' '.join(general)}"] if general else []
    return found


def inductions(facts: GoalFacts, automation: Automation, plain: str) -> Iterator[str]:
    """Proofs of this kind for a goal, the likeliest first.

    `plain`: the goal printed without field notation, to find what functions are applied to.
    """
    starts = list(dict.fromkeys(_starts(GoalFacts(plain, facts.local), plain)))
    last = [automation.unrolling] if automation.unrolling else []
    for ending in (*automation.endings, *last):  # the cheapest first
        yield from (f"{start} <;> {ending}" for start in starts)
    yield from _all_smaller(facts, automation)


def _all_smaller(facts: GoalFacts, automation: Automation) -> Iterator[str]:
    """An induction over all smaller numbers, and one that carries a statement with the next."""
    target = facts.target
    for h in [h for h in facts.data if h.type == "Nat"][:2]:
        name = re.escape(h.name)
        yield f"induction {h.name} using Nat.strongRecOn <;> {automation.grind}"
        if not any(h.name in fact.words for fact in facts.facts) and "\n" not in target:
            here, after = (re.sub(rf"(?<![\w.]){name}(?![\w'])", by, target) for by in ("i", "(i + 1)"))
            pair = f"have key : ∀ i, ({here}) ∧ ({after}) := (fun i => by induction i <;> {automation.grind})"
            yield f"({pair}; exact (key {h.name}).1)"


def first_inductions(facts: GoalFacts, bare: Automation, plain: str) -> Iterator[str]:
    """The few that most often end a goal, with nothing from the library: what they say of a goal costs little.

    `bare`: automation with the project's own names alone.
    """
    starts = list(dict.fromkeys(_starts(GoalFacts(plain, facts.local), plain)))
    single = [start for start in starts if "<;>" not in start and not start.startswith("cases")][:_FIRST_STARTS]
    double = [start for start in starts if " <;> cases" in start and start.startswith("induction")][:_FIRST_DOUBLES]
    grind = bare.unfolding or bare.grind
    for start in (*single, *double):
        if start.startswith("fun_induction"):
            # It has unfolded the function in each case, and what is left is often a matter of rewriting.
            yield f"{start} <;> {grind if len(facts.local.definitions) > 1 else 'grind'}"
            yield f"{start} <;> {bare.simp}"
        else:
            yield f"{start} <;> {grind}"


def _starts(facts: GoalFacts, plain: str) -> Iterator[str]:
    yield from by_principles(facts)
    # From the goal without field notation: `h : t.Ordered` does not say that `h` is of a predicate.
    targets = ranked(facts, _TARGETS)
    inductive = [h for h in targets if is_recursive(facts, h)]
    cases = [h for h in targets if h in inductive or h.head in _SPLIT or h.head in facts.local.types]
    predicates = [h for h in facts.facts if h.head in facts.predicates][:2]
    for h in predicates:
        yield f"induction {h.name}"
        yield from (f"induction {h.name} <;> cases {other.name}" for other in predicates if other is not h)
    for function in _recursions(facts)[:2]:
        found = applications(plain.rpartition("⊢ ")[2], function)[:1]
        if found:
            yield f"fun_induction {function}"
        yield from (f"fun_induction {function} {arguments}" for arguments in found)
    for h in inductive:
        general = others(facts, h)
        generalizing = f" generalizing {' '.join(general)}" if general else ""
        yield f"induction {h.name}{generalizing}"
        if generalizing and facts.facts:
            yield f"induction {h.name}"
        yield from (f"induction {h.name} <;> cases {fact.name}" for fact in predicates)
        beside = [other.name for other in cases if other is not h and other.name in general][:2]
        yield from (f"induction {h.name}{generalizing} <;> cases {other}" for other in beside)
    split = [h.name for h in cases if h.head in _SPLIT or h.head in facts.local.types]
    if len(split) > 1:
        yield " <;> ".join(f"cases {name}" for name in split)
    elif split:
        yield f"cases {split[0]}"


def _recursions(facts: GoalFacts) -> list[str]:
    return [name for name in facts.local.definitions if name in facts.local.recursions]
