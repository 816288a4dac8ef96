"""Typed messages of the community REPL's JSON protocol, with the embedded server's extensions.

Requests are written with `to_json`, replies read with `orchestrator.lean.replies.parse_reply`: a field has its name in
camel case there, or its alias. Lines count from 1, columns from 0 (code points); the limits `maxHeartbeats` (unit:
Lean's own option) and `timeoutMs` are per tactic. One file, long as it is: a request, its reply and the table of both
belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from orchestrator.goals.declaration import Fingerprint, is_generated
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.goals.terms import GoalTerms

Json = dict[str, Any]
Number = Annotated[int, Strict()]
"""Of an environment or a proof state."""
ReplyT_co = TypeVar("ReplyT_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one tactic, or one command, may spend. 0 means no limit of that kind."""

    heartbeats: int = 200_000
    milliseconds: int = 5_000

    def to_json(self) -> Json:
        """The two fields of a request."""
        return {"maxHeartbeats": self.heartbeats, "timeoutMs": self.milliseconds}


class Asking(Generic[ReplyT_co]):
    """A request that is answered with a certain kind of reply."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Command(Asking["CommandReply"]):
    """Elaborate commands on an environment; `env=None` starts from the text's own header."""

    cmd: str
    env: int | None = None
    limits: Limits = Limits(milliseconds=60_000)

    def to_json(self) -> Json:
        return {"cmd": self.cmd, **({} if self.env is None else {"env": self.env}), **self.limits.to_json()}


@dataclass(frozen=True, slots=True)
class File(Asking["CommandReply"]):
    """Elaborate a file's body on an environment that already holds what it imports; its scopes end with it.

    `options` hold in the file alone, by name, with values as Lean writes them; those that Lean does not know are
    ignored.
    """

    text: str
    module: str
    env: int
    noncomputable: bool = False
    limits: Limits = Limits(milliseconds=300_000)
    options: tuple[tuple[str, str], ...] = ()
    examples: bool = False
    """Whether each `example` leaves a definition behind, so that it can be judged."""

    @property
    def settings(self) -> tuple[str, ...]:
        """The commands that set the options."""
        return tuple(f"set_option {name} {value}" for name, value in self.options)

    def to_json(self) -> Json:
        settings = {"settings": list(self.settings)} if self.options else {}
        request = {"file": self.text, "module": self.module, "env": self.env, "noncomputable": self.noncomputable}
        examples = {"examples": True} if self.examples else {}
        return {**request, **settings, **examples, **self.limits.to_json()}


@dataclass(frozen=True, slots=True)
class Tactics(Asking["TacticsReply"]):
    """Try each tactic on the same proof state; stop at the first that closes it if asked to.

    No tactic is started after `budget_milliseconds` (0: no such limit); the reply is then shorter than the batch. With
    `goal`, the tactics see that goal of the state alone (counted from 0), and closing it is all that "completed" says.
    """

    tactics: tuple[str, ...]
    proof_state: int
    stop_on_success: bool = True
    budget_milliseconds: int = 0
    limits: Limits = Limits()
    goal: int | None = None

    def to_json(self) -> Json:
        return {
            **({} if self.goal is None else {"goal": self.goal}),
            "tactics": list(self.tactics),
            "proofState": self.proof_state,
            "stopOnSuccess": self.stop_on_success,
            "budgetMs": self.budget_milliseconds,
            **self.limits.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Describe(Asking["DescribeReply"]):
    """Ask for fingerprints of every declaration that environment `env` has and `base` has not."""

    env: int
    base: int
    limits: Limits = Limits(heartbeats=0, milliseconds=120_000)

    def to_json(self) -> Json:
        return {"describe": self.env, "base": self.base, **self.limits.to_json()}


@dataclass(frozen=True, slots=True)
class Forget(Asking["ForgetReply"]):
    """Drop environments and proof states that are not needed any more, so that memory stays flat."""

    envs: tuple[int, ...] = ()
    proof_states_from: int | None = None

    def to_json(self) -> Json:
        states = {} if self.proof_states_from is None else {"proofStatesFrom": self.proof_states_from}
        return {"forget": {"envs": list(self.envs), **states}}


@dataclass(frozen=True, slots=True)
class Mentions(Asking["MentionsReply"]):
    """Ask which constants the first goal of a proof state mentions, in its statement and its hypotheses."""

    proof_state: int
    limits: Limits = Limits()

    def to_json(self) -> Json:
        return {"mentions": True, "proofState": self.proof_state, **self.limits.to_json()}


@dataclass(frozen=True, slots=True)
class LibraryConstants(Asking["PremisesReply"]):
    """Ask for constants of an imported module, with their statements.

    `module` counts the imported modules of environment `env` from 0, or names one where own modules are imported;
    `first` and `count` count the constants in it.
    """

    env: int
    module: int | str
    first: int = 0
    count: int = 1000
    limits: Limits = Limits(milliseconds=60_000)

    def to_json(self) -> Json:
        where = {"premises": self.env, "module": self.module, "first": self.first, "count": self.count}
        return {**where, **self.limits.to_json()}


@dataclass(frozen=True, slots=True)
class CompareFile(Asking["ComparisonReply"]):
    """Elaborate the original of a file, as `File` does, and parse the patched one beside it, which is never run."""

    original: File
    patched: str

    def to_json(self) -> Json:
        request = self.original.to_json()
        return {"compare": request.pop("file"), "patched": self.patched, **request}


@dataclass(frozen=True, slots=True)
class ExportConstants(Asking["ExportReply"]):
    """Ask for every constant that environment `env` has and `base` has not, as data.

    With `whole`, what they rest on in the libraries comes with them, so that a checker outside can read it.
    """

    env: int
    base: int
    whole: bool = False
    limits: Limits = Limits(heartbeats=0, milliseconds=120_000)

    def to_json(self) -> Json:
        return {"export": self.env, "base": self.base, "whole": self.whole, **self.limits.to_json()}


@dataclass(frozen=True, slots=True)
class JudgeConstants(Asking["JudgedReply"]):
    """Take an export through the kernel, on environment `env`. Nothing is elaborated."""

    export: tuple[Json, ...]
    env: int
    limits: Limits = Limits(heartbeats=0, milliseconds=120_000)

    def to_json(self) -> Json:
        return {"judge": list(self.export), "env": self.env, **self.limits.to_json()}


@dataclass(frozen=True, slots=True)
class KnownNames(Asking["KnownNamesReply"]):
    """Ask which of some names environment `env` declares."""

    names: tuple[str, ...]
    env: int

    def to_json(self) -> Json:
        return {"names": list(self.names), "env": self.env}


@dataclass(frozen=True, slots=True)
class CompiledFacts(Asking["CompiledFactsReply"]):
    """Ask what is compiled under some names in environment `env`: their kinds, axioms and sorries, not their terms."""

    names: tuple[str, ...]
    env: int

    def to_json(self) -> Json:
        return {"facts": list(self.names), "env": self.env}


Request = (
    Command
    | File
    | Tactics
    | Describe
    | Forget
    | Mentions
    | LibraryConstants
    | CompareFile
    | ExportConstants
    | JudgeConstants
    | KnownNames
    | CompiledFacts
)


class Severity(StrEnum):
    """Lean's three kinds of message; some versions have a fourth, which informs, too."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @classmethod
    def _missing_(cls, value: object) -> Severity | None:
        return cls.INFO if value in ("trace", "information") else None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of Lean."""

    severity: Severity
    text: Annotated[str, Field(alias="data")]
    start: Annotated[Position, Field(alias="pos")]
    end: Annotated[Position | None, Field(alias="endPos")] = None


def errors_in(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Messages of severity error."""
    return tuple(message for message in messages if message.severity is Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Sorry:
    """A sorry that Lean elaborated, with the proof state in front of it.

    `before` is the environment in front of the command, for elaborating that command again; `command` its span.
    `syntax` is the kind of syntax found: "tactic", "term", "admit", "stop", "sorryAx", or "macro" for one that is not
    written where it takes effect. `goals` is the number of goals in the state (more than one after `stop`); `terms`
    says each of them as elaborated, where a file was read by a server that can.
    """

    goal: str
    span: SourceSpan
    proof_state: Number
    command: SourceSpan | None = None
    before: Number | None = None
    syntax: str = "tactic"
    is_prop: bool = True
    declaration: str = ""
    namespace: str = ""
    opens: tuple[str, ...] = ()
    goals: int = 1
    terms: tuple[GoalTerms, ...] = ()


def _with_spans(value: object) -> object:
    """A sorry on the wire has the two ends of each span side by side."""
    if not isinstance(value, dict):
        return value
    command = {"start": value.get("commandPos"), "end": value.get("commandEndPos")}
    span = {"start": value.get("pos"), "end": value.get("endPos")}
    return {**value, "span": span, "command": None if None in command.values() else command}


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declaration made by commands: its axioms are those of everything below it outside the imported library.

    `has_sorry` looks all the way down; `own_sorry` only at what these commands made.
    """

    name: str
    kind: str
    axioms: tuple[str, ...] = ()
    has_sorry: bool = False
    own_sorry: bool = False


@dataclass(frozen=True, slots=True)
class CommandReply:
    """What commands did. `env` is None when even the header failed; `commands` are their syntax kinds, in order."""

    env: Number | None = None
    messages: tuple[Message, ...] = ()
    sorries: tuple[Annotated[Sorry, BeforeValidator(_with_spans)], ...] = ()
    declarations: tuple[Declaration, ...] = ()
    commands: tuple[str, ...] = ()
    interrupted: bool = False
    milliseconds: int = 0

    @property
    def errors(self) -> tuple[Message, ...]:
        """Messages of severity error."""
        return errors_in(self.messages)


@dataclass(frozen=True, slots=True)
class TacticReply:
    """What one tactic did: a failing tactic is a value, with Lean's words in `error`."""

    tactic: str
    completed: bool = False
    goals: tuple[str, ...] = ()
    proof_state: Number | None = None
    status: Annotated[str, Field(alias="proofStatus")] = ""
    error: Annotated[str, Field(alias="message")] = ""
    messages: tuple[Message, ...] = ()
    axioms: tuple[str, ...] = ()
    milliseconds: int = 0
    heartbeats: int = 0

    @property
    def failed(self) -> bool:
        """The tactic did not apply."""
        return bool(self.error)


def _judged(reply: TacticReply) -> TacticReply:
    # An unknown lemma in `simp [..]` is logged as an error, and the goal closed without it.
    return replace(reply, completed=reply.status == "Completed" and not errors_in(reply.messages))


@dataclass(frozen=True, slots=True)
class TacticsReply:
    """The replies to a batch, in its order; shorter than the batch when it stopped early."""

    results: tuple[Annotated[TacticReply, AfterValidator(_judged)], ...]


def _settled(declarations: tuple[Fingerprint, ...]) -> tuple[Fingerprint, ...]:
    """With sorted uses, and as auxiliary only what Lean makes: a user's own `_x` looks like it."""
    kinds = {one.name: one.kind for one in declarations}
    return tuple(
        replace(one, uses=tuple(sorted(set(one.uses))), auxiliary=one.auxiliary and is_generated(one.name, kinds))
        for one in declarations
    )


@dataclass(frozen=True, slots=True)
class DescribeReply:
    """Fingerprints of declarations."""

    declarations: Annotated[tuple[Fingerprint, ...], AfterValidator(_settled)]


@dataclass(frozen=True, slots=True)
class ForgetReply:
    """Nothing to say: it is done."""

    ok: Annotated[bool, Strict()]


@dataclass(frozen=True, slots=True)
class CheckReply:
    """What Lean says of a declaration with a proof in place of one of its sorries.

    `accepted`: no error, one sorry fewer, and no sorry that the text does not show.
    """

    accepted: bool
    errors: tuple[str, ...] = ()
    other_sorries: int = 0
    axioms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MentionsReply:
    """Full names of constants, in order of occurrence, with repetition."""

    names: Annotated[tuple[str, ...], Field(alias="mentions")]


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of the library: full name, kind, statement on one line, and the constants in the statement."""

    name: str
    kind: str
    type: str
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PremisesReply:
    """Constants of one module, the elaborator's own left out.

    `modules` is how many modules are imported, `constants` how many constants this one has; `module` is "" behind the
    last one.
    """

    module: str
    modules: int
    constants: int
    premises: tuple[Constant, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class SplitReply:
    """What Lean says of a declaration with a sketch in place of one of its sorries.

    `goals`: the sketch's own sorries, in their order; empty when there are errors.
    """

    goals: tuple[Goal, ...] = ()
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandPair:
    """A command of the original and the one in its place in the patch, as syntax trees; they differ.

    Attributes:
        original: None for a command that stands in the patch alone.
        patched: None where the patch ends too soon.
        original_start: where it begins in the original, as `start` in the patched file.
        made: exact names of all constants that the original command makes.
        declared: the name that the patched command declares, "" when it declares none.
    """

    original: Any
    patched: Any
    start: Annotated[Position | None, Field(alias="pos")]
    made: tuple[str, ...]
    declared: str
    original_start: Annotated[Position | None, Field(alias="originalPos")] = None


@dataclass(frozen=True, slots=True)
class ComparisonReply:
    """The commands that differ, in order. `messages` are of parsing the patch, `original` of elaborating the original,
    which is in environment `env`."""

    env: Number
    pairs: tuple[CommandPair, ...]
    messages: tuple[Message, ...]
    original: tuple[Message, ...]
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Attributed:
    """A constant, by its exact name, and the attributes of it that change what others see."""

    name: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """An environment extension, by its name, and a number of entries."""

    name: str
    entries: int


@dataclass(frozen=True, slots=True)
class ExportReply:
    """What a file makes, as the process that elaborated it says.

    Attributes:
        constants: lines in the format of lean4export, without the library's constants unless they were asked for.
        attributes: of the constants that have any.
        entries: how many each environment extension would write to the compiled file.
    """

    constants: tuple[str, ...]
    attributes: tuple[Attributed, ...] = ()
    entries: tuple[Entries, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A constant that the kernel does not accept, or a line that says nothing, and why."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class JudgedReply:
    """What the kernel accepted, which is in environment `env`, and what it refused.

    `below` are imported constants that it rests on and that have a sorry of their own; the embedded Lean sees none.
    """

    env: Number
    declarations: Annotated[tuple[Fingerprint, ...], AfterValidator(_settled)]
    below: Annotated[tuple[Fingerprint, ...], AfterValidator(_settled)] = ()
    refused: tuple[Refused, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class KnownNamesReply:
    """Those of the names that are declared."""

    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledFactsReply:
    """Those of the names that are declared; `below` are constants with a sorry that they rest on."""

    declarations: Annotated[tuple[Fingerprint, ...], AfterValidator(_settled)]
    below: Annotated[tuple[Fingerprint, ...], AfterValidator(_settled)]


Reply = (
    CommandReply
    | TacticsReply
    | DescribeReply
    | ForgetReply
    | MentionsReply
    | PremisesReply
    | ComparisonReply
    | ExportReply
    | JudgedReply
    | KnownNamesReply
    | CompiledFactsReply
)
REPLIES: Mapping[type, type[Reply]] = {
    Command: CommandReply,
    File: CommandReply,
    Tactics: TacticsReply,
    Describe: DescribeReply,
    Forget: ForgetReply,
    Mentions: MentionsReply,
    LibraryConstants: PremisesReply,
    CompareFile: ComparisonReply,
    ExportConstants: ExportReply,
    JudgeConstants: JudgedReply,
    KnownNames: KnownNamesReply,
    CompiledFacts: CompiledFactsReply,
}
"""The kind of reply to each kind of request."""
