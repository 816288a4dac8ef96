"""What a project declares around a goal, as far as tactics want to know it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from orchestrator.goals.declaration import Fingerprint, is_generated, is_syntax, is_unnamed_instance
from orchestrator.goals.goal import Goal
from orchestrator.lean.extraction import Extraction
from orchestrator.premises.statements import is_induction_principle, is_proposition_former
from orchestrator.source.project import Project

_DEFINITIONS = 10
_LEMMAS = 12
_PRINCIPLES = 3


class DeclarationRole(StrEnum):
    """What a declaration is good for."""

    DEFINITION = "definition"
    THEOREM = "theorem"
    TYPE = "type"
    PREDICATE = "predicate"
    CONSTRUCTOR = "constructor"
    AUXILIARY = "auxiliary"


@dataclass(frozen=True, slots=True)
class LocalDeclaration:
    """A declaration of the project.

    Attributes:
        uses: the project's constants that it speaks of.
        eliminates: whether an induction can go by it.
    """

    name: str
    role: DeclarationRole
    uses: tuple[str, ...] = ()
    recursive: bool = False
    eliminates: bool = False


@dataclass(frozen=True, slots=True)
class VisibleDeclarations:
    """Declarations of the project that a goal sees, those of its own file first, in no order within a file."""

    declared: tuple[LocalDeclaration, ...] = ()

    def around(self, mentioned: Iterable[str]) -> LocalContext:
        """What the goal that mentions these constants has to do with, directly or through definitions."""
        by_name = {declaration.name: declaration for declaration in self.declared}
        near: dict[str, LocalDeclaration] = {}
        todo = [by_name[name] for name in mentioned if name in by_name]
        while todo:
            now = todo.pop(0)
            if now.name not in near:
                near[now.name] = now
                todo.extend(by_name[name] for name in now.uses if name in by_name)

        def of(role: DeclarationRole) -> list[str]:
            return [name for name, declaration in near.items() if declaration.role is role]

        predicates, types = of(DeclarationRole.PREDICATE), of(DeclarationRole.TYPE)
        constructors: dict[str, tuple[str, ...]] = {
            owner: tuple(
                d.name
                for d in self.declared
                if d.role is DeclarationRole.CONSTRUCTOR and d.name.rpartition(".")[0] == owner
            )
            for owner in (*predicates, *types)
        }
        close = set(near)

        def about(declared: Iterable[LocalDeclaration]) -> list[str]:
            speaking = (d for d in declared if close.intersection(d.uses))
            return [d.name for d in sorted(speaking, key=lambda d: len(set(d.uses) - close))]

        theorems = about(d for d in self.declared if d.role is DeclarationRole.THEOREM)
        principles = about(d for d in self.declared if d.eliminates)
        return LocalContext(
            definitions=tuple(of(DeclarationRole.DEFINITION)[:_DEFINITIONS]),
            predicates=tuple(predicates),
            types=tuple(types),
            theorems=tuple(theorems[:_LEMMAS]),
            constructors=constructors,
            recursions=frozenset(d.name for d in near.values() if d.recursive),
            principles=tuple(principles[:_PRINCIPLES]),
            proved=frozenset(d.name for d in self.declared if d.role is DeclarationRole.THEOREM),
        )


@dataclass(frozen=True, slots=True)
class LocalContext:
    """The project's constants that have to do with one goal.

    Attributes:
        definitions: to unfold; those that the goal names itself come first.
        theorems: proved, or assumed by a structure, about these constants.
        principles: what an induction can go by, besides the constructors of a type.
        proved: all theorems of the project that the goal's file sees, near or far.
    """

    definitions: tuple[str, ...] = ()
    predicates: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    theorems: tuple[str, ...] = ()
    constructors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recursions: frozenset[str] = frozenset()
    principles: tuple[str, ...] = ()
    proved: frozenset[str] = frozenset()

    @property
    def recursive(self) -> tuple[str, ...]:
        """The types that an induction may be worth while on: all but those with the one constructor of a structure."""
        return tuple(name for name in self.types if self.constructors.get(name) != (f"{name}.mk",))

    @property
    def rules(self) -> tuple[str, ...]:
        """Constructors of the inductive propositions: how these are proved."""
        return tuple(name for predicate in self.predicates for name in self.constructors.get(predicate, ()))


DefinitionsOf = Callable[[Goal], Iterable[str]]
"""Full names of the project's own definitions that a goal sees."""

DeclarationsOf = Callable[[Goal], VisibleDeclarations]
"""What the project declares around a goal."""


def from_fingerprints(fingerprints: Iterable[Fingerprint]) -> VisibleDeclarations:
    """The declarations of a goal's file and its imports, the nearest first."""
    known = {fingerprint.name: fingerprint for fingerprint in fingerprints}
    kinds = {name: fingerprint.kind for name, fingerprint in known.items()}

    def declaration(fingerprint: Fingerprint) -> LocalDeclaration:
        usable = _is_authored(fingerprint, kinds) and not fingerprint.own_sorry
        return LocalDeclaration(
            fingerprint.user_name,
            _role(fingerprint) if usable else DeclarationRole.AUXILIARY,
            _user_names(fingerprint.uses, known),
            _RECURS.search(fingerprint.value) is not None,
            usable and is_induction_principle(fingerprint.type),
        )

    return VisibleDeclarations(tuple(map(declaration, known.values())))


def _user_names(names: Iterable[str], known: Mapping[str, Fingerprint]) -> tuple[str, ...]:
    return tuple(known[name].user_name for name in names if name in known)


def _role(fingerprint: Fingerprint) -> DeclarationRole:
    if fingerprint.is_theorem:
        return DeclarationRole.THEOREM
    if fingerprint.kind == "def" and not _PROJECTS.search(fingerprint.value):
        return DeclarationRole.DEFINITION
    if fingerprint.kind == "inductive":
        return DeclarationRole.PREDICATE if is_proposition_former(fingerprint.type) else DeclarationRole.TYPE
    if fingerprint.kind == "constructor":
        return DeclarationRole.CONSTRUCTOR
    return DeclarationRole.AUXILIARY


def _is_authored(fingerprint: Fingerprint, kinds: Mapping[str, str]) -> bool:
    """Somebody wrote the declaration and named it; it is no notation."""
    name = fingerprint.name
    made = fingerprint.auxiliary or is_generated(name, kinds) or is_unnamed_instance(fingerprint.user_name)
    return not (made or is_syntax(fingerprint.type))


# `fun … self => self.i`, in the canonical text of the server: a field of a structure, which everything unfolds anyway.
_PROJECTS = re.compile(r"\nj \S+ \d+ \d+\n(?:l \d+ \d+\w\n)+= \d+$")
_RECURS = re.compile(r"\.brecOn\b|\bWellFounded\.(?:Nat\.)?fix\b|\bWellFounded\.")


def _seen_from(module: str, project: Project, extraction: Extraction) -> Iterator[Fingerprint]:
    for name in (module, *(imported.name for imported in reversed(project.closure(module)))):
        yield from extraction.declarations.get(name, {}).values()


def definitions_seen(project: Project, extraction: Extraction) -> Callable[[Goal], tuple[str, ...]]:
    """A function from a goal to the full names of the project's definitions that its file sees."""

    @cache
    def of_module(name: str) -> tuple[str, ...]:
        found = list(_seen_from(name, project, extraction))
        kinds = {one.name: one.kind for one in found}
        defined = (one for one in found if one.kind == "def" and not one.is_theorem)
        return tuple(one.user_name for one in defined if _is_authored(one, kinds))

    return lambda goal: of_module(goal.module) if goal.module in project.by_name else ()


def declarations_seen(project: Project, extraction: Extraction) -> Callable[[Goal], VisibleDeclarations]:
    """A function from a goal to what the project declares around it."""

    @cache
    def of_module(name: str) -> VisibleDeclarations:
        return from_fingerprints(_seen_from(name, project, extraction))

    return lambda goal: of_module(goal.module) if goal.module in project.by_name else VisibleDeclarations()
