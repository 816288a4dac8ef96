"""What an error's text says of a goal, when it was made to say it."""

from __future__ import annotations

from orchestrator.lean.protocol import TacticReply
from orchestrator.strategies.suggestions import PRINT_PLAINLY, printed_plainly


def reply(error: str) -> TacticReply:
    return TacticReply(tactic=PRINT_PLAINLY, error=error)


def test_the_first_goal_alone_is_read() -> None:
    said = "plain:\nxs : Row\n⊢ Row.size xs = 0\n\ncase cons\n⊢ True"
    assert printed_plainly(reply(said)) == "xs : Row\n⊢ Row.size xs = 0"


def test_another_error_says_nothing() -> None:
    assert printed_plainly(reply("unknown tactic\n⊢ True")) == ""
    assert printed_plainly(reply("")) == ""
