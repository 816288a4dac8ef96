"""What a lakefile says about a package: its name, its libraries and programs, and where their modules lie. Pure.

`lakefile.toml` is read as TOML; `lakefile.lean` is a program, of which we read the usual declarations as text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.lexer import IDENTIFIER, RegionKind, code_mask, name_parts

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """Some modules: the one called `parts`, those below it, or both."""

    parts: Parts
    itself: bool = True
    below: bool = True

    def covers(self, parts: Parts) -> bool:
        """Say whether the module `parts` is meant."""
        if parts == self.parts:
            return self.itself
        return self.below and parts[: len(self.parts)] == self.parts


@dataclass(frozen=True, slots=True)
class Target:
    """A library or a program. `folder` is relative to the package, with forward slashes ("" for the package itself)."""

    name: str
    patterns: tuple[Pattern, ...]
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Lakefile:
    """A package's declarations. `complaints` are parts of the file we could not take in."""

    name: str = ""
    targets: tuple[Target, ...] = ()
    default_targets: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()

    @property
    def chosen(self) -> tuple[Target, ...]:
        """What `lake build` builds: the default targets, or all of them when none is named."""
        return tuple(target for target in self.targets if target.name in self.default_targets) or self.targets


def parse_toml(text: str) -> Lakefile:
    """Read a `lakefile.toml`; of a broken one only the complaint is left."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Lakefile(complaints=(f"is not valid TOML: {error}",))
    complaints: list[str] = []
    targets: list[Target] = []
    package_folder = _string(data, "srcDir")
    for key in ("lean_lib", "lean_exe"):
        tables = data.get(key, [])
        if not isinstance(tables, list):
            complaints.append(f"`{key}` is not a list of tables")
            continue
        for table in tables:
            if not isinstance(table, dict) or not _string(table, "name"):
                complaints.append(f"a `{key}` has no name")
                continue
            targets.append(_toml_target(key, table, package_folder))
    default = tuple(".".join(_toml_parts(name)) for name in _strings(data, "defaultTargets"))
    return Lakefile(_string(data, "name"), tuple(targets), default, tuple(complaints))


def parse_lean(text: str) -> Lakefile:
    """Read the usual declarations of a `lakefile.lean`: `package`, `lean_lib`, `lean_exe` and their plain fields."""
    code = code_mask(text, keep=(RegionKind.STRING,))
    name = package_folder = ""
    targets: list[Target] = []
    default: list[str] = []
    for match in _LEAN_DECLARATION.finditer(code):
        parts = _lean_parts(match["name"])
        end = _NEXT_COMMAND.search(code, match.end())
        body = code[match.end() : end.start() if end else len(code)]
        folder = _lean_folder(body)
        if match["keyword"] == "package":
            name, package_folder = ".".join(parts), folder
            continue
        if "default_target" in (match["attributes"] or ""):
            default.append(".".join(parts))
        roots = _LEAN_ROOTS.search(body) if match["keyword"] == "lean_lib" else _LEAN_ROOT.search(body)
        globs = _LEAN_GLOBS.search(body)
        targets.append(
            Target(
                ".".join(parts),
                _patterns(
                    [name_parts(raw) for raw in _LEAN_NAME.findall(roots[1])] if roots else [parts],
                    [_lean_glob(*found) for found in _LEAN_GLOB.findall(globs[1])] if globs else [],
                ),
                _join_folders(package_folder, folder),
            )
        )
    return Lakefile(name, tuple(targets), tuple(default))


_LEAN_DECLARATION = re.compile(
    r"^[ \t]*(?:@\[(?P<attributes>[^\]]*)\]\s*)?(?P<keyword>package|lean_lib|lean_exe)\s+"
    rf'(?P<name>{IDENTIFIER}|"[^"\n]*")',
    re.MULTILINE,
)
_NEXT_COMMAND = re.compile(r"^[ \t]*(?:@\[[^\]]*\]\s*)?(?:package|lean_lib|lean_exe)\b|^[@a-z]", re.MULTILINE)
_LEAN_FOLDER = re.compile(r'\bsrcDir\s*:=\s*(?:__dir__\s*/\s*)?("[^"\n]*"(?:\s*/\s*"[^"\n]*")*)')
_LEAN_ROOTS = re.compile(r"\broots\s*:=\s*(#?\[[^\]]*\])")
_LEAN_ROOT = re.compile(rf"\broot\s*:=\s*(`{{1,2}}{IDENTIFIER})")
_LEAN_GLOBS = re.compile(r"\bglobs\s*:=\s*(#?\[[^\]]*\]|[^\n]*)")
_LEAN_NAME = re.compile(rf"`{{1,2}}({IDENTIFIER})")
_LEAN_GLOB = re.compile(rf"(?:\.(one|submodules|andSubmodules)\b[\s(]*)?`{{1,2}}({IDENTIFIER})(\.[*+])?")


def _patterns(roots: Iterable[Parts], globs: Iterable[Pattern]) -> tuple[Pattern, ...]:
    return tuple(dict.fromkeys((*(Pattern(root) for root in roots if root), *globs)))


def _toml_target(key: str, table: Mapping[str, object], package_folder: str) -> Target:
    parts = _toml_parts(_string(table, "name"))
    roots = _strings(table, "roots") if key == "lean_lib" else tuple(filter(None, [_string(table, "root")]))
    return Target(
        ".".join(parts),
        _patterns([_toml_parts(root) for root in roots] or [parts], map(_toml_glob, _strings(table, "globs"))),
        _join_folders(package_folder, _string(table, "srcDir")),
    )


def _toml_parts(name: str) -> Parts:
    """A dotted Lean name, or a simple one such as `my-lib` where it is not."""
    return name_parts(name) if re.fullmatch(IDENTIFIER, name) else (name,)


def _toml_glob(glob: str) -> Pattern:
    if glob.endswith(".*"):
        return Pattern(_toml_parts(glob[:-2]))
    if glob.endswith(".+"):
        return Pattern(_toml_parts(glob[:-2]), itself=False)
    return Pattern(_toml_parts(glob), below=False)


def _lean_parts(name: str) -> Parts:
    return _toml_parts(name[1:-1]) if name.startswith('"') else name_parts(name)


def _lean_glob(constructor: str, name: str, suffix: str) -> Pattern:
    itself = constructor != "submodules" and suffix != ".+"
    below = constructor in ("submodules", "andSubmodules") or suffix != ""
    return Pattern(name_parts(name), itself, below)


def _lean_folder(body: str) -> str:
    found = _LEAN_FOLDER.search(body)
    return "/".join(re.findall(r'"([^"]*)"', found[1])) if found else ""


def _join_folders(*folders: str) -> str:
    return "/".join(folder for folder in folders if folder not in ("", "."))


def _string(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    return value if isinstance(value, str) else ""


def _strings(table: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = table.get(key, ())
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
