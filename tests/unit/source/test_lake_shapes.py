"""Every shape of Lake project: which modules are its own, under which options, and which packages it has."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lean.lake import packages
from orchestrator.source.lakefile import Target, parse_lean, parse_toml
from orchestrator.source.loading import load_project

MANIFEST = {
    "version": "1.1.0",
    "packagesDir": ".lake/packages",
    "packages": [
        {"type": "git", "name": "mathlib", "url": "https://example.org/m", "rev": "a", "inherited": False},
        {"type": "path", "name": "common", "dir": "../common", "inherited": False},
    ],
}
THEOREM = "theorem t : True := by\n  sorry\n"


@dataclass(frozen=True)
class Shape:
    """A project: its lakefile, its files, and what is to be found."""

    lakefile: str
    files: tuple[str, ...]
    modules: tuple[str, ...]
    options: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    name: str = "lakefile.toml"
    manifest: dict[str, object] | None = None
    packages: tuple[str, ...] = ()
    not_built: tuple[str, ...] = ()


SHAPES = {
    "one library in TOML": Shape(
        'name = "a"\n[[lean_lib]]\nname = "A"\n', ("A.lean", "A/B.lean", "Other.lean"), ("A", "A.B")
    ),
    "one library in Lean": Shape(
        "import Lake\nopen Lake DSL\npackage a\n@[default_target]\nlean_lib A\n",
        ("A.lean", "A/B.lean", "Other.lean"),
        ("A", "A.B"),
        name="lakefile.lean",
    ),
    "several libraries with roots in folders of their own": Shape(
        'name = "a"\n[[lean_lib]]\nname = "Core"\nsrcDir = "core"\nroots = ["Core.Base", "Extra"]\n'
        '[[lean_lib]]\nname = "Web"\nsrcDir = "web"\n',
        ("core/Core/Base.lean", "core/Extra.lean", "core/Not.lean", "web/Web.lean", "web/Web/Page.lean"),
        ("Core.Base", "Extra", "Web", "Web.Page"),
    ),
    "default targets leave the others out": Shape(
        'name = "a"\ndefaultTargets = ["Main"]\n[[lean_lib]]\nname = "Main"\n[[lean_lib]]\nname = "Exercises"\n',
        ("Main.lean", "Exercises.lean"),
        ("Main",),
        not_built=("Exercises.lean",),
    ),
    "a program and its library": Shape(
        "package a\nlean_lib L\n@[default_target]\nlean_exe tool where\n  root := `Tool\n",
        ("L.lean", "Tool.lean", "Tool/Part.lean"),
        ("Tool", "Tool.Part"),
        name="lakefile.lean",
        not_built=("L.lean",),
    ),
    "globs": Shape(
        "package a\nlean_lib L where\n  globs := #[.submodules `Deep]\n",
        ("L.lean", "Deep.lean", "Deep/One.lean"),
        ("Deep.One", "L"),
        name="lakefile.lean",
    ),
    "folders named build are sources": Shape(
        'name = "a"\n[[lean_lib]]\nname = "A"\n', ("A.lean", "A/build/B.lean"), ("A", "A.build.B")
    ),
    "a build folder in TOML": Shape(
        'name = "a"\nbuildDir = "./A/out/"\n[[lean_lib]]\nname = "A"\n', ("A.lean", "A/out/B.lean"), ("A",)
    ),
    "a build folder in Lean": Shape(
        'package a where\n  buildDir := "build"\nlean_lib a where\n  globs := #[.andSubmodules `build, `A]\n',
        ("A.lean", "build/B.lean"),
        ("A",),
        name="lakefile.lean",
    ),
    "packages from git and from a folder": Shape(
        'name = "a"\n[[require]]\nname = "mathlib"\nscope = "leanprover-community"\n[[lean_lib]]\nname = "A"\n',
        ("A.lean", ".lake/packages/mathlib/Mathlib.lean"),
        ("A",),
        manifest=MANIFEST,
        packages=("mathlib", "common"),
    ),
    "options of the package and of a library in TOML": Shape(
        'name = "a"\nmoreLeanArgs = ["-DmaxRecDepth=900", "--quiet"]\n[leanOptions]\nautoImplicit = false\n'
        'pp.unicode.fun = true\nweak.linter.x = true\n[[lean_lib]]\nname = "A"\n[[lean_lib]]\nname = "B"\n'
        "leanOptions = {autoImplicit = true, maxHeartbeats = 400000}\n",
        ("A.lean", "B.lean"),
        ("A", "B"),
        options={
            "A": (("autoImplicit", "false"), ("pp.unicode.fun", "true"), ("linter.x", "true"), ("maxRecDepth", "900")),
            "B": (
                ("autoImplicit", "true"),
                ("pp.unicode.fun", "true"),
                ("linter.x", "true"),
                ("maxRecDepth", "900"),
                ("maxHeartbeats", "400000"),
            ),
        },
    ),
    "options of the package and of a library in Lean": Shape(
        "package a where\n  leanOptions := #[⟨`autoImplicit, false⟩, ⟨`relaxedAutoImplicit, .ofBool false⟩]\n\n"
        'lean_lib A where\n  moreLeanArgs := #["-DautoImplicit=true", "-D", "trace.x=text"]\n\nlean_lib B\n',
        ("A.lean", "B.lean"),
        ("A", "B"),
        name="lakefile.lean",
        options={
            "A": (("autoImplicit", "true"), ("relaxedAutoImplicit", "false"), ("trace.x", '"text"')),
            "B": (("autoImplicit", "false"), ("relaxedAutoImplicit", "false")),
        },
    ),
    "a manifest of format 7 without a lakefile's library": Shape(
        'name = "a"\n',
        ("A.lean", "deep/B.lean"),
        ("A", "deep.B"),
        manifest={"version": 7, "packages": [{"type": "git", "name": "«doc-gen4»", "url": "u", "rev": "r"}]},
        packages=("doc-gen4",),
    ),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_project_of_each_shape_is_understood(shape: Shape, tmp_path: Path) -> None:
    for path in shape.files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(THEOREM)
    (tmp_path / shape.name).write_text(shape.lakefile)
    (tmp_path / "lean-toolchain").write_text("leanprover/lean4:v4.20.0\n")
    if shape.manifest is not None:
        (tmp_path / "lake-manifest.json").write_text(json.dumps(shape.manifest))
    project = load_project(tmp_path)
    assert tuple(sorted(module.name for module in project.modules)) == shape.modules
    assert tuple(problem.path for problem in project.problems) == shape.not_built
    assert project.toolchain == "leanprover/lean4:v4.20.0"
    assert {m.name: m.options for m in project.modules if m.options} == shape.options
    assert tuple(package.name for package in packages(tmp_path)) == shape.packages


def test_other_options_are_another_module(tmp_path: Path) -> None:
    (tmp_path / "A.lean").write_text(THEOREM)
    digests = []
    for text in ('[[lean_lib]]\nname = "A"', '[[lean_lib]]\nname = "A"\nleanOptions = {autoImplicit = false}'):
        (tmp_path / "lakefile.toml").write_text(text)
        digests.append(load_project(tmp_path).modules[0].digest)
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    ("lakefile", "options"),
    [
        (parse_toml('leanOptions = [{name = "a.b", value = 3}]\n[[lean_lib]]\nname = "A"'), (("a.b", "3"),)),
        (parse_toml('[[lean_lib]]\nname = "A"\nweakLeanArgs = ["-Dx=y z"]'), (("x", '"y z"'),)),
        (parse_toml('leanOptions = 3\n[[lean_lib]]\nname = "A"\nmoreLeanArgs = 4'), ()),
        (
            parse_lean('lean_lib A where\n  leanOptions := #[⟨``a.b, true⟩,\n    ⟨`c, "d"⟩]\n'),
            (("a.b", "true"), ("c", '"d"')),
        ),
        (parse_lean("lean_lib A where\n  leanOptions := ours ++ theirs\n"), ()),
    ],
)
def test_options_in_every_spelling(lakefile: object, options: tuple[tuple[str, str], ...]) -> None:
    (target,) = lakefile.targets  # type: ignore[attr-defined]
    assert isinstance(target, Target)
    assert target.options == options


NOTATIONS = {
    "by name": "abbrev opts : Array LeanOption := #[⟨`a.b, true⟩]\npackage p where\n  leanOptions := opts\n",
    "in struct syntax": "package p where\n  leanOptions := #[{ name := `a.b, value := true }]\n",
    "in struct syntax, turned round": "package p {\n  leanOptions := #[{value := .ofBool true, name := `a.b}]\n}\n",
    "joined": "def few : Array LeanOption := #[]\npackage p where\n  leanOptions := few ++ #[⟨`a.b, true⟩]\n",
    "joined by names": "private def a := #[⟨`a.b, true⟩]\ndef b := a\npackage p where\n  leanOptions := b ++ a\n",
    "an option by name": "def o : LeanOption := ⟨`a.b, true⟩\npackage p where\n  leanOptions := #[o]\n",
    "made weak": "abbrev o := #[⟨`a.b, true⟩]\npackage p where\n"
    "  leanOptions := #[] ++ o.map fun s ↦ { s with name := `weak ++ s.name }\n",
    "with types": "package p where\n  leanOptions := (#[(⟨`a.b, (true : Bool)⟩ : LeanOption)] : Array LeanOption)\n",
    "a list": "package p where\n  leanOptions := [⟨``a.b, LeanOptionValue.ofBool true⟩].toArray\n",
}


@pytest.mark.parametrize("text", NOTATIONS.values(), ids=NOTATIONS.keys())
def test_options_are_in_force_in_whatever_notation(text: str) -> None:
    lakefile = parse_lean(f"{text}\nlean_lib A\n")
    assert lakefile.complaints == ()
    assert [target.options for target in lakefile.targets] == [(("a.b", "true"),)]


@pytest.mark.parametrize("value", ["8000", "8_000", "(8000 : Nat)", ".ofNat 8000", "(.ofNat (8000))", "↑8000", "few"])
def test_numbers_are_read_with_their_coercions(value: str) -> None:
    text = f"def few : Nat := 8000\npackage p where\n  leanOptions := #[⟨`maxRecDepth, {value}⟩]\nlean_lib A\n"
    assert parse_lean(text).targets[0].options == (("maxRecDepth", "8000"),)


@pytest.mark.parametrize(
    "text",
    [
        "package p where\n  leanOptions := if ci then #[⟨`a.b, true⟩] else #[]\n",
        "package p where\n  leanOptions := options.filter (·.name != `x)\n",
        "def o := o\npackage p where\n  leanOptions := o\n",
        "package p where\n  leanOptions := #[⟨`a.b, get 1⟩]\n",
        'package p where\n  moreLeanArgs := #[s!"-D{x}"]\n',
        "def cfg : PackageConfig := {}\npackage p := cfg\n",
        "package p where\n  leanOptions := #[⟨`a.b",
    ],
)
def test_what_is_computed_is_said(text: str) -> None:
    lakefile = parse_lean(text)
    assert len(lakefile.complaints) == 1
    assert "computed" in lakefile.complaints[0]
    assert parse_lean(text + "\nlean_lib A\n").targets[0].name == "A"


def test_arguments_may_have_names_too() -> None:
    text = 'def more := #["-Da.b=true"]\npackage p where\n  moreLeanArgs := more ++ #["-Dc=1"]\nlean_lib A\n'
    assert parse_lean(text).targets[0].options == (("a.b", "true"), ("c", "1"))


@given(st.text(alphabet='#[]{}⟨⟩(),:=+`abc." \n12', max_size=80))
def test_nothing_a_lakefile_holds_stops_us(text: str) -> None:
    parse_lean(f"package p where\n  leanOptions := {text}\nlean_lib A\n")
