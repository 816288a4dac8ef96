"""Sketches: a script with sorries written into its declaration, and its own sorries as goals. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from orchestrator.goals.difficulty import estimated_difficulty
from orchestrator.goals.goal import Goal, Position, Sketch, SorryKind, SourceSpan
from orchestrator.goals.identity import identity_of
from orchestrator.lean.protocol import Sorry
from orchestrator.source.lexer import LineIndex
from orchestrator.source.splice import splice


@dataclass(frozen=True, slots=True)
class Written:
    """A command with a script in it.

    Attributes:
        fragment: the text of the command alone, its first line at its column.
        text: the whole file with it.
        first_line: lines of the file in front of the fragment.
        region: the stretch of the fragment that the script takes.
    """

    fragment: str
    text: str
    first_line: int
    region: SourceSpan

    def in_file(self, sorry: Sorry) -> Sorry:
        """A sorry that Lean found in the fragment, with positions of the file."""
        command = None if sorry.command is None else self._shifted(sorry.command)
        return replace(sorry, span=self._shifted(sorry.span), command=command)

    def _shifted(self, span: SourceSpan) -> SourceSpan:
        return SourceSpan(
            Position(span.start.line + self.first_line, span.start.column),
            Position(span.end.line + self.first_line, span.end.column),
        )


def write_into(text: str, goal: Goal, script: str, command: SourceSpan) -> Written:
    """Put `script` in place of the goal's sorry; `command` is the span of the goal's declaration in `text`.

    Raises PatchError: the goal has no span inside the command, or the script cannot be spliced in.
    """
    assert goal.span is not None
    lines = text.split("\n")
    first, last = command.start.line - 1, command.end.line - 1
    body = lines[first : last + 1]
    rest = "\n".join([body[-1][command.end.column :], *lines[last + 1 :]])
    body[-1] = body[-1][: command.end.column]
    head = body[0][: command.start.column]
    body[0] = " " * command.start.column + body[0][command.start.column :]
    span = SourceSpan(
        Position(goal.span.start.line - first, goal.span.start.column),
        Position(goal.span.end.line - first, goal.span.end.column),
    )
    old = "\n".join(body)
    fragment = splice(old, span, script, goal.kind)
    index = LineIndex(old)
    begin, stop = index.offset(span.start), index.offset(span.end)
    assert begin is not None, "splice has looked at the span"
    assert stop is not None
    # Blanks in front of it may have gone; what stands behind it is as it was.
    start = len(old[:begin].rstrip())
    end = len(fragment) - (len(old) - stop)
    new = LineIndex(fragment)
    whole = "\n".join([*lines[:first], head + fragment[command.start.column :]]) + rest
    return Written(fragment, whole, first, SourceSpan(new.position(start), new.position(end)))


def by_span(sorries: Iterable[Sorry]) -> list[list[Sorry]]:
    """Sorries in the order of the text, those that one span is reached with together."""
    found: dict[SourceSpan, list[Sorry]] = {}
    for sorry in sorries:
        found.setdefault(sorry.span, []).append(sorry)
    return [found[span] for span in sorted(found)]


def goal_at(goal: Goal, states: Sequence[Sorry], difficulty: Callable[[str], float]) -> Goal:
    """`goal` with what Lean says of a sorry that is reached with these states."""
    first = states[0]
    text = "\n\n".join(dict.fromkeys(state.goal for state in states))
    return replace(
        goal,
        text=text,
        context=replace(goal.context, namespace=first.namespace, opens=first.opens),
        estimated_difficulty=difficulty(text),
        kind=SorryKind(first.syntax),
        span=first.span,
        command=first.command,
        is_prop=all(state.is_prop for state in states),
        identity=identity_of([terms for state in states for terms in state.terms]),
    )


def goals_in(written: Written, goal: Goal, script: str, sorries: Iterable[Sorry]) -> tuple[Goal, ...]:
    """The sorries of a sketch as goals, in their order; those of the declaration that were there before are not."""
    inside = (written.in_file(sorry) for sorry in sorries if written.region.contains(sorry.span.start))
    return tuple(
        goal_at(
            replace(goal, id=_identity(goal, script, number), within=Sketch(goal, script)), states, estimated_difficulty
        )
        for number, states in enumerate(by_span(inside))
    )


def _identity(goal: Goal, script: str, number: int) -> str:
    digest = hashlib.sha256(f"{script}\x00{number}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{goal.id}.{digest[:8]}"
