"""Does a filling run code, or change what others see? Answered on its syntax tree. Pure.

What a proof is made of cannot be listed, since projects have tactics of their own; what it is not can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.gate.syntax import Identifier, Tree, TreeNode, subtrees
from orchestrator.gate.verdict import COMPILED_CODE
from orchestrator.goals.declaration import STANDARD_AXIOMS
from orchestrator.source.owner_rules import Rules

DEFAULT_HEARTBEATS = 200_000
"""Lean's own `maxHeartbeats`."""
_LIMITS = ("maxHeartbeats", "synthInstance.maxHeartbeats")
HARMLESS_OPTIONS = ("maxRecDepth", "pp.", "linter.", "synthInstance.", "trace.")
"""Options that a proof may set: they cost time, or change what is printed. A prefix ends with a dot."""

_RUNS_CODE = "runs code while Lean elaborates it"
_CONFIGURATIONS = frozenset({"Lean.Parser.Tactic.optConfig", "Lean.Parser.Tactic.config"})
_CONSTRUCTOR = "Lean.Parser.Term.dotIdent"
_PLAIN_VALUES = frozenset({"null", "choice", "num", "str", "«term{}»", "«term[]»", "«term[_]»", _CONSTRUCTOR})
"""What a tactic's option may be set to, beside names and structures of these: to all else Lean has to evaluate it."""
_ATTRIBUTES = frozenset({"Lean.Parser.Term.attributes", "Lean.Parser.Term.attrInstance"})
_KEYWORDS = {
    "unsafe": "is not checked by the kernel",
    "native_decide": "trusts the compiler",
    "by_elab": _RUNS_CODE,
    "run_tac": _RUNS_CODE,
    "run_elab": _RUNS_CODE,
    "run_meta": _RUNS_CODE,
    "run_cmd": _RUNS_CODE,
    "eval%": _RUNS_CODE,
    "include_str": "reads a file",
}
"""What no proof needs, by keyword: a package's own syntax may have a kind of another name."""


NATIVE_AXIOMS = frozenset({COMPILED_CODE, "Lean.trustCompiler"})
"""What a proof by `native_decide` rests on."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a project's owner allows: axioms, a higher limit of work, more options that a proof may set."""

    axioms: frozenset[str] = STANDARD_AXIOMS
    max_heartbeats: int = DEFAULT_HEARTBEATS
    options: tuple[str, ...] = ()

    @classmethod
    def of(cls, rules: Rules, more_axioms: frozenset[str] = frozenset()) -> Allowance:
        """What the owner's rules say, and axioms that whoever runs this allows."""
        axioms = rules.allowed_axioms | more_axioms | (NATIVE_AXIOMS if rules.native_decide else frozenset())
        return cls(axioms, max(rules.max_heartbeats, DEFAULT_HEARTBEATS), rules.allowed_options)

    @property
    def native_decide(self) -> bool:
        """Whether what a compiled program computes may be believed."""
        return COMPILED_CODE in self.axioms

    def __str__(self) -> str:
        return " ".join((*sorted(self.axioms), str(self.max_heartbeats), *self.options))


def refusals(filling: Tree, allowed: Allowance = Allowance()) -> tuple[str, ...]:
    """Why a filling is refused, each reason once, in words; empty when it may be elaborated."""
    return tuple(dict.fromkeys(_refusals(filling, allowed)))


def _refusals(filling: Tree, allowed: Allowance) -> Iterator[str]:
    for one in subtrees(filling):
        if (
            isinstance(one, str)
            and (why := _KEYWORDS.get(one))
            and not (allowed.native_decide and one == "native_decide")
        ):
            yield f"`{one}` {why}"
        if not isinstance(one, TreeNode):
            continue
        last = one.kind.rpartition(".")[2]
        if last.lower().endswith("quot") or "antiquot" in one.kind:
            yield "a syntax quotation is no part of a proof"
        elif last == "set_option":
            yield from _option(one, allowed)
        elif one.kind in _CONFIGURATIONS:
            if not allowed.native_decide and Identifier("native") in subtrees(one):
                yield "`+native` trusts the compiler"
            if not all(map(_is_plain, subtrees(one))):
                yield "an option of a tactic is computed, which runs code while Lean elaborates it"
        elif one.kind in _ATTRIBUTES:
            yield "an attribute changes what others see"


def _is_plain(part: Tree) -> bool:
    """Whether a part of a tactic's options is a name, a literal, or a structure or constructor of those."""
    if not isinstance(part, TreeNode) or part.kind in _PLAIN_VALUES:
        return True
    if part.kind == "Lean.Parser.Term.app":
        return isinstance(part.children[0], TreeNode) and part.children[0].kind == _CONSTRUCTOR
    return part.kind.startswith(("Lean.Parser.Tactic.", "Lean.Parser.Term.structInst", "Lean.Parser.Term.optEllipsis"))


def _option(node: TreeNode, allowed: Allowance) -> Iterator[str]:
    """Why a `set_option` is refused: its name is read as Lean reads it, however it is quoted."""
    name = next((c.name for c in node.children if isinstance(c, Identifier)), "").replace("«", "").replace("»", "")
    if name in _LIMITS:
        number = next((c.children[0] for c in node.children if isinstance(c, TreeNode) and c.kind == "num"), None)
        limit = int(number.replace("_", ""), 0) if isinstance(number, str) else 0
        if not 0 < limit <= allowed.max_heartbeats:
            yield f"{name} {limit or '0, which is no limit,'} is above the limit of {allowed.max_heartbeats}"
        return
    known = (*HARMLESS_OPTIONS, *allowed.options)
    if not any(name == one or (one.endswith(".") and name.startswith(one)) for one in known):
        yield f"the option `{name}` is not one that a proof may set"
