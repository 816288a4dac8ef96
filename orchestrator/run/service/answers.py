"""What the service answers, as values for programs: each field is one thing that an agent can go on from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GoalEntry:
    """A goal in a list. `target` is on one line; `note` says why it stands where it does."""

    id: str
    declaration: str
    file: str
    line: int
    target: str
    difficulty: float
    status: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class GoalList:
    """Some of the `total` goals that were asked for."""

    total: int
    goals: tuple[GoalEntry, ...]


@dataclass(frozen=True, kw_only=True)
class FoundPremise:
    """A theorem that may help: its full name, its type as Lean prints it, and where it is from."""

    name: str
    statement: str
    origin: str


@dataclass(frozen=True, kw_only=True)
class NodeEntry:
    """A node of the blueprint: `statement` and `proof` in words, the nodes it uses, and how many wait for it."""

    key: str
    where: str
    declarations: tuple[str, ...]
    statement: str
    proof: str
    uses: tuple[str, ...] = ()
    waiting: int = 0


@dataclass(frozen=True, kw_only=True)
class BlueprintAnswer:
    """A blueprint: whether it is true, the nodes that are ready (those that most wait for first), and all not done."""

    words: str
    ready: tuple[NodeEntry, ...]
    not_done: tuple[NodeEntry, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TicketEntry:
    """A lemma that somebody misses. `waiting`: how many wait for it; `location`: where it is to stand."""

    id: str
    name: str
    statement: str
    status: str
    waiting: int
    location: str
    supplier: str = ""
    reason: str = ""
    proof: str = ""


@dataclass(frozen=True, kw_only=True)
class GoalDetails:
    """One goal with all that is known of it.

    Attributes:
        state: as Lean prints it, hypotheses then `⊢ target`.
        source, source_line: the text around it, and the number of its first line; `sorry_line` is the sorry's own.
        failed: what was tried without success, a line each.
        tickets: lemmas that it waits for.
    """

    entry: GoalEntry
    state: str
    source: str
    source_line: int
    sorry_line: int
    imports: tuple[str, ...]
    premises: tuple[FoundPremise, ...]
    failed: tuple[str, ...]
    nodes: tuple[NodeEntry, ...]
    tickets: tuple[TicketEntry, ...]


@dataclass(frozen=True, kw_only=True)
class TacticAnswer:
    """What one script did on a goal's state.

    Attributes:
        closes: nothing is left open; the gate still has to see it.
        goals: what is left open, as Lean prints it.
        error: Lean's words when it does not apply.
        suggestions: what Lean suggests to try (`exact?`, `simp?` and their like).
    """

    script: str
    closes: bool
    goals: tuple[str, ...]
    error: str
    suggestions: tuple[str, ...]
    milliseconds: int


@dataclass(frozen=True, kw_only=True)
class RefutationAnswer:
    """Values for which a goal is false; that none were found proves nothing."""

    refuted: bool
    values: str
    words: str


@dataclass(frozen=True, kw_only=True)
class DeclarationVerdict:
    """The gate's word on one declaration."""

    declaration: str
    file: str
    status: str
    conclusion: str
    next_step: str
    axioms: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class VerdictAnswer:
    """The gate's word on a proof or a patch.

    Attributes:
        words: in a sentence; when it is refused, why.
        next_step: what to do about it.
        kept: where an accepted proof was put; "" when it was only judged.
    """

    accepted: bool
    words: str
    next_step: str
    declarations: tuple[DeclarationVerdict, ...]
    kept: str = ""
