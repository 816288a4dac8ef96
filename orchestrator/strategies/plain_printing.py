"""Goals printed without field notation, which shows what functions are applied to. Pure."""

from __future__ import annotations

from orchestrator.lean.protocol import TacticReply

_SAID = "plain:"
# An error's text is the one way to have a goal printed with options.
PRINT_PLAINLY = f'set_option pp.fieldNotation false in fail "{_SAID}"'


def printed_plainly(reply: TacticReply) -> str:
    """The first goal, as it was printed by `PRINT_PLAINLY` at the end of a tactic; "" when something failed before."""
    said, _, goals = reply.error.partition("\n")
    return goals.partition("\n\n")[0] if said == _SAID else ""
