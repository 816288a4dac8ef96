"""Reads leanblueprint TeX, following its inputs, into a `Blueprint`. Pure: files come through a `Read` function.

What counts is what leanblueprint itself takes from the source: a macro belongs to the environment directly around it
(in braces to none), of several `\\lean` the last is read, a proof belongs to the closest statement before it among its
siblings (a new section starts over) or to the one in `\\proves`, and the last proof of a statement is the one that is
read. Bodies of definitions are never executed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.blueprint.nodes import Blueprint, BlueprintProblem, ProblemKind, Span, line_of
from orchestrator.blueprint.tex.conditionals import Conditionals
from orchestrator.blueprint.tex.definitions import DEFAULT_THEOREMS, Definitions
from orchestrator.blueprint.tex.inputs import candidates, is_generated, is_inside, may_hold_nodes
from orchestrator.blueprint.tex.pairing import Draft, pair
from orchestrator.blueprint.tex.scanner import Scanner, TexCommand, items

Read = Callable[[str], str | None]
"""Gives the text of a file by its path in the repository; None when there is no such file."""

_SECTIONS = frozenset({"part", "chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph"})
_OPEN_GROUP, _CLOSE_GROUP = frozenset({"{", "bgroup", "begingroup"}), frozenset({"}", "egroup", "endgroup"})


def parse(read: Read, root: str, *, theorems: Iterable[str] = DEFAULT_THEOREMS) -> Blueprint:
    """The blueprint that begins with file `root`.

    Args:
        root: path in the repository, such as `blueprint/src/web.tex`.
        theorems: theorem types in the dependency graph when no `\\usepackage[thms=...]{blueprint}` names others.
    """
    return _Parser(read, root, theorems).run()


@dataclass
class _Frame:
    """An open environment, or a group, whose name is "{".

    `part` is there when it is a statement or a proof, `last` is the last statement directly in it.
    """

    name: str
    part: Draft | None = None
    last: Draft | None = None


class _Parser:
    def __init__(self, read: Read, root: str, theorems: Iterable[str]) -> None:
        self._read = read
        self._root = root
        self._folder = posixpath.dirname(root)
        self._definitions = Definitions(theorems)
        self._conditionals = Conditionals(plastex=not root.endswith("print.tex"))
        self._frames = [_Frame("")]
        self._open_files: list[str] = []
        self._files: dict[str, str] = {}
        self._statements: list[Draft] = []
        self._proofs: list[Draft] = []
        self._labels: dict[str, str] = {}
        self._declarations: list[str] = []
        self._uses = 0
        self._problems: list[BlueprintProblem] = []
        self._complete = True
        self._ended = False
        self._scanner = Scanner("")
        self._with_argument: dict[str, Callable[[TexCommand, str], None]] = {
            "begin": self._begin,
            "end": self._end,
            "label": self._label,
            **dict.fromkeys(("lean", "uses", "proves", "discussion"), self._macro),
            **dict.fromkeys(("input", "include", "subfile", "InputIfFileExists"), self._input),
            **dict.fromkeys(("inputleannode", "inputleanmodule"), self._lean_input),
        }
        self._others: dict[str, Callable[[TexCommand], None]] = {
            **dict.fromkeys(("leanok", "mathlibok", "notready"), self._flag),
            **dict.fromkeys(("import", "subimport"), self._import),
            **dict.fromkeys(("usepackage", "RequirePackage"), self._package),
        }

    def run(self) -> Blueprint:
        text = self._read(self._root)
        if text is None:
            problem = BlueprintProblem(ProblemKind.MISSING_FILE, f"no file {self._root}")
            return Blueprint(problems=(problem,), complete=False)
        self._file(self._root, text)
        for frame in self._frames[1:]:
            if frame.part:
                self._report_draft(ProblemKind.UNCLOSED, f"\\begin{{{frame.name}}} is never closed", frame.part)
        nodes, complaints = pair(
            self._statements, self._proofs, labels=self._labels, in_graph=self._definitions.in_graph
        )
        for complaint in complaints:
            # A label that is nowhere may well be in a part that could not be read.
            if complaint.kind is ProblemKind.UNKNOWN_LABEL and not self._complete:
                continue
            self._report_draft(complaint.kind, complaint.message, complaint.draft)
        return Blueprint(
            nodes=nodes,
            files=self._files,
            problems=tuple(self._problems),
            root=self._root,
            declarations=tuple(self._declarations),
            uses=self._uses,
            complete=self._complete,
        )

    def _file(self, path: str, text: str) -> None:
        outer, self._scanner = self._scanner, Scanner(text)
        self._files[path] = text
        self._open_files.append(path)
        while not self._ended and (command := self._scanner.next_command(braces=True)) is not None:
            self._command(command)
        self._open_files.pop()
        self._scanner = outer

    def _command(self, command: TexCommand) -> None:
        name = command.name
        if name in _OPEN_GROUP:
            self._frames.append(_Frame("{"))
        elif name in _CLOSE_GROUP:
            if self._frames[-1].name == "{":
                self._frames.pop()
        elif name in self._with_argument:
            argument = self._scanner.group()
            if argument is None and name == "input":
                argument = self._scanner.bare_word()
            if argument is None:
                self._report(ProblemKind.MALFORMED, f"\\{name} without its {{...}}", command)
            else:
                self._with_argument[name](command, argument)
        elif name in self._others:
            self._others[name](command)
        elif name in _SECTIONS:
            self._frames[-1].last = None
        elif name == "endinput":
            self._scanner.position = len(self._scanner.text)
        elif self._definitions.take(name, self._scanner):
            for definition, macro in self._definitions.hidden:
                message = f"the definition of {definition} holds \\{macro}, which is not followed to where it is used"
                self._report(ProblemKind.HIDDEN_MACRO, message, command)
                self._complete = self._complete and macro != "lean"
            self._definitions.hidden.clear()
        else:
            self._conditionals.take(name, self._scanner)

    # Files

    def _input(self, command: TexCommand, name: str) -> None:
        self._follow(command, name, (self._folder, posixpath.dirname(self._path)))

    def _import(self, command: TexCommand) -> None:
        self._scanner.star()
        folder, name = self._scanner.group(), self._scanner.group()
        if folder is None or name is None:
            self._report(ProblemKind.MALFORMED, f"\\{command.name} without its {{...}}{{...}}", command)
        else:
            self._follow(command, posixpath.join(folder, name), (posixpath.dirname(self._path), self._folder))

    def _follow(self, command: TexCommand, name: str, folders: tuple[str, ...]) -> None:
        """Read the file `name` means, looked for from each of `folders`."""
        paths = candidates(name, folders)
        if not paths:
            self._complete = False
            self._report(ProblemKind.UNRESOLVED_INPUT, f"cannot tell which file \\{command.name}{{{name}}} is", command)
            return
        if any(map(is_generated, paths)):
            self._complete = False
            self._report(ProblemKind.GENERATED, f"{name} is generated from Lean files and left alone", command)
            return
        for path in filter(is_inside, paths):
            if path in self._open_files:
                self._report(ProblemKind.INPUT_CYCLE, f"{path} inputs itself, directly or not", command)
                return
            if (text := self._read(path)) is not None:
                self._file(path, text)
                return
        if command.name != "InputIfFileExists":
            self._complete = self._complete and not may_hold_nodes(name)
            self._report(ProblemKind.MISSING_FILE, f"no file {name} in the repository", command)

    def _lean_input(self, command: TexCommand, name: str) -> None:
        self._complete = False

    def _package(self, command: TexCommand) -> None:
        options, names = self._scanner.optional(), self._scanner.group()
        for name in items(names or ""):
            path = posixpath.join(self._folder, f"{name}.sty")
            if name in ("blueprint", "depgraph"):
                self._definitions.take_package_options(options or "")
            elif path not in self._open_files and (text := self._read(path)) is not None:
                self._file(path, text)

    # Environments

    def _begin(self, command: TexCommand, name: str) -> None:
        theorem = "" if name == "proof" else self._definitions.theorem(name)
        if name in self._definitions.verbatim:
            if not self._scanner.skip_environment(name):
                self._report(ProblemKind.UNCLOSED, f"\\begin{{{name}}} is never closed", command)
        elif theorem is None:
            self._frames.append(_Frame(name))
        else:
            self._begin_part(command, name, theorem)

    def _begin_part(self, command: TexCommand, name: str, theorem: str) -> None:
        inner = self._scanner.position
        title = self._scanner.optional() or ""
        begin = Span(self._path, command.start, self._scanner.position)
        # The title is walked through as well, since a label may stand in it.
        self._scanner.position = inner
        draft = Draft(name, begin, self._line(command), title=title, theorem=theorem)
        if theorem:
            self._frames[-1].last = draft
            self._statements.append(draft)
        else:
            draft.sibling = self._frames[-1].last
            self._proofs.append(draft)
        self._frames.append(_Frame(name, draft))

    def _end(self, command: TexCommand, name: str) -> None:
        depth = next((i for i in range(len(self._frames) - 1, 0, -1) if self._frames[i].name == name), None)
        if depth is None:
            self._report(ProblemKind.UNOPENED, f"\\end{{{name}}} without its \\begin", command)
        else:
            for frame in (frame for frame in self._frames[depth + 1 :] if frame.name != "{"):
                self._report(ProblemKind.UNCLOSED, f"\\begin{{{frame.name}}} is still open at \\end{{{name}}}", command)
            del self._frames[depth:]
        if name == "document":
            self._scanner.position = len(self._scanner.text)
            self._ended = all(frame.name != "document" for frame in self._frames)

    # Macros of nodes

    def _note(self, command: TexCommand, shown: str, words: Iterable[str] = ()) -> None:
        """Record the macro just read in the statement or proof directly around it."""
        frame = self._frames[-1]
        begin = frame.part.begin if frame.part else None
        if begin is None:
            braces = "inside braces" if frame.name == "{" else f"directly inside {frame.name}"
            where = braces if frame.name else "outside every environment"
        elif begin.file == self._path and begin.start < command.start < begin.end:
            where = "in a title"
        elif frame.part:
            frame.part.note(command.name, self._span(command), words)
            if command.name == "lean" and len(frame.part.macros["lean"]) > 1:
                message = f"{shown} comes after another \\lean, which leanblueprint then does not read"
                self._report(ProblemKind.MISPLACED, message, command)
            return
        self._report(ProblemKind.MISPLACED, f"{shown} {where} is not read by leanblueprint", command)

    def _label(self, command: TexCommand, name: str) -> None:
        here = f"{self._path}:{self._line(command)}"
        if name in self._labels:
            self._report(ProblemKind.DUPLICATE_LABEL, f"label {name} is already at {self._labels[name]}", command)
        self._labels.setdefault(name, here)
        around = next(frame for frame in reversed(self._frames) if frame.name != "{")
        if around.part:
            around.part.note("label", self._span(command), [name])

    def _macro(self, command: TexCommand, argument: str) -> None:
        words: tuple[str, ...] = (argument,)
        if command.name == "lean":
            words = items(argument.replace("\\_", "_"))
            self._declarations.extend(words)
        elif command.name == "uses":
            words = items(argument)
            self._uses += len(words)
        self._note(command, f"\\{command.name}{{{argument}}}", words)

    def _flag(self, command: TexCommand) -> None:
        if self._scanner.text.startswith("{}", self._scanner.position):
            self._scanner.position += 2
        self._note(command, f"\\{command.name}")

    # Positions and problems

    @property
    def _path(self) -> str:
        return self._open_files[-1]

    def _line(self, command: TexCommand) -> int:
        return line_of(self._scanner.text, command.start)

    def _span(self, command: TexCommand) -> Span:
        """From the command to the current position."""
        return Span(self._path, command.start, self._scanner.position)

    def _report(self, kind: ProblemKind, message: str, command: TexCommand) -> None:
        self._problems.append(BlueprintProblem(kind, message, self._path, self._line(command)))

    def _report_draft(self, kind: ProblemKind, message: str, draft: Draft) -> None:
        self._problems.append(BlueprintProblem(kind, message, draft.begin.file, draft.line))
