"""How a patched project differs from its original, up to proofs, declaration by declaration. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from orchestrator.gate.canonical import has_data_sorry
from orchestrator.goals.declaration import STANDARD_AXIOMS, Fingerprint, is_generated
from orchestrator.goals.goal import Position

Declarations = Mapping[str, Fingerprint]


def differences(
    original: Declarations,
    patched: Declarations,
    *,
    allowed_axioms: frozenset[str] = STANDARD_AXIOMS,
    helpers: frozenset[str] = frozenset(),
    below: frozenset[str] = frozenset(),
    filled: frozenset[Position | None] | None = None,
) -> tuple[str, ...]:
    """What the patch changed beside the bodies of declarations that had a sorry, each in words.

    `helpers` are names of lemmas that the patch is allowed to add, `below` exact names of constants that hang below
    what it fills, `filled` the places of the sorries that it fills (None: any), which Lean may have copied elsewhere.
    """
    found: list[str] = []
    kinds = {name: facts.kind for name, facts in (*original.items(), *patched.items())}
    for name, before in original.items():
        after = patched.get(name)
        if after is None:
            if not (before.auxiliary or is_generated(name, kinds)):
                found.append(f"`{before.user_name}` is gone")
            continue
        changed = statement_change(before, after)
        if changed:
            found.append(f"`{before.user_name}`: {changed}")
        elif (
            before.value != after.value
            and not before.auxiliary
            and not (has_data_sorry(before.value) and (filled is None or filled & sorry_places(name, original)))
        ):
            found.append(f"`{before.user_name}`: the body changed")
        if after.own_sorry and not before.own_sorry:
            found.append(f"`{before.user_name}` has a sorry now")
        foreign = sorted(set(after.axioms) - set(before.axioms) - allowed_axioms - {"sorryAx"})
        if foreign and not before.has_sorry:
            found.append(f"`{before.user_name}` rests on {', '.join(foreign)} now")
    for name, after in patched.items():
        if name in original:
            continue
        if after.kind == "axiom":
            found.append(f"new axiom `{after.user_name}`")
        elif after.user_name in helpers and after.kind == "theorem":
            foreign = sorted(set(after.axioms) - allowed_axioms - {"sorryAx"})
            if after.own_sorry:
                found.append(f"the helper `{after.user_name}` has a sorry")
            if foreign:
                found.append(f"the helper `{after.user_name}` rests on {', '.join(foreign)}")
        elif not (after.auxiliary or is_generated(name, kinds) or name in below):
            found.append(f"new declaration `{after.user_name}`")
    return tuple(found)


def helper_problems(
    names: Iterable[str], original: Declarations, patched: Declarations, *, allowed_axioms: frozenset[str]
) -> tuple[str, ...]:
    """What is wrong with the helper lemmas that a patch adds, each in words. `original` is the whole project's."""
    found: list[str] = []
    there = {facts.user_name for facts in original.values() if not facts.auxiliary}
    added = {facts.user_name: facts for facts in patched.values() if not facts.auxiliary}
    for name in names:
        facts = added.get(name)
        if name in there:
            found.append(f"`{name}` is the name of something else")
        elif facts is None:
            found.append(f"`{name}` was not found")
        elif facts.kind != "theorem":
            found.append(f"`{name}` is a {facts.kind}, not a theorem")
        elif facts.own_sorry:
            found.append(f"`{name}` is not proved")
        elif foreign := sorted(set(facts.axioms) - allowed_axioms - {"sorryAx"}):
            found.append(f"`{name}` rests on {', '.join(foreign)}")
    return tuple(found)


def statement_change(before: Fingerprint, after: Fingerprint) -> str:
    """How the statement differs, "" when it does not. An auxiliary proof or definition is compared where it is used."""
    if before.auxiliary and before.kind in ("theorem", "def"):
        return ""
    if before.kind != after.kind:
        return f"was a {before.kind}, is a {after.kind}"
    if before.levels != after.levels:
        return "the universe levels changed"
    return "the statement changed" if before.type != after.type else ""


def sorried_below(name: str, everything: Declarations) -> tuple[str, ...]:
    """User names of the declarations below `name` that have a sorry of their own, sorted."""
    seen: set[str] = set()
    todo = [name]
    found: set[str] = set()
    while todo:
        current = todo.pop()
        if current in seen or current not in everything:
            continue
        seen.add(current)
        facts = everything[current]
        if current != name and facts.own_sorry:
            # What the elaborator made belongs to the declaration that it was made for.
            found.add(facts.owner if facts.auxiliary else facts.user_name)
        todo.extend(facts.uses)
    own = everything[name].user_name if name in everything else ""
    return tuple(sorted(found - {"", own}))


def sorry_places(name: str, declarations: Declarations) -> frozenset[Position | None]:
    """Where the sorries of a declaration stand, those of the auxiliary constants that it speaks of included."""
    todo, seen, found = [name], set[str](), set[Position | None]()
    while todo:
        current = todo.pop()
        facts = declarations.get(current)
        if current not in seen and facts is not None and (facts.auxiliary or current == name):
            seen.add(current)
            found |= set(facts.sorry_places)
            todo.extend(facts.uses)
    return frozenset(found)


def below(names: Iterable[str], everything: Declarations) -> set[str]:
    """Exact names of some declarations and of all that they rest on."""
    todo, seen = list(names), set[str]()
    while todo:
        name = todo.pop()
        if name not in seen and name in everything:
            seen.add(name)
            todo.extend(everything[name].uses)
    return seen


def brought_up_to_date(declarations: Declarations, patched: Declarations, everything: Declarations) -> Declarations:
    """Declarations of a file that stays as it is, with the axioms that they rest on now.

    What they rest on by themselves is as it was; what they rest on through `patched` is as that is now. `everything`
    holds both, and what lies between.
    """
    found = {}
    for name, facts in declarations.items():
        under = below([name], everything)
        sorries = {"sorryAx"} if any(everything[one].own_sorry for one in under) else set()
        theirs = {axiom for one in under if one in patched for axiom in patched[one].axioms}
        axioms = (set(facts.axioms) | theirs) - {"sorryAx"} | sorries
        found[name] = replace(facts, axioms=tuple(sorted(axioms)), has_sorry=bool(sorries))
    return found
