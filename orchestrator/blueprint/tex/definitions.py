"""What a document defines while it is read: theorem environments, verbatim environments, and macros to step over."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.blueprint.tex.scanner import Scanner, items

NODE_MACROS = frozenset({"lean", "leanok", "mathlibok", "notready", "uses", "proves", "discussion"})
DEFAULT_THEOREMS = ("definition", "lemma", "proposition", "theorem", "corollary")

_VERBATIM = frozenset(
    {"comment", "verbatim", "verbatim*", "Verbatim", "Verbatim*", "BVerbatim", "LVerbatim", "lstlisting", "minted"}
    | {"filecontents", "filecontents*"}
)
_KINDS = ("New", "Renew", "Provide", "Declare")
_COMMANDS = frozenset(
    {"newcommand", "renewcommand", "providecommand", "DeclareRobustCommand"} | {f"{k}DocumentCommand" for k in _KINDS}
)
_ENVIRONMENTS = frozenset({"newenvironment", "renewenvironment"} | {f"{k}DocumentEnvironment" for k in _KINDS})
_PRIMITIVE = frozenset({"def", "gdef", "edef", "xdef"})
_NEW_VERBATIM = frozenset(
    {"lstnewenvironment", "newminted", "newtcblisting", "DefineVerbatimEnvironment", "excludecomment"}
)


class Definitions:
    """Environments known so far.

    Attributes:
        in_graph: theorem types in the dependency graph, the `thms` option of the blueprint package.
        theorems: theorem type by environment: the same name, or that of the theorem the environment is defined through.
        verbatim: environments whose content is not TeX.
        hidden: (definition, node macro in its body) of the definitions last taken; the caller empties it.
    """

    def __init__(self, in_graph: Iterable[str]) -> None:
        self.in_graph = frozenset(in_graph)
        self.theorems: dict[str, str] = {}
        self.verbatim = set(_VERBATIM)
        self.hidden: list[tuple[str, str]] = []

    def theorem(self, environment: str) -> str | None:
        """Theorem type of an environment; None when it is none."""
        return self.theorems.get(environment, environment if environment in self.in_graph else None)

    def take(self, name: str, scanner: Scanner) -> bool:
        """Handle the command just read if it defines something, moving past the definition; whether it did."""
        if name == "newtheorem":
            scanner.star()
            self._new_theorems(scanner.group())
        elif name == "declaretheorem":
            scanner.optional()
            self._new_theorems(scanner.group())
        elif name in _COMMANDS:
            self._new_command(name, scanner)
        elif name in _ENVIRONMENTS:
            self._new_environment(name, scanner)
        elif name in _PRIMITIVE:
            defined = scanner.control_word()
            scanner.skip_to_group()
            self._body(defined or "", scanner)
        elif name == "let":
            scanner.control_word()
            scanner.equals()
            scanner.control_word()
        elif name in _NEW_VERBATIM:
            option, environment = scanner.optional(), scanner.group()
            self.verbatim.add((option or f"{environment}code") if name == "newminted" else environment or "")
        elif name == "includecomment":
            self.verbatim.discard(scanner.group() or "")
        else:
            return False
        return True

    def take_package_options(self, options: str) -> None:
        """Read the options of the blueprint package."""
        for option in items(options):
            key, _, value = option.partition("=")
            if key.strip() == "thms":
                self.in_graph = frozenset(name.strip() for name in value.strip(" {}").split("+"))

    def _new_theorems(self, names: str | None) -> None:
        self.theorems |= {name: name for name in items(names or "")}

    def _new_command(self, command: str, scanner: Scanner) -> None:
        scanner.star()
        name = scanner.control_word() or (scanner.group() or "").lstrip("\\")
        self._parameters(command, scanner)
        self._body(name, scanner)

    def _new_environment(self, command: str, scanner: Scanner) -> None:
        scanner.star()
        name = scanner.group() or ""
        self._parameters(command, scanner)
        opening = Scanner(self._body(name, scanner))
        self._body(name, scanner)
        while inner := opening.next_command():
            wrapped = opening.group() if inner.name == "begin" else None
            theorem = self.theorem(wrapped) if wrapped is not None else None
            if theorem is not None:
                self.theorems[name] = theorem

    def _parameters(self, command: str, scanner: Scanner) -> None:
        if "Document" in command:
            scanner.group()
        while scanner.optional() is not None:
            pass

    def _body(self, name: str, scanner: Scanner) -> str:
        """Step over a definition's body, which is not executed here; note it when it would have said something."""
        body = scanner.group() or ""
        if name not in NODE_MACROS:
            inside = Scanner(body)
            while inner := inside.next_command():
                if inner.name in NODE_MACROS:
                    self.hidden.append((name, inner.name))
        return body
