"""Words in a patch that a reader should look at twice. Pure.

None of them decides anything: what a proof may do is decided by what Lean makes of it (`orchestrator.gate.verdict`).
"""

from __future__ import annotations

import re
from collections import Counter

from orchestrator.source.lexer import code_mask

_SUSPICIOUS: tuple[tuple[str, str], ...] = (
    (r"set_option\s+debug\.\S+", "switches a check of Lean's off"),
    (r"set_option\s+(?:warn\.sorry|linter\.\S+|autoImplicit|relaxedAutoImplicit)\b", "silences Lean"),
    (r"set_option\s+max(?:Heartbeats|RecDepth)\s+\d+", "raises a limit: slow, or broken by another Lean"),
    (r"\bunsafe\b", "is not checked by the kernel"),
    (
        r"\bimplemented_by\b|\bextern\b|\bcsimp\b|\bimplicit_reducible\b",
        "makes compiled code differ from the definition",
    ),
    (r"\bopaque\b", "hides a value"),
    (r"\bnative_decide\b|\bofReduceBool\b|\bofReduceNat\b|\breduceBool\b", "trusts the compiler"),
    (
        r"\b(?:macro_rules|macro|notation|infix[lr]?|prefix|postfix|syntax|elab|elab_rules)\b",
        "changes how text is read",
    ),
    (r"\b(?:run_tac|run_cmd|run_elab|run_meta|by_elab|addDecl|modifyEnv|setEnv)\b", "runs code inside Lean"),
    (r"\b(?:local\s+|scoped\s+)?instance\b", "adds an instance"),
    (r"\baxiom\b", "assumes instead of proving"),
    (r"\b(?:sorryAx|admit|stop)\b", "leaves something open"),
)


def source_warnings(original: str, patched: str) -> tuple[str, ...]:
    """What is suspicious in `patched` and was not, or not as often, in `original`, each in words."""
    before, after = code_mask(original), code_mask(patched)
    found: list[str] = []
    for pattern, why in _SUSPICIOUS:
        more = Counter(_plain(m) for m in re.findall(pattern, after))
        more.subtract(_plain(m) for m in re.findall(pattern, before))
        found += (f"`{words}` {why}" for words, count in more.items() if count > 0)
    return tuple(found)


def _plain(text: str) -> str:
    return " ".join(text.split())
