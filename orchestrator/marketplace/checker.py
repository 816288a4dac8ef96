"""What Lean says of statements and proofs on the marketplace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement that Lean has elaborated.

    Attributes:
        signature: closed over its hypotheses, as it follows a theorem's name.
        text: the goal as Lean prints it, hypotheses then `⊢ target`.
        hash: equal for statements that differ in names and in the order of hypotheses only.
        digest: equal for statements that differ in names only.
        negation: `hash` of the negation ("" when it was not looked at), and of what this negates, if it negates.
        refuted: how its negation was proved ("" when it was not).
    """

    signature: str
    text: str
    hash: str
    digest: str
    negation: tuple[str, ...] = ()
    refuted: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The gate's word on a proof: the script that passed, or why it was refused."""

    script: str = ""
    refusal: str = ""
