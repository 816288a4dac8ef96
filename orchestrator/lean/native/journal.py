"""How every environment and proof state was made, so that a new REPL process can make it again.

The numbers given out here are ours and outlive a process: a tactic that ran out of time costs the process, not the
states that others still hold. What is asked for next is replayed, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import MalformedReply, RequestRefused, SessionTimeout
from orchestrator.lean.native.repl import Json, Repl
from orchestrator.lean.native.spare import Spare


@dataclass(frozen=True, slots=True)
class _Environment:
    """Made by `text` on `parent`, None for a text with a header of its own."""

    text: str
    parent: int | None
    tactics: bool


@dataclass(frozen=True, slots=True)
class _FromCommand:
    """The state at `index` of the list `field` in the reply that made `environment`."""

    environment: int
    field: str
    index: int


@dataclass(frozen=True, slots=True)
class _FromTactic:
    """The state behind `tactic` on another one."""

    state: int
    tactic: str


class Journal:
    """Environments and proof states of one session, on whichever process runs.

    A number that is not known, and what Lean refuses, raise `RequestRefused`; a process that breaks, `SessionError`.

    Once a process was lost, a spare one imports the same header, where `has_room`: what broke one will break more.
    """

    def __init__(self, start: Callable[[], Awaitable[Repl]], has_room: Callable[[], bool] = lambda: False) -> None:
        self._start = start
        self._spare = Spare(start, has_room)
        self._repl: Repl | None = None
        self._environments: dict[int, _Environment] = {}
        self._states: dict[int, _FromCommand | _FromTactic] = {}
        self._forgotten: set[int] = set()
        self._kept: set[int] = set()
        self._here: dict[int, int] = {}
        self._states_here: dict[int, int] = {}
        self._next_environment = 0
        self._next_state = 0

    @property
    def pid(self) -> int | None:
        """Process id of the REPL, None when none runs."""
        return self._repl.pid if self._repl is not None and self._repl.alive else None

    @property
    def private_megabytes(self) -> float:
        """Memory that the REPL shares with no other process, MB; 0 when none runs."""
        return self._repl.private_megabytes() if self._repl is not None else 0.0

    async def command(
        self, text: str, parent: int | None, *, deadline: float, tactics: bool = False, keep: bool = False
    ) -> tuple[int, Json]:
        """Elaborate `text`; the new environment, and the reply with proof states in our numbers.

        `deadline` is a moment of the running loop's clock; what is to be kept is not forgotten by its number.
        """
        here = None if parent is None else await self._environment(parent, deadline)
        made = _Environment(text, parent, tactics)
        number = self._next_environment
        reply = await self._elaborate(made, here, deadline)
        self._next_environment += 1
        self._environments[number] = made
        self._here[number] = int(reply["env"])
        if keep:
            self._kept.add(number)
        return number, {**reply, "env": number, **self._own_states(number, reply)}

    async def step(self, state: int, tactic: str, *, deadline: float) -> Json:
        """Run a tactic on a proof state; the reply with our number of the new state, or `{"message"}`."""
        reply = await self._step(await self._state(state, deadline), tactic, deadline)
        if "proofState" in reply:
            number = self._next_state
            self._next_state += 1
            self._states[number] = _FromTactic(state, tactic)
            self._states_here[number] = int(reply["proofState"])
            reply = {**reply, "proofState": number}
        return reply

    async def ready(self, state: int, *, deadline: float) -> None:
        """Make sure that the process has a proof state."""
        await self._state(state, deadline)

    def chain(self, environment: int) -> tuple[int, ...]:
        """Environments from the first one up to `environment`, itself included."""
        self._known(environment)
        return (*self._ancestors(environment), environment)

    def origin(self, state: int) -> int:
        """The environment that a proof state began in."""
        while state in self._states:
            made = self._states[state]
            if isinstance(made, _FromCommand):
                return made.environment
            state = made.state
        raise RequestRefused("Lean refused a request: Unknown proof state.", where=str(state))

    def text(self, environment: int) -> str:
        """What made an environment."""
        return self._environments[environment].text

    def forget(self, environments: tuple[int, ...], states_from: int | None) -> None:
        """Give numbers up. The REPL keeps what it has; its next process will not have it."""
        self._forgotten |= (set(environments) & set(self._environments)) - self._kept
        if states_from is not None:
            for number in [n for n in self._states if n >= states_from]:
                del self._states[number]
                self._states_here.pop(number, None)
        needed = {state.environment for state in self._states.values() if isinstance(state, _FromCommand)}
        needed |= set(self._environments) - self._forgotten
        for number in list(needed):
            needed.update(self._ancestors(number))
        for number in set(self._environments) - needed:
            del self._environments[number]
            self._here.pop(number, None)
            self._forgotten.discard(number)

    def clear(self) -> None:
        """Forget everything; numbers are not given out twice."""
        self._environments.clear()
        self._states.clear()
        self._forgotten.clear()
        self._kept.clear()
        self._here.clear()
        self._states_here.clear()

    async def drop_process(self) -> None:
        """End the process. What was made is made again when it is asked for."""
        repl, self._repl = self._repl, None
        self._here.clear()
        self._states_here.clear()
        if repl is not None:
            await repl.kill()

    async def end(self) -> None:
        """End every process, the spare one too."""
        await self.drop_process()
        await self._spare.drop()

    def _own_states(self, environment: int, reply: Json) -> Json:
        renumbered: Json = {}
        for field in ("sorries", "tactics"):
            entries: list[Any] = []
            for index, entry in enumerate(reply.get(field, ())):
                if entry.get("proofState") is None:
                    entries.append(entry)
                    continue
                number = self._next_state
                self._next_state += 1
                self._states[number] = _FromCommand(environment, field, index)
                self._states_here[number] = int(entry["proofState"])
                entries.append({**entry, "proofState": number})
            renumbered[field] = entries
        return renumbered

    async def _environment(self, number: int, deadline: float) -> int:
        self._known(number)
        await self._make(number, deadline)
        return self._here[number]

    async def _make(self, number: int, deadline: float) -> None:
        for ancestor in (*self._ancestors(number), number):
            if ancestor not in self._here:
                await self._again(ancestor, deadline)

    async def _again(self, number: int, deadline: float) -> None:
        made = self._environments[number]
        if made.parent is None:
            reply = await self._import_again(made, deadline)
        else:
            reply = await self._elaborate(made, self._here[made.parent], deadline)
        self._here[number] = int(reply["env"])
        for state, origin in self._states.items():
            if isinstance(origin, _FromCommand) and origin.environment == number:
                entries = reply.get(origin.field, ())
                if origin.index >= len(entries):
                    raise MalformedReply("Lean elaborated the same text differently", where=made.text[:120])
                self._states_here[state] = int(entries[origin.index]["proofState"])

    async def _import_again(self, made: _Environment, deadline: float) -> Json:
        spare = await self._spare.take(made.text, deadline=deadline) if self._repl is None else None
        if spare is not None:
            self._repl, reply = spare
        else:
            reply = await self._elaborate(made, None, deadline)
        self._spare.prepare(made.text)
        return reply

    async def _state(self, number: int, deadline: float) -> int:
        if number not in self._states:
            raise RequestRefused("Lean refused a request: Unknown proof state.", where=str(number))
        if number not in self._states_here:
            origin = self._states[number]
            if isinstance(origin, _FromCommand):
                await self._make(origin.environment, deadline)
            else:
                reply = await self._step(await self._state(origin.state, deadline), origin.tactic, deadline)
                if "proofState" not in reply:
                    raise MalformedReply("Lean took the same tactic differently", where=origin.tactic[:120])
                self._states_here[number] = int(reply["proofState"])
        return self._states_here[number]

    async def _elaborate(self, made: _Environment, here: int | None, deadline: float) -> Json:
        request: Json = {"cmd": made.text}
        if here is not None:
            request["env"] = here
        if made.tactics:
            request["allTactics"] = True
        reply = await self._ask(request, deadline)
        if reply.get("env") is None:
            raise RequestRefused(f"Lean refused a request: {reply.get('message', 'no environment')}", where="Command")
        return reply

    async def _step(self, here: int, tactic: str, deadline: float) -> Json:
        return await self._ask({"proofState": here, "tactic": tactic}, deadline)

    async def _ask(self, request: Json, deadline: float) -> Json:
        loop = asyncio.get_running_loop()
        if self._repl is not None and not self._repl.alive:
            await self.drop_process()
        if self._repl is None:
            self._repl = await self._start()
        left = deadline - loop.time()
        if left <= 0:
            raise SessionTimeout("Lean had no time left to answer in")
        return await self._repl.request(request, timeout=left)

    def _known(self, number: int) -> None:
        if number not in self._environments or number in self._forgotten:
            raise RequestRefused("Lean refused a request: Unknown environment.", where=str(number))

    def _ancestors(self, number: int) -> list[int]:
        found: list[int] = []
        parent = self._environments[number].parent
        while parent is not None:
            found.append(parent)
            parent = self._environments[parent].parent
        return found[::-1]
