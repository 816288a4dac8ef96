"""A declaration: what Lean says of it, which names Lean makes by itself, which axioms are standard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A declaration as elaborated.

    Attributes:
        name: exact name, with the module prefix of private declarations.
        kind: "theorem", "def", "axiom", "opaque", "inductive", "constructor", "recursor" or "quot".
        levels: universe parameters.
        type: canonical text of the statement: injective up to binder names, not for people.
        value: the same for the body of what is not a theorem.
        axioms: all that it rests on, outside the imported library.
        has_sorry: it rests on a sorry, however far down.
        own_sorry: the sorry is in the declaration itself or in its auxiliary constants.
        type_has_sorry: the statement contains one.
        auxiliary: made by the elaborator (`_proof_1`, ...).
        uses: the project's constants that it speaks of directly.
        user_name: as a user writes it.
        recheck: "" when the kernel accepted the declaration once more, or was not asked to; else its words.
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
    auxiliary: bool = False
    uses: tuple[str, ...] = ()
    user_name: str = ""
    recheck: str = ""


STANDARD_AXIOMS = frozenset({"propext", "Classical.choice", "Quot.sound"})

# Made on demand by Lean for a declaration that exists already, wherever they are first needed.
_GENERATED = re.compile(
    r"(eq_\d+|eq_def|eq_unfold|match_\d+|splitter|congr_simp|congr_eq_\d+|hcongr_\d+|inj|injEq|hinj|sizeOf_spec|induct|"
    r"induct_unfolding|fun_cases|fun_cases_unfolding|mutual_induct|partial_correctness|fixpoint_induct|elim|ctorIdx|"
    r"_.*|proof_\d+)"
)


class DeclarationFacts(Protocol):
    """A declaration as elaborated (see `orchestrator.lean.protocol.Fingerprint`)."""

    @property
    def name(self) -> str: ...
    @property
    def user_name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def levels(self) -> tuple[str, ...]: ...
    @property
    def type(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def axioms(self) -> tuple[str, ...]: ...
    @property
    def has_sorry(self) -> bool: ...
    @property
    def own_sorry(self) -> bool: ...
    @property
    def auxiliary(self) -> bool: ...
    @property
    def uses(self) -> tuple[str, ...]: ...
    @property
    def recheck(self) -> str: ...


def is_generated(name: str) -> bool:
    """Whether Lean makes such a name by itself."""
    return _GENERATED.fullmatch(name.rpartition(".")[2]) is not None
