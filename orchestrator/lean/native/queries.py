"""What a REPL is not made to answer: fingerprints, the library's constants, and those that a goal mentions.

For the first two a small Lean program, `Describe.lean`, is elaborated on top and run. It needs
`import Lean`: where a file's imports do not bring that, its texts are elaborated once more in a process of their own
that has it, the program in front of them. A goal's constants are read off the goal, printed in full.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from orchestrator.errors import MalformedReply, RequestRefused
from orchestrator.goals.declaration import Fingerprint
from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.lean.lean_sources import assembled
from orchestrator.lean.native.journal import Journal
from orchestrator.lean.native.repl import Json
from orchestrator.lean.protocol import Describe, DescribeReply, LibraryConstants, PremisesReply
from orchestrator.lean.replies import parse_reply
from orchestrator.source.header import parse_header

_MONAD = "Lean.Elab.Command.CommandElabM"
_DEPENDS = re.compile(r"^'(?P<name>.+?)' depends on axioms: \[(?P<axioms>.*)\]", re.DOTALL)
_MARK = "these goals:"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_UNIVERSES = re.compile(r"\.\{[^}]*\}|(?<![.\w])(?:Type|Sort) (?:\([^)]*\)|[\w.']+)")
_BINDER = re.compile(r"[({⦃\[]((?:[^\W\d][\w!?'✝¹²³⁴⁵⁶⁷⁸⁹⁰.]*\s)+):")
_NAME = re.compile(rf"(?<![\w.✝]){IDENTIFIER}(?!✝|\.[^\W\d])")
_KEYWORDS = frozenset({"fun", "let", "have", "match", "with", "Type", "Sort", "Prop", "if", "then", "else", "case"})
_FREE = re.compile(r"^'(?P<name>.+?)' does not depend on any axioms")


class Questions:
    """Answers `Describe`, `LibraryConstants` and `Mentions` on what a journal holds; errors are the journal's.

    `second` is the journal of a second process, for the headers that do not bring Lean.
    """

    def __init__(self, journal: Journal, second: Journal) -> None:
        self._journal = journal
        self._second = second
        self._has_lean: dict[int, bool] = {}
        self._numbers_there: dict[int, int] = {}
        self._names: dict[int, str] = {}
        # A project must not be able to hide declarations in it.
        self._namespace = f"OrchestratorDescribe{secrets.token_hex(4)}"

    def clear(self) -> None:
        """Forget the environments made so far."""
        self._has_lean.clear()
        self._numbers_there.clear()
        self._names.clear()

    async def describe(self, request: Describe, *, deadline: float) -> DescribeReply:
        """Every declaration that `request.env` has and `request.base` has not."""
        if request.base not in self._names:
            self._names[request.base] = await self._ask(request.base, "names", [], deadline)
        known = json.dumps("\n".join(json.loads(self._names[request.base])), ensure_ascii=False)
        said = await self._ask(request.env, "describe", [known], deadline)
        reply = parse_reply(request, json.loads(said))
        assert isinstance(reply, DescribeReply)
        return await self._below_the_library(request.env, reply, deadline)

    async def premises(self, request: LibraryConstants, *, deadline: float) -> PremisesReply:
        """Constants of an imported module; modules that `import Lean` brings are among them."""
        question = "premisesOf" if isinstance(request.module, str) else "premises"
        arguments = [json.dumps(one, ensure_ascii=False) for one in (request.module, request.first, request.count)]
        said = await self._ask(request.env, question, arguments, deadline)
        reply = parse_reply(request, json.loads(said))
        assert isinstance(reply, PremisesReply)
        return reply

    async def mentions(self, state: int, *, deadline: float) -> tuple[str, ...]:
        """The constants that a state's first goal mentions, in order, with repetition."""
        # A failure is told with the goals; a trace is not told by every REPL.
        reply = await self._journal.step(state, f'set_option pp.all true in fail "{_MARK}"', deadline=deadline)
        printed = str(reply.get("message", "")).partition(f"{_MARK}\n")[2]
        words = constants_printed(printed.partition("\n\n")[0])
        asked = tuple(dict.fromkeys(words))
        known = set(await self.known(asked, self._journal.origin(state), deadline=deadline))
        return tuple(name for name in words if name in known)

    async def known(self, names: Sequence[str], env: int, *, deadline: float) -> tuple[str, ...]:
        """Those of the names that an environment declares."""
        checks = "\n".join(f"#check @{name}" for name in names)
        _, answer = await self._journal.command(checks, env, deadline=deadline)
        unknown = {int(m["pos"]["line"]) for m in answer.get("messages", ()) if m["severity"] == "error"}
        return tuple(name for line, name in enumerate(names, 1) if line not in unknown)

    async def _below_the_library(self, env: int, reply: DescribeReply, deadline: float) -> DescribeReply:
        """The same with the axioms that Lean itself finds, which looks into what is imported."""
        shown = [f for f in reply.declarations if not f.auxiliary and f.kind not in ("constructor", "recursor", "quot")]
        if not shown:
            return reply
        asked = "\n".join(f"#print axioms {fingerprint.user_name}" for fingerprint in shown)
        _, answer = await self._journal.command(asked, env, deadline=deadline)
        axioms = axioms_in(answer, [fingerprint.user_name for fingerprint in shown])
        return DescribeReply(tuple(_with_axioms(f, axioms.get(f.user_name, ())) for f in reply.declarations))

    async def _ask(self, env: int, question: str, arguments: Sequence[str], deadline: float) -> str:
        root = self._journal.chain(env)[0]
        journal = self._journal
        if await self._lean_is_there(root, deadline):
            env, reply = await journal.command(self._program(), env, deadline=deadline)
            _no_errors(reply)
        else:
            journal, env = self._second, await self._with_lean_there(env, deadline)
        words = " ".join((f"`{self._namespace}", *arguments))
        text = f"#eval (do {self._namespace}.{question} (← Lean.getEnv) {words} : {_MONAD} Unit)"
        _, reply = await journal.command(text, env, deadline=deadline)
        _no_errors(reply)
        said = [str(m["data"]) for m in reply.get("messages", ()) if str(m["data"]).startswith(("{", "["))]
        if not said:
            raise MalformedReply("Lean did not say what a file declares", where=str(reply)[:200])
        return said[0]

    async def _lean_is_there(self, root: int, deadline: float) -> bool:
        if root not in self._has_lean:
            _, reply = await self._journal.command(f"#check {_MONAD}", root, deadline=deadline)
            self._has_lean[root] = not any(m["severity"] == "error" for m in reply.get("messages", ()))
        return self._has_lean[root]

    async def _with_lean_there(self, env: int, deadline: float) -> int:
        root, *rest = self._journal.chain(env)
        if root not in self._numbers_there:
            start, _ = await self._second.command(_with_lean(self._journal.text(root)), None, deadline=deadline)
            self._numbers_there[root], reply = await self._second.command(self._program(), start, deadline=deadline)
            _no_errors(reply)
        current = self._numbers_there[root]
        for number in rest:
            if number not in self._numbers_there:
                text = self._journal.text(number)
                self._numbers_there[number], _ = await self._second.command(text, current, deadline=deadline)
            current = self._numbers_there[number]
        return current

    def _program(self) -> str:
        return f"namespace {self._namespace}\n{_program_text()}\nend {self._namespace}\n"


def _with_lean(header: str) -> str:
    """A header that imports what it did, and Lean."""
    if not parse_header(header).is_module:
        return f"import Lean\n{header}"
    return re.sub(r"\bmodule\b", "module\nimport Lean\nmeta import Lean\n", header, count=1)


def constants_printed(goal: str) -> tuple[str, ...]:
    """Names in a goal as `pp.all` prints it, but for its hypotheses, bound variables and universes. Some are none."""
    text = _UNIVERSES.sub("", _STRING.sub(" ", goal))
    bound: set[str] = set()
    found: list[str] = []
    for line in text.split("\n"):
        head, colon, rest = line.partition(" : ")
        if colon and not line.startswith((" ", "⊢")) and "⊢" not in head:
            bound.update(head.split())
            line = rest
        bound.update(name for names in _BINDER.findall(line) for name in names.split())
        found += _NAME.findall(line)
    return tuple(name for name in found if name not in bound and name not in _KEYWORDS)


def axioms_in(reply: Json, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What `#print axioms` said of each of `names`, one command a line in their order; those it took are listed."""
    found: dict[str, tuple[str, ...]] = {}
    for message in reply.get("messages", ()):
        text, line = str(message["data"]), int(message["pos"]["line"])
        match = _DEPENDS.match(text) or _FREE.match(text)
        if match is None or line > len(names):
            continue
        listed = match.groupdict().get("axioms") or ""
        found[names[line - 1]] = tuple(sorted(filter(None, (axiom.strip() for axiom in listed.split(",")))))
    return found


def _with_axioms(fingerprint: Fingerprint, axioms: Sequence[str]) -> Fingerprint:
    together = tuple(dict.fromkeys((*fingerprint.axioms, *axioms)))
    return replace(fingerprint, axioms=together, has_sorry="sorryAx" in together)


def _no_errors(reply: Json) -> None:
    for message in reply.get("messages", ()):
        if message["severity"] == "error":
            raise RequestRefused(f"Lean did not take our describing program: {str(message['data'])[:300]}")


@cache
def _program_text() -> str:
    return "open Lean\n" + assembled(Path(__file__).with_name("Describe.lean"))
