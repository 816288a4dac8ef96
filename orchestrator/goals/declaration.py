"""A declaration: what Lean says of it, which names Lean makes by itself, which axioms are standard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.goals.goal import Position

STANDARD_AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})

_PRIVATE = re.compile(r"_private\..+?\.0\.")
_SPLIT = re.compile(r"(?:(.+)\.)?(«[^»]*»|[^.«»]*)")
_OF_TYPES = re.compile(
    r"(?:rec|recOn|casesOn|below|brecOn|binductionOn|ibelow|noConfusion|noConfusionType|ctorElim|ctorElimType|ctorIdx|"
    r"toCtorIdx)(?:_\d+)?"
)
_OF_CONSTRUCTORS = re.compile(r"inj|injEq|hinj|sizeOf_spec|elim|noConfusion")
_OF_ANY = re.compile(
    r"eq_\d+|eq_def|eq_unfold|match_\d+(?:_\d+)*|splitter|proof_\d+|congr_simp|congr_eq_\d+|hcongr_\d+|"
    r"(?:mutual_)?(?:induct|fun_cases|coinduct|fixpoint_induct|partial_correctness)(?:_unfolding)?"
)
_INTERNAL = re.compile(
    r"_(?:private|aux|auxLemma|example|eval|check|regBuiltin|proof|simp|match|unsafe_rec|sunfold|unary|mutual|cstage\d|rarg|"
    r"redArg|lambda|lam|elam|boxed|closed|spec|sizeOf|override|default|autoParam|flat_ctor|native|hyg|uniq|cleanup)"
    r"(?:_.*|\d+)?"
)
_UNNAMED_INSTANCE = re.compile(r"(?:^|\.)inst[A-Z«]")
_AMBIGUOUS = frozenset({"below", "inj", "elim"})
_EVERY_NAME_BELOW = re.compile(r"(?:below|brecOn|noConfusion)(?:_\d+)?|_.*")


def is_generated(name: str, kinds: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Whether Lean makes such a name by itself, for a declaration that is there already.

    Args:
        name: exact name, or as a user writes it.
        kinds: the kind of each declaration that is known. The name below a known one has to be one that Lean makes for
            that kind; where that is not known, names that people give as well (`inj`, `elim`, `below`) are theirs.
    """
    if "✝" in name:
        return True
    user_name = _PRIVATE.sub("", name)
    parent, last = _parts(user_name)
    exact_parent = name[: -len(last) - 1]
    above = kinds.get(exact_parent) or kinds.get(parent)
    if last.startswith("_"):
        return bool(above) or _INTERNAL.fullmatch(last) is not None
    if not parent:
        return False
    if last.isdigit() or _EVERY_NAME_BELOW.fullmatch(_parts(parent)[1]):
        return is_generated(exact_parent, kinds)
    if above is None:
        known = last not in _AMBIGUOUS or _parts(parent)[1] == "mk"
        return known and any(pattern.fullmatch(last) for pattern in (_OF_TYPES, _OF_CONSTRUCTORS, _OF_ANY))
    if _OF_TYPES.fullmatch(last):
        return above == "inductive" or (above == "constructor" and last == "noConfusion")
    if _OF_CONSTRUCTORS.fullmatch(last):
        return above == "constructor"
    return (above != "inductive" or last.startswith(("match_", "proof_"))) and _OF_ANY.fullmatch(last) is not None


def is_unnamed_instance(name: str) -> bool:
    """Whether an instance, or what was derived for it, has the name that Lean gives where its author gave none."""
    return _UNNAMED_INSTANCE.search(name) is not None


def is_syntax(type_text: str) -> bool:
    """Whether a declaration of this type is a notation's, which Lean names `term…` and the like."""
    return "ParserDescr" in type_text


def _parts(name: str) -> tuple[str, str]:
    """A name's parent and its last component."""
    found = _SPLIT.fullmatch(name)
    return (found[1] or "", found[2]) if found else ("", name)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A declaration as elaborated.

    Attributes:
        name: exact name, with the module prefix of private declarations.
        kind: "theorem", "def", "axiom", "opaque", "inductive", "constructor", "recursor" or "quot".
        type: canonical text of the statement: injective up to binder names, not for people.
        value: the same for the body of what is not a theorem.
        axioms: all that it rests on, outside the imported library.
        has_sorry: it rests on a sorry, however far down.
        own_sorry: the sorry is in the declaration itself or in its auxiliary constants.
        is_prop: its type is a proposition.
        auxiliary: made by the elaborator (`_proof_1`, ...).
        owner: the declaration that an auxiliary constant belongs to, "" where none is known.
        sorry_places: where the sorries of the constant stand in its file, None for one that does not say.
    """

    name: str
    kind: str
    levels: tuple[str, ...]
    type: str
    value: str
    axioms: tuple[str, ...]
    has_sorry: bool
    own_sorry: bool = False
    type_has_sorry: bool = False
    is_prop: bool = False
    auxiliary: bool = False
    uses: tuple[str, ...] = ()
    user_name: str = ""
    owner: str = ""
    sorry_places: tuple[Position | None, ...] = ()

    @property
    def is_theorem(self) -> bool:
        """Whether it proves a proposition, be it as a theorem or, as some write it, as a `def`."""
        return self.kind == "theorem" or (self.kind == "def" and self.is_prop)
