"""What the stand-in for `lake build` leaves of a module, and how it is imported: by replaying it on the embedded Lean.

An artifact has the name of a compiled file and holds the module's text and the digests of what it was compiled with. Of
a `module`, another `module` sees the interface: no private declarations, no proofs, no bodies that are not exposed.
An attribute that a module registers is, for its importers, another name of `simp`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from embedded_server import SECONDS, Server

from orchestrator.source.commands import command_starts
from orchestrator.source.header import parse_header
from orchestrator.source.lexer import code_mask, outside_brackets

LIBRARY = ".lake/build/lib/lean"
_IMPORT = re.compile(r"\b(?P<public>public\s+)?(?:meta\s+)?import\s+(?P<all>all\s+)?(?P<name>\S+)")
_DECLARATION = re.compile(
    r"(?P<modifiers>(?:@\[[^\]]*\]|\b(?:private|protected|public|noncomputable|unsafe|partial|nonrec|meta)\b|\s)*)"
    r"(?P<keyword>theorem|lemma|def|abbrev|instance|structure|class|inductive|example|axiom|opaque)\b"
)
_SCOPE = re.compile(r"\s*(?P<modifiers>(?:@\[[^\]]*\]\s*)?(?:public\s+)?)(?P<word>section|namespace|end)\b")
_REGISTERS = re.compile(r"^register_simp_attr\s+(\S+)", re.MULTILINE)


class MissingModule(Exception):
    """A module that cannot be imported, in Lean's words or ours."""


@dataclass(frozen=True)
class Artifact:
    """A compiled module: its text, what it was compiled with, and what Lean warned of."""

    module: str
    text: str
    dependencies: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Changes with the text and with everything below it."""
        return hashlib.sha256(json.dumps([self.text, self.dependencies]).encode()).hexdigest()

    def to_json(self) -> str:
        """What the file holds."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @property
    def is_module(self) -> bool:
        """Whether it has walls."""
        return parse_header(self.text).is_module


Place = Path | tuple[Path, ...]
"""A project, or the folders in which compiled modules are found."""


def path_of(folder: Path, module: str) -> Path:
    """Where the artifact of a module is, or would be."""
    return folder / LIBRARY / _inside(module)


def _inside(module: str) -> Path:
    return Path(*module.split(".")).with_suffix(".olean")


def libraries(folder: Path) -> tuple[Path, ...]:
    """Where the compiled modules of a project and of its packages are."""
    return tuple(one / LIBRARY for one in (folder, *sorted((folder / ".lake/packages").glob("*"))))


def find(place: Place, module: str) -> Artifact | None:
    """The artifact of a module. As in Lean, the first folder that has its root has all of that library."""
    root = module.partition(".")[0]
    for library in place if isinstance(place, tuple) else libraries(place):
        if (library / root).is_dir() or (library / f"{root}.olean").is_file():
            file = library / _inside(module)
            if not file.is_file() or not file.stat().st_size:
                return None
            return Artifact(**json.loads(file.read_text(encoding="utf-8")))
    return None


def keep(folder: Path, artifact: Artifact) -> None:
    """Write an artifact."""
    file = path_of(folder, artifact.module)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(artifact.to_json(), encoding="utf-8")


def imports(text: str) -> Iterator[tuple[str, bool, bool]]:
    """What a text imports: module, whether publicly, whether all of it."""
    head = code_mask(text[: parse_header(text).end])
    for match in _IMPORT.finditer(head):
        yield match["name"].strip("«»"), bool(match["public"]), bool(match["all"])


def base_environment(server: Server, folder: Place, header: str) -> int:
    """The server's environment of everything that a header imports.

    Raises:
        MissingModule: something cannot be imported.
    """
    inside_module = parse_header(header).is_module
    outside: set[str] = set()
    chosen: dict[str, bool] = {}

    def visit(name: str, whole: bool) -> None:
        found = find(folder, name)
        if found is None:
            outside.add(name)
            return
        if inside_module and not found.is_module:
            raise MissingModule(f"cannot import non-`module` {name} from `module`")
        if chosen.get(name) is not None:
            return
        for other, public, _ in imports(found.text):
            below = find(folder, other)
            if below is not None and below.digest != found.dependencies.get(other):
                raise MissingModule(f"object file of {name} was compiled with another {other}")
            if public or not inside_module or whole:
                visit(other, not inside_module)
        chosen[name] = whole

    for name, _, everything in imports(header):
        visit(name, everything or not inside_module)
    lines = "".join(f"import {name}\n" for name in sorted(outside - {"Init"}))
    return _replayed(server, folder, lines, tuple(chosen.items()))


def _replayed(server: Server, folder: Place, lines: str, modules: tuple[tuple[str, bool], ...]) -> int:
    key = (str(folder), lines, tuple((name, whole, find(folder, name)) for name, whole in modules))
    if repr(key) in server.bases:
        return server.bases[repr(key)]
    if modules:
        env = _replayed(server, folder, lines, modules[:-1])
        name, whole = modules[-1]
        artifact = find(folder, name)
        assert artifact is not None
        text = registered(artifact.text if whole else interface(artifact.text))
        reply = server.ask({"file": text, "module": name, "env": env, "timeoutMs": SECONDS * 1000})
        errors = [one["data"] for one in reply.get("messages", ()) if one["severity"] == "error"]
        if errors:
            raise MissingModule(f"the stand-in cannot replay {name}: {errors[0]}")
    else:
        reply = server.ask({"cmd": lines})
        if reply.get("env") is None:
            raise MissingModule(str(reply.get("message") or reply["messages"][0]["data"]))
    server.bases[repr(key)] = reply["env"]
    return server.bases[repr(key)]


def registered(text: str) -> str:
    """A text in which what registers an attribute of `simp` makes it at once: replaying imports nothing."""
    return _REGISTERS.sub(_as_simp, text)


def _as_simp(match: re.Match[str]) -> str:
    name = match[1]
    kind = f"standIn_{name}"
    # A doc comment stands in front of what comes first.
    return (
        f'theorem {name} : True := trivial\nopen Lean in syntax (name := {kind}) &"{name}" : attr\n'
        f"macro_rules | `(attr| {name}) => `(attr| simp)"
    )


def interface(text: str) -> str:
    """What another `module` sees of a `module`."""
    start = parse_header(text).end
    starts = command_starts(text, start)
    scopes: list[tuple[bool, bool]] = [(False, False)]
    kept = [text[:start], "\n"]
    for begin, end in zip(starts, (*starts[1:], len(text)), strict=True):
        chunk, mask = text[begin:end], code_mask(text[begin:end])
        scope, declared = _SCOPE.match(mask), _DECLARATION.match(mask)
        if scope:
            if scope["word"] == "end":
                scopes.pop()
            else:
                public, exposed = scopes[-1]
                scopes.append((public or "public" in scope["modifiers"], exposed or "expose" in scope["modifiers"]))
        elif declared:
            chunk = _seen(chunk, mask, declared, *scopes[-1])
        kept.append(chunk)
    return "".join(kept)


def _seen(chunk: str, mask: str, declared: re.Match[str], public: bool, exposed: bool) -> str:
    modifiers, keyword = declared["modifiers"], declared["keyword"]
    if "private" in modifiers or keyword == "example" or not (public or "public" in modifiers):
        return "\n"
    if keyword not in ("theorem", "lemma", "def", "opaque") or (
        keyword == "def" and (exposed or "expose" in modifiers)
    ):
        return chunk
    body = outside_brackets(mask).find(":=")
    if body < 0:
        raise MissingModule(f"the stand-in knows no interface of `{chunk[:60]}`")
    words = re.sub(r"\b(?:noncomputable|partial)\b", "", chunk[: declared.start("keyword")])
    return f"{words}axiom{chunk[declared.end('keyword') : body]}\n"
