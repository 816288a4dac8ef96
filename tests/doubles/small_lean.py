"""A script for `ScriptedSession` that keeps books as Lean does: environments, proof states, what each of them holds.

In a text, `sorry` stands for itself (with two states behind `<;>`), `broken` an error, `uncompilable` an error that
goes away as noncomputable, `slow` is interrupted, `crash` ends the process, `hidden` leaves a sorry nobody sees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.errors import RequestRefused, SessionDied
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.goal import Position, SourceSpan
from orchestrator.lean.protocol import (
    Command,
    CommandReply,
    Declaration,
    Describe,
    DescribeReply,
    File,
    Forget,
    ForgetReply,
    KnownNames,
    KnownNamesReply,
    Message,
    Reply,
    Request,
    Severity,
    Sorry,
    TacticReply,
    Tactics,
    TacticsReply,
)
from orchestrator.lean.testing import Answer, ScriptedSession
from orchestrator.source.header import parse_header
from orchestrator.source.lexer import LineIndex
from orchestrator.source.project import Project, SourceModule

CLOSES = frozenset({"closes"})


def project(**texts: str) -> Project:
    """A project of modules in build order; `import` lines in the texts count."""
    modules = [SourceModule(name, f"{name}.lean", text, parse_header(text).imports) for name, text in texts.items()]
    return Project("small", "/nowhere", modules=tuple(modules))


@dataclass
class SmallLean:
    """One pretended process after the other.

    Attributes:
        closes: per number of the state in its place (0 for the first), the tactics that close it.
        environments: what each environment of the present process holds.
        states: what each proof state of the present process is: its number in its place.
        forgotten: ids that were dropped, environments and states.
        ends_before: the process ends unnoticed, once, right before a request that has this in it.
    """

    closes: Mapping[int, frozenset[str]] = field(default_factory=lambda: {0: CLOSES, 1: CLOSES})
    environments: list[tuple[str, ...]] = field(default_factory=lambda: [()])
    states: list[int] = field(default_factory=list)
    forgotten: list[tuple[tuple[int, ...], int | None]] = field(default_factory=list)
    ends_before: str = ""
    session: ScriptedSession = field(init=False)

    def __post_init__(self) -> None:
        self.session = ScriptedSession(self.answer)

    def end(self) -> None:
        """The process ends between two requests."""
        self._start_again()
        self.session.lose()

    def files(self) -> list[tuple[str, tuple[str, ...], bool]]:
        """Every file that was elaborated: its module, what was held before it, and whether as noncomputable."""
        return [
            (request.module, self._held[index], request.noncomputable)
            for index, request in enumerate(self.session.asked)
            if isinstance(request, File)
        ]

    _held: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def answer(self, request: Request) -> Answer:
        """What Lean would say."""
        if self.ends_before and self.ends_before in str(request):
            self.ends_before = ""
            self.end()
        if "crash" in str(request):
            self._start_again()
            return SessionDied("The Lean process ended")
        try:
            return self._answer(request)
        except IndexError:
            return RequestRefused("Lean refused a request: Unknown environment.")

    def _start_again(self) -> None:
        self.environments = [()]
        self.states = []

    def _answer(self, request: Request) -> Reply:
        if isinstance(request, Command):
            held = () if request.env is None else self.environments[request.env]
            return self._commands(request.cmd, held, request.cmd, request.env)
        if isinstance(request, File):
            held = self.environments[request.env]
            self._held[len(self.session.asked) - 1] = held
            text = request.text.replace("uncompilable", "") if request.noncomputable else request.text
            return self._commands(text, held, request.module, request.env)
        if isinstance(request, Tactics):
            return self._tactics(request)
        if isinstance(request, Describe):
            new = self.environments[request.env][len(self.environments[request.base]) :]
            return DescribeReply(tuple(fingerprint(name) for name in new))
        if isinstance(request, KnownNames):
            return KnownNamesReply(tuple(name for name in request.names if "broken" not in name))
        assert isinstance(request, Forget)
        self.forgotten.append((request.envs, request.proof_states_from))
        return ForgetReply(ok=True)

    def _commands(self, text: str, held: tuple[str, ...], name: str, base: int | None) -> CommandReply:
        lines = LineIndex(text)
        before = len(self.environments)
        sorries = []
        for match in re.finditer(r"(<;> )?\bsorry\b", text):
            span = lines.span(match.end() - len("sorry"), match.end())
            for number in range(2 if match[1] else 1):
                self.states.append(number)
                width = len(text.split("\n")[span.start.line - 1])
                whole = SourceSpan(Position(span.start.line, 0), Position(span.start.line, width))
                sorries.append(Sorry(f"⊢ {number}", span, len(self.states) - 1, command=whole, before=before))
        if sorries:
            self.environments.append(held)
        self.environments.append((*held, name))
        words = re.findall("broken|uncompilable", text)
        declaration = Declaration(name, "theorem", ("propext",), "hidden" in text, "hidden" in text)
        return CommandReply(
            env=None if "nothing" in text else len(self.environments) - 1,
            messages=tuple(Message(Severity.ERROR, _ERRORS[word], Position(2, 3)) for word in words),
            sorries=tuple(sorries),
            declarations=(declaration,),
            interrupted="slow" in text,
        )

    def _tactics(self, request: Tactics) -> TacticsReply:
        if request.proof_state >= len(self.states):
            raise RequestRefused("Lean refused a request: Unknown proof state.")
        number = self.states[request.proof_state]
        results: list[TacticReply] = []
        for tactic in request.tactics:
            if request.budget_milliseconds and len(results) * 10 >= request.budget_milliseconds:
                break
            completed = tactic in self.closes[number]
            self.states.append(number)
            state = len(self.states) - 1
            results.append(TacticReply(tactic, completed, proof_state=state, status=str(number), milliseconds=10))
            if completed and request.stop_on_success:
                break
        return TacticsReply(tuple(results))


_ERRORS = {"broken": "this is broken", "uncompilable": "failed to compile definition, compiler IR check failed"}


def fingerprint(name: str) -> Fingerprint:
    """A theorem's fingerprint."""
    return Fingerprint(name, "theorem", (), "= 0", "", (), has_sorry=False, user_name=name)
