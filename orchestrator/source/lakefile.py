"""What a lakefile says about a package: its name, its libraries and programs, and where their modules lie. Pure.

`lakefile.toml` is read as TOML; `lakefile.lean` is a program, of which we read the usual declarations as text.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.goals.tokens import IDENTIFIER
from orchestrator.source.lake_options import UnreadableOptions, options_at, strings_at
from orchestrator.source.lexer import RegionKind, code_mask, name_parts

Parts = tuple[str, ...]
Options = tuple[tuple[str, str], ...]
"""Lean options by name, with values as Lean writes them: `true`, `20`, `"text"`."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Some modules: the one called `parts`, those below it, or both."""

    parts: Parts
    itself: bool = True
    below: bool = True

    def covers(self, parts: Parts) -> bool:
        """Whether the module `parts` is meant."""
        if parts == self.parts:
            return self.itself
        return self.below and parts[: len(self.parts)] == self.parts


@dataclass(frozen=True, slots=True)
class Target:
    """A library or a program.

    Attributes:
        folder: relative to the package, with forward slashes ("" for the package itself).
        options: those that Lean gets from `leanOptions`, `moreLeanArgs` and `weakLeanArgs`, the package's included.
    """

    name: str
    patterns: tuple[Pattern, ...]
    folder: str = ""
    options: Options = ()


@dataclass(frozen=True, slots=True)
class Lakefile:
    """A package's declarations.

    `build_folder`: where Lake writes, relative to the package; "" for its usual hidden folder.
    """

    name: str = ""
    targets: tuple[Target, ...] = ()
    default_targets: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    build_folder: str = ""

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
    package_folder, package_options = _string(data, "srcDir"), _toml_options(data)
    for key in ("lean_lib", "lean_exe"):
        tables = data.get(key, [])
        if not isinstance(tables, list):
            complaints.append(f"`{key}` is not a list of tables")
            continue
        for table in tables:
            if not isinstance(table, dict) or not _string(table, "name"):
                complaints.append(f"a `{key}` has no name")
                continue
            targets.append(_toml_target(key, table, package_folder, package_options))
    default = tuple(".".join(_toml_parts(name)) for name in _strings(data, "defaultTargets"))
    build = _join_folders(_string(data, "buildDir"))
    return Lakefile(_string(data, "name"), tuple(targets), default, tuple(complaints), build)


def parse_lean(text: str) -> Lakefile:
    """Read the usual declarations of a `lakefile.lean`: `package`, `lean_lib`, `lean_exe` and their plain fields."""
    code = code_mask(text, keep=(RegionKind.STRING,))
    name = package_folder = build_folder = ""
    package_options: Options = ()
    complaints: list[str] = []
    targets: list[Target] = []
    default: list[str] = []
    for match in _LEAN_DECLARATION.finditer(code):
        parts = _lean_parts(match["name"])
        end = _NEXT_COMMAND.search(code, match.end())
        body = code[match.end() : end.start() if end else len(code)]
        folder = _lean_folder("srcDir", body)
        options = _lean_options(code, match.end(), match.end() + len(body), complaints)
        if _CONFIGURED_BY_NAME.match(body):
            complaints.append(f"the configuration of {'.'.join(parts)} is computed and was not read")
        if match["keyword"] == "package":
            name, package_folder, package_options = ".".join(parts), folder, options
            build_folder = _join_folders(_lean_folder("buildDir", body))
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
                _together(package_options, options),
            )
        )
    return Lakefile(name, tuple(targets), tuple(default), tuple(complaints), build_folder)


_LEAN_DECLARATION = re.compile(
    r"^[ \t]*(?:@\[(?P<attributes>[^\]]*)\]\s*)?(?P<keyword>package|lean_lib|lean_exe)\s+"
    rf'(?P<name>{IDENTIFIER}|"[^"\n]*")',
    re.MULTILINE,
)
_NEXT_COMMAND = re.compile(r"^[ \t]*(?:@\[[^\]]*\]\s*)?(?:package|lean_lib|lean_exe)\b|^[@a-z]", re.MULTILINE)
_LEAN_FOLDER = r'\s*:=\s*(?:__dir__\s*/\s*)?("[^"\n]*"(?:\s*/\s*"[^"\n]*")*)'
_LEAN_ROOTS = re.compile(r"\broots\s*:=\s*(#?\[[^\]]*\])")
_LEAN_ROOT = re.compile(rf"\broot\s*:=\s*(`{{1,2}}{IDENTIFIER})")
_LEAN_GLOBS = re.compile(r"\bglobs\s*:=\s*(#?\[[^\]]*\]|[^\n]*)")
_LEAN_OPTIONS = re.compile(r"\b(?P<field>leanOptions|moreLeanArgs|weakLeanArgs)\s*:=")
_CONFIGURED_BY_NAME = re.compile(rf"\s*:=\s*{IDENTIFIER}")
_ARGUMENT = re.compile(r"^-D\s*([\w.]+)=(.*)$", re.MULTILINE)
_LEAN_NAME = re.compile(rf"`{{1,2}}({IDENTIFIER})")
_LEAN_GLOB = re.compile(rf"(?:\.(one|submodules|andSubmodules)\b[\s(]*)?`{{1,2}}({IDENTIFIER})(\.[*+])?")


def _patterns(roots: Iterable[Parts], globs: Iterable[Pattern]) -> tuple[Pattern, ...]:
    return tuple(dict.fromkeys((*(Pattern(root) for root in roots if root), *globs)))


def _toml_target(key: str, table: Mapping[str, object], package_folder: str, options: Options) -> Target:
    parts = _toml_parts(_string(table, "name"))
    roots = _strings(table, "roots") if key == "lean_lib" else tuple(filter(None, [_string(table, "root")]))
    return Target(
        ".".join(parts),
        _patterns([_toml_parts(root) for root in roots] or [parts], map(_toml_glob, _strings(table, "globs"))),
        _join_folders(package_folder, _string(table, "srcDir")),
        _together(options, _toml_options(table)),
    )


def _toml_options(table: Mapping[str, object]) -> Options:
    """`leanOptions`, a table or a list of `{name, value}`, and the `-D` arguments of Lean."""
    given = table.get("leanOptions")
    pairs: list[tuple[str, str]] = []
    if isinstance(given, dict):
        pairs += _flat("", given)
    elif isinstance(given, list):
        named = [entry for entry in given if isinstance(entry, dict)]
        pairs += [(str(entry["name"]), _value(entry["value"])) for entry in named if {"name", "value"} <= entry.keys()]
    for key in ("weakLeanArgs", "moreLeanArgs"):
        pairs += _arguments(_strings(table, key))
    return tuple(pairs)


def _flat(prefix: str, table: Mapping[str, object]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        pairs += _flat(f"{prefix}{key}.", value) if isinstance(value, dict) else [(prefix + key, _value(value))]
    return pairs


def _arguments(arguments: Iterable[str]) -> list[tuple[str, str]]:
    """Options among command-line arguments: `-Dname=value`, or `-D` and `name=value`."""
    return [(name, _value(value)) for name, value in _ARGUMENT.findall("\n".join(arguments))]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if re.fullmatch(r"true|false|\d+", text) else json.dumps(text, ensure_ascii=False)


def _lean_options(code: str, start: int, end: int, complaints: list[str]) -> Options:
    """The options of one declaration, which is that part of the file; what only Lake can compute is complained of."""
    pairs: list[tuple[str, str]] = []
    for found in _LEAN_OPTIONS.finditer(code, start, end):
        field = found["field"]
        try:
            named = field == "leanOptions"
            pairs += options_at(code, found.end()) if named else _arguments(strings_at(code, found.end()))
        except UnreadableOptions as error:
            complaints.append(f"its `{field}` is computed (at `{error}`): these options are not in force here")
    return tuple(pairs)


def _together(*options: Options) -> Options:
    """The last value of each option, without the mark of those that Lean need not know."""
    return tuple({name.removeprefix("weak."): value for some in options for name, value in some}.items())


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


def _lean_folder(field: str, body: str) -> str:
    found = re.search(rf"\b{field}{_LEAN_FOLDER}", body)
    return "/".join(re.findall(r'"([^"]*)"', found[1])) if found else ""


def _join_folders(*folders: str) -> str:
    return "/".join(part for folder in folders for part in folder.split("/") if part not in ("", "."))


def _string(table: Mapping[str, object], key: str) -> str:
    value = table.get(key, "")
    return value if isinstance(value, str) else ""


def _strings(table: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = table.get(key, ())
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
