"""The declarations that a filled command answers for, and whether each of them is filled. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from orchestrator.gate.canonical import has_data_sorry, same_but_for_sorries, under_more_binders
from orchestrator.gate.differences import below
from orchestrator.gate.reach import is_code
from orchestrator.gate.shape import FilledCommand
from orchestrator.gate.verdict import shown_name
from orchestrator.goals.declaration import Fingerprint, is_generated
from orchestrator.goals.goal import Position
from orchestrator.source.lexer import code_mask, name_parts, words
from orchestrator.source.project import Project

_DEFAULT = "._default"


_SORRY_WORD = re.compile(r"(?:sorryAx|sorry|admit|stop)(?![\w.'!?])")
_VARIABLE = re.compile(r"\bvariable\b")


def targets_of(command: FilledCommand, original: Mapping[str, Fingerprint]) -> list[Fingerprint]:
    """The declarations of a filled command that had a sorry of their own: those in its text, not what Lean makes.

    The constructors and fields of a type have the type's name, as has the default value of a field.
    """
    facts = [original[name] for name in command.made if name in original]
    kinds = {fact.name: fact.kind for fact in facts}
    types = {fact.user_name for fact in facts if fact.kind == "inductive"}
    found = []
    for fact in facts:
        inside = next((name for name in types if fact.user_name.startswith(f"{name}.")), "")
        named = fact.user_name == command.declared or shown_name(fact.user_name, command.line) != fact.user_name
        if (
            (fact.own_sorry or fact.type_has_sorry)
            and (named or not fact.auxiliary)
            and not (inside and is_generated(fact.name, kinds))
        ):
            found.append(replace(fact, auxiliary=False, user_name=inside or fact.user_name))
    known = {fact.user_name for fact in found}
    # The default of a structure's field is a constant of its own.
    defaults = (fact for fact in facts if fact.name.endswith(_DEFAULT) and fact.own_sorry and fact.owner not in known)
    return [*found, *(replace(fact, user_name=command.declared or fact.owner) for fact in defaults)]


def with_owners(
    patched: Mapping[str, Fingerprint],
    original: Mapping[str, Fingerprint],
    filled: Sequence[tuple[Fingerprint, FilledCommand]],
    names: frozenset[str],
) -> dict[str, Fingerprint]:
    """The patched declarations, where those that a patch makes below a target, `names` apart, are the target's own."""
    found = dict(patched)
    for target, _ in filled:
        if target.name in patched:
            for name in below([target.name], patched) - original.keys():
                if patched[name].user_name not in names and not patched[name].auxiliary:
                    found[name] = replace(patched[name], auxiliary=True, owner=target.user_name)
                    own = found[target.name].own_sorry or patched[name].own_sorry
                    found[target.name] = replace(found[target.name], own_sorry=own)
    return found


def is_filled(target: Fingerprint, now: Fingerprint, command: FilledCommand, *, wider: bool = False) -> bool:
    """Whether a target's body is the original one with its sorries filled; a `wider` one takes more arguments.

    Data may be compiled in another way once it is there, so that is looked at where tactics were replaced, too.
    """
    if not has_data_sorry(target.value):
        return now.value == target.value or (wider and under_more_binders(target.value, now.value))
    if not command.replaces or same_but_for_sorries(target.value, now.value):
        return True
    return wider and under_more_binders(target.value, now.value, but_for_sorries=True)


def takes_more_variables(target: Fingerprint, now: Fingerprint, text: str) -> bool:
    """Whether a target has its statement under variables of a section that only its filling speaks of.

    Lean puts before a definition, an instance or an example the variables that its body speaks of, and a sorry speaks
    of none. `text` is the original file's: without a `variable` there nothing else can come of the same syntax tree.
    """
    return (
        _VARIABLE.search(code_mask(text)) is not None
        and target.type != now.type
        and target.kind == now.kind
        and set(target.levels) <= set(now.levels)
        and under_more_binders(target.type, now.type)
    )


def users_above(
    target: Fingerprint, project: Project, module: str, known: Mapping[str, Mapping[str, Fingerprint]]
) -> tuple[str, ...]:
    """Paths of the files above a module that may use a target; of those not elaborated only the words are known."""
    above = [one for one in project.modules if module in {below.name for below in project.closure(one.name)}]
    found = []
    for one in above:
        if one.name in known:
            uses = any(target.name in fact.uses for fact in known[one.name].values())
        else:
            last = target.user_name.rpartition(".")[2]
            uses = last.startswith("inst") or any(last in name_parts(word.text) for word in words(code_mask(one.text)))
        if uses and shown_name(target.user_name, 0) == target.user_name:
            found.append(one.path)
    return tuple(found)


def what_is_code(
    commands: Sequence[FilledCommand], filled: Sequence[tuple[Fingerprint, FilledCommand]]
) -> tuple[str, ...]:
    """Which commands are filled that prove and define nothing, but change how Lean reads what comes after, in words."""
    proofs = [command for _, command in filled]
    code = [f"`{target.user_name}` is code that Lean runs" for target, _ in filled if is_code(target)]
    return (
        *(
            f"line {one.line}: a sorry that is no declaration's own: it stands in code that Lean runs later"
            for one in commands
            if one not in proofs
        ),
        *code,
    )


def sorries_left(
    fact: Fingerprint | None, declarations: Mapping[str, Fingerprint], text: str
) -> tuple[int, frozenset[Position | None]]:
    """How many sorries of a declaration are not written where it has them, and where it has them."""
    if fact is None:
        return 0, frozenset()
    own = [one for one in declarations.values() if one.auxiliary and one.owner == fact.user_name]
    places = [place for one in (fact, *own) for place in one.sorry_places]
    lines = code_mask(text).split("\n")
    hidden = [place for place in places if place is None or not _is_sorry_at(lines, place)]
    return len(hidden), frozenset(places)


def _is_sorry_at(lines: Sequence[str], place: Position) -> bool:
    line = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    return _SORRY_WORD.match(line, place.column) is not None
