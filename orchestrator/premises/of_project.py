"""What a project declares that a goal's proof may use: theorems with their statements, and the parts of definitions.

Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import Extraction
from orchestrator.lean.protocol import Constant
from orchestrator.premises.corpus import is_premise, premises_among
from orchestrator.premises.retrieval import Premise
from orchestrator.premises.statements import constants_in, is_proposition_former, statement_of
from orchestrator.source.project import Project

_WORD = re.compile(r"[\w!?'₀-₉]+")


@dataclass(frozen=True)
class Seen:
    """What a goal sees of its project.

    Attributes:
        premises: theorems, propositions that a structure assumes, and rules of inductive predicates, of the goal's file
            and its imports; the same for every goal of a file.
        later: full names of those among them that come after the goal, and of its own declaration.
        parts: the constants that a constant of the project is made of, by its full name.
        imports: modules outside the project that the goal's file imports, directly or through the project's own.
        brought: all modules that these bring; None where that is not known.
    """

    premises: tuple[Premise, ...] = ()
    later: frozenset[str] = frozenset()
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    brought: frozenset[str] | None = None

    def behind(self, mentions: Iterable[str]) -> tuple[str, ...]:
        """Constants in the definitions of these, in the definitions of those, and so on; the nearest first."""
        found = dict.fromkeys(mentions)
        own = len(found)
        todo = list(found)
        for name in todo:
            new = [part for part in self.parts.get(name, ()) if part not in found]
            found.update(dict.fromkeys(new))
            todo += new
        return tuple(found)[own:]


SeenBy = Callable[[Goal], Seen]


def premises_seen(
    project: Project, extraction: Extraction, brought: Callable[[tuple[str, ...]], frozenset[str]] | None = None
) -> SeenBy:
    """A function from a goal to what it sees: its imports' declarations, and those in front of it in its file.

    `brought` says which modules imports from outside bring, where that is known.
    """

    @cache
    def of_module(name: str) -> Seen:
        modules = [name, *(module.name for module in project.closure(name))]
        seen = _seen(fact for module in modules for fact in extraction.declarations.get(module, {}).values())
        compiled = (one for one in modules if one not in extraction.declarations)
        theirs = [one for module in compiled for one in _compiled(module, extraction.constants.get(module, ()))]
        seen = replace(seen, premises=(*seen.premises, *theirs))
        imports = project.external_imports(name)
        return replace(seen, imports=imports, brought=brought(imports) if brought is not None else None)

    def of_goal(goal: Goal) -> Seen:
        if goal.module not in project.by_name:
            return Seen()
        everything = of_module(goal.module)
        earlier = _words_before(project.by_name[goal.module].text, goal)
        own = (fact.user_name for fact in extraction.declarations.get(goal.module, {}).values())
        later = {name for name in own if earlier.isdisjoint(_WORD.findall(name)[-1:])}
        return replace(everything, later=frozenset({*later, goal.declaration}))

    return of_goal


def _compiled(module: str, constants: Sequence[Constant]) -> Iterator[Premise]:
    """The theorems of a module that was not elaborated; as one of the project's own files it is always seen."""
    kinds = {one.name: one.kind for one in constants}
    found = premises_among(constants, module, kinds)
    return (replace(premise, module="") for premise in found if premise.kind == "theorem")


def _words_before(text: str, goal: Goal) -> frozenset[str]:
    """Words in front of the goal's command: whatever is declared there has its name among them."""
    lines = text.replace("\r\n", "\n").split("\n")
    end = goal.command.start if goal.command is not None else None
    before = lines if end is None else [*lines[: end.line - 1], lines[end.line - 1][: end.column]]
    return frozenset(_WORD.findall("\n".join(before)))


def _seen(fingerprints: Iterable[Fingerprint]) -> Seen:
    facts = list(fingerprints)
    names = {fact.name: fact.user_name for fact in facts}
    predicates = {fact.user_name for fact in facts if fact.kind == "inductive" and is_proposition_former(fact.type)}
    kinds = {fact.user_name: fact.kind for fact in facts}
    constructors: dict[str, list[str]] = {}
    for fact in facts:
        if fact.kind == "constructor":
            constructors.setdefault(fact.user_name.rpartition(".")[0], []).append(fact.user_name)
    parts = {fact.user_name: _parts(fact, names, constructors.get(fact.user_name, ())) for fact in facts}
    return Seen(tuple(_premise(fact, names) for fact in facts if _useful(fact, predicates, kinds)), parts=parts)


def _parts(fact: Fingerprint, names: Mapping[str, str], constructors: Sequence[str]) -> tuple[str, ...]:
    inside = (*constants_in(fact.type), *constants_in(fact.value))
    return tuple(dict.fromkeys((*(names.get(name, name) for name in inside), *constructors)))


def _useful(fact: Fingerprint, predicates: Collection[str], kinds: Mapping[str, str]) -> bool:
    if fact.auxiliary or fact.own_sorry or not is_premise(fact.user_name, fact.kind, fact.type, kinds):
        return False
    return fact.is_theorem or (fact.kind == "constructor" and fact.user_name.rpartition(".")[0] in predicates)


def _premise(fact: Fingerprint, names: Mapping[str, str]) -> Premise:
    mentions = tuple(names.get(name, name) for name in constants_in(fact.type))
    return Premise(fact.user_name, statement_of(fact.type), mentions=mentions)
