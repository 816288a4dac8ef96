"""One goal, opened on a workspace: try tactics on its state, check a proof in its declaration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.errors import PatchError, RequestRefused, SessionError
from orchestrator.goals.goal import Goal, SorryKind, SourceSpan
from orchestrator.lean.protocol import (
    CheckReply,
    Command,
    CommandReply,
    Limits,
    Mentions,
    Sorry,
    SplitReply,
    TacticReply,
    Tactics,
)
from orchestrator.lean.session import ask
from orchestrator.lean.sketches import Written, goals_in, write_into
from orchestrator.lean.workspace import Workspace

_SLACK_SECONDS = 10.0
_NATIVE_SLACK_SECONDS = 60.0
"""There a tactic ends by heartbeats, and its wall time is generous."""
_SKETCH_SECONDS = 60.0


class OpenGoal:
    """A goal on a workspace, for one holder at a time. Made by `Pool.open`.

    A process that breaks while the goal's file is loaded raises `SessionError`, a goal that is not there any more
    `RequestRefused`; what a script or a tactic does to the process makes it a failed one.

    `limits`: what one tactic may spend unless said otherwise.
    """

    def __init__(self, workspace: Workspace, goal: Goal, limits: Limits) -> None:
        self.goal = goal
        self._workspace = workspace
        self._limits = limits
        self._sorries: tuple[Sorry, ...] = ()
        self._siblings: tuple[Sorry, ...] = ()
        self._text = ""
        self._generation = -1
        self._env_mark = -1
        self._state_mark = -1

    async def ready(self) -> None:
        """Load the goal's file, again if the process behind the session was replaced."""
        workspace = self._workspace
        if self._generation == workspace.session.generation and workspace.holds(self.goal.module):
            return
        elaborated = await workspace.load(self.goal.module)
        marks = workspace.highest_env, workspace.highest_proof_state
        # As in the workspace: Lean reads files with line feeds alone.
        text = workspace.project.by_name[self.goal.module].text.replace("\r\n", "\n")
        self._text, self._siblings = await self._surroundings(self.goal, text, elaborated.reply.sorries)
        self._sorries = self._sorries_of(self.goal, self._siblings)
        self._generation = workspace.session.generation
        # What a sketch made is dropped with the goal; a goal of the file itself has made nothing yet.
        self._env_mark, self._state_mark = marks

    @property
    def goals(self) -> int:
        """How many goals the sorry has at once (more than one after `stop`)."""
        return max(sorry.goals for sorry in self._sorries)

    async def tactics(
        self,
        tactics: Sequence[str],
        *,
        proof_state: int | None = None,
        limits: Limits | None = None,
        stop_on_success: bool = True,
        budget_seconds: float = 0.0,
        only: int | None = None,
    ) -> tuple[TacticReply, ...]:
        """Try each tactic, on the goal's own state unless another is given; replies in order, perhaps fewer.

        With `only`, the tactics see that goal of `proof_state` alone, and to complete it is to close that one.

        A tactic that kills the process is a failed tactic: the others are tried on a new process. Where the sorry is
        reached with several states (after `<;>`), a tactic counts as completed only if it completes them all. What
        starting a process again takes does not count for the budget. On another state than the goal's own, which cannot
        be replayed here, a process that dies raises `SessionError`.
        """
        limits = limits or self._limits
        if proof_state is not None:
            return await try_tactics(
                self._workspace, tactics, proof_state, limits, stop_on_success, budget_seconds, only
            )
        replies: list[TacticReply] = []
        together = len(tactics)
        budget = int(budget_seconds * 1000)
        while len(replies) < len(tactics):
            left = budget - sum(reply.milliseconds for reply in replies)
            if budget and left <= 0:
                break
            batch = tactics[len(replies) : len(replies) + together]
            await self.ready()
            try:
                found = await self._on_every_state(batch, limits, stop_on_success, left / 1000 if budget else 0.0)
            except SessionError as error:
                if len(batch) > 1:
                    together = 1
                    continue
                found = (TacticReply(tactic=batch[0], error=f"Lean broke on it: {error.what}"),)
            replies.extend(found)
            if not found or (stop_on_success and found[-1].completed):
                break
        return tuple(replies)

    async def mentions(self) -> tuple[str, ...]:
        """Full names of the constants that the goal mentions, without repetition."""
        await self.ready()
        asked = ask(self._workspace.session, Mentions(self._sorries[0].proof_state), timeout=60.0)
        return tuple(dict.fromkeys((await self._workspace.same_process(asked)).names))

    async def check(self, script: str, *, seconds: float = 30.0, prelude: str = "") -> CheckReply:
        """Elaborate the goal's declaration again with `script` in place of the sorry: the truth for this goal.

        `prelude` are commands that stand in front of the declaration, such as a lemma that is to be proved later.
        A script that cannot be spliced in is not accepted, nor is one that breaks the Lean process.
        """
        tried = await self._with_script(script, seconds, prelude)
        if isinstance(tried, list):
            return CheckReply(accepted=False, errors=tuple(tried))
        return self._judge(tried[1])

    async def split(self, script: str, *, seconds: float = 30.0) -> SplitReply:
        """Elaborate the goal's declaration with a sketch in place of the sorry: its own sorries, or what is wrong.

        A sketch that cannot be spliced in, or that breaks the Lean process, is answered with errors.
        """
        tried = await self._with_script(script, seconds)
        if isinstance(tried, list):
            return SplitReply(errors=tuple(tried))
        written, reply = tried
        errors = _errors_of(reply)
        return SplitReply(errors=errors) if errors else SplitReply(goals_in(written, self.goal, script, reply.sorries))

    async def _with_script(
        self, script: str, seconds: float, prelude: str = ""
    ) -> tuple[Written, CommandReply] | list[str]:
        """The declaration with a script in place of the sorry, and what Lean says of it; or errors that came before."""
        await self.ready()
        sorry = self._sorries[0]
        assert sorry.command is not None
        try:
            written = write_into(self._text, self.goal, script, sorry.command)
            before = sorry.before
            if prelude:
                made = await self._elaborated(prelude, before, seconds)
                if made.errors or made.env is None:
                    return [message.text for message in made.errors]
                before = made.env
            return written, await self._elaborated(written.fragment, before, seconds)
        except PatchError as error:
            return [str(error)]
        except SessionError as error:
            return [f"Lean broke on it: {error.what}"]

    async def _surroundings(self, goal: Goal, text: str, sorries: tuple[Sorry, ...]) -> tuple[str, tuple[Sorry, ...]]:
        """The text that the goal stands in, and its sorries: of the file, or of the file with sketches in it."""
        if goal.within is None:
            return text, sorries
        outer = goal.within.goal
        text, sorries = await self._surroundings(outer, text, sorries)
        sorry = self._sorries_of(outer, sorries)[0]
        assert sorry.command is not None
        try:
            written = write_into(text, outer, goal.within.script, sorry.command)
        except PatchError as error:
            raise RequestRefused(f"The sketch does not fit: {error}", where=goal.declaration) from error
        reply = await self._elaborated(written.fragment, sorry.before, _SKETCH_SECONDS)
        return written.text, tuple(written.in_file(sorry) for sorry in reply.sorries)

    def _sorries_of(self, goal: Goal, sorries: tuple[Sorry, ...]) -> tuple[Sorry, ...]:
        found = tuple(sorry for sorry in sorries if sorry.span == goal.span)
        if not found:
            raise RequestRefused("The goal is not where it was", where=f"{goal.file}, {goal.declaration}")
        return found

    async def _elaborated(self, fragment: str, before: int | None, seconds: float) -> CommandReply:
        limits = Limits(heartbeats=0, milliseconds=int(seconds * 1000))
        request = Command(fragment, env=before, limits=limits)
        asked = ask(self._workspace.session, request, timeout=2 * seconds + _SLACK_SECONDS)
        reply = await self._workspace.same_process(asked)
        self._workspace.note(reply)
        return reply

    async def release(self) -> None:
        """Drop what was made while the goal was open."""
        workspace = self._workspace
        if self._generation == workspace.session.generation and self._generation > 0:
            await workspace.forget_after(env=self._env_mark, proof_state=self._state_mark)

    def _judge(self, reply: CommandReply) -> CheckReply:
        siblings = [other for other in self._siblings if other.before == self._sorries[0].before]
        before, after = len(_written(siblings)), len(_written(reply.sorries))
        # What a macro made before may stay.
        made_before, made_after = _made(siblings), _made(reply.sorries)
        errors = _errors_of(reply)
        if not errors and after >= before:
            errors = ("the proof leaves as many sorries as before",)
        hidden = after == 0 and any(declaration.own_sorry for declaration in reply.declarations)
        if not errors and hidden and not 0 < made_after <= made_before:
            errors = ("the proof leaves a sorry that its text does not show",)
        axioms = sorted({axiom for declaration in reply.declarations for axiom in declaration.axioms})
        return CheckReply(not errors, errors, after, tuple(axioms))

    async def _on_every_state(
        self, tactics: Sequence[str], limits: Limits, stop: bool, budget_seconds: float
    ) -> tuple[TacticReply, ...]:
        replies = await try_tactics(
            self._workspace, tactics, self._sorries[0].proof_state, limits, stop, budget_seconds
        )
        if len(self._sorries) == 1:
            return replies
        return tuple([await self._on_other_states(reply, limits) for reply in replies])

    async def _on_other_states(self, reply: TacticReply, limits: Limits) -> TacticReply:
        if not reply.completed:
            return reply
        for sorry in self._sorries[1:]:
            (other,) = await try_tactics(self._workspace, [reply.tactic], sorry.proof_state, limits, True, 0.0)
            if not other.completed:
                return other
        return reply


def _errors_of(reply: CommandReply) -> tuple[str, ...]:
    errors = tuple(message.text for message in reply.errors)
    return (*errors, "timeout") if reply.interrupted else errors


async def try_tactics(
    workspace: Workspace,
    tactics: Sequence[str],
    state: int,
    limits: Limits,
    stop_on_success: bool,
    budget_seconds: float,
    only: int | None = None,
) -> tuple[TacticReply, ...]:
    """Try tactics on a proof state of a workspace's process, as `OpenGoal.tactics` does.

    Raises:
        SessionError: the session broke.
    """
    budget = int(budget_seconds * 1000)
    request = Tactics(tuple(tactics), state, stop_on_success, budget, limits, only)
    longest = limits.milliseconds / 1000 * 2
    seconds = longest * len(tactics) if limits.milliseconds else 600.0
    if budget_seconds:
        seconds = min(seconds, budget_seconds + longest)
    slack = _NATIVE_SLACK_SECONDS if workspace.session.compiled else _SLACK_SECONDS
    reply = await workspace.same_process(ask(workspace.session, request, timeout=seconds + slack))
    states = [r.proof_state for r in reply.results if r.proof_state is not None]
    workspace.highest_proof_state = max([workspace.highest_proof_state, *states])
    return reply.results


def _written(sorries: Iterable[Sorry]) -> set[SourceSpan]:
    return {sorry.span for sorry in sorries if sorry.syntax != SorryKind.MACRO}


def _made(sorries: Iterable[Sorry]) -> int:
    """How many of them a macro or a default tactic makes."""
    return sum(sorry.syntax == SorryKind.MACRO for sorry in sorries)
