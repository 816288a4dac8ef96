"""Reading lakefiles, both kinds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.source.lakefile import Lakefile, Pattern, Target, parse_lean, parse_toml

TOML = """
name = "my-project"
defaultTargets = ["Foo", "tool"]
srcDir = "lean"
[leanOptions]
pp.unicode.fun = true
[[require]]
name = "mathlib"
[[lean_lib]]
name = "Foo"
[[lean_lib]]
name = "my-lib"
srcDir = "src"
roots = ["Bar.Baz", "Qux"]
globs = ["Bar.Baz", "Other.*", "Deep.+"]
[[lean_exe]]
name = "tool"
root = "Tool.Main"
[[lean_exe]]
name = "other"
"""

LEAN = """
import Lake
open Lake DSL
/- lean_lib Commented where -/
package «my-project» where
  -- srcDir := "wrong"
  srcDir := "lean"
  leanOptions := #[⟨`pp.unicode.fun, true⟩]

require mathlib from git "https://example.org" @ "lean_lib No"

@[default_target]
lean_lib Foo where
  -- nothing

lean_lib «my-lib» {
  srcDir := "src"
  roots := #[`Bar.Baz, `Qux]
  globs := #[.one `Bar.Baz, .andSubmodules `Other,
    .submodules `Deep]
}

@[default_target] lean_exe tool where
  root := `Tool.Main
  supportInterpreter := true
lean_exe other

def roots := #[`No]
"""


@pytest.mark.parametrize("lakefile", [parse_toml(TOML), parse_lean(LEAN)], ids=["toml", "lean"])
def test_both_kinds_say_the_same(lakefile: Lakefile) -> None:
    assert lakefile.name == "my-project"
    assert lakefile.default_targets == ("Foo", "tool")
    options = (("pp.unicode.fun", "true"),)
    assert lakefile.targets == (
        Target("Foo", (Pattern(("Foo",)),), "lean", options),
        Target(
            "my-lib",
            (
                Pattern(("Bar", "Baz")),
                Pattern(("Qux",)),
                Pattern(("Bar", "Baz"), below=False),
                Pattern(("Other",)),
                Pattern(("Deep",), itself=False),
            ),
            "lean/src",
            options,
        ),
        Target("tool", (Pattern(("Tool", "Main")),), "lean", options),
        Target("other", (Pattern(("other",)),), "lean", options),
    )
    assert [target.name for target in lakefile.chosen] == ["Foo", "tool"]


def test_without_default_targets_all_are_built() -> None:
    lakefile = parse_toml('name = "a"\n[[lean_lib]]\nname = "A"\n[[lean_exe]]\nname = "b"')
    assert [target.name for target in lakefile.chosen] == ["A", "b"]
    assert parse_toml('defaultTargets = ["docs"]\n[[lean_lib]]\nname = "A"').chosen == (
        Target("A", (Pattern(("A",)),)),
    )


@pytest.mark.parametrize(
    ("glob", "pattern"),
    [
        ("globs := #[`A.*]", Pattern(("A",))),
        ("globs := #[`A.B.+]", Pattern(("A", "B"), itself=False)),
        ("globs := #[Glob.submodules `A]", Pattern(("A",), itself=False)),
        ("globs := #[(.andSubmodules `A.B)]", Pattern(("A", "B"))),
        ("globs := #[`A]", Pattern(("A",), below=False)),
        ("globs := #[.one `«a-b».C]", Pattern(("a-b", "C"), below=False)),
    ],
)
def test_globs_in_lean(glob: str, pattern: Pattern) -> None:
    (target,) = parse_lean(f"package p\nlean_lib L where\n  {glob}\n").targets
    assert target.patterns == (Pattern(("L",)), pattern)


@pytest.mark.parametrize("folder", ['"a/b"', '"a" / "b"', '__dir__ / "a" / "b"'])
def test_folders_in_lean(folder: str) -> None:
    (target,) = parse_lean(f"lean_lib L where\n  srcDir := {folder}\n").targets
    assert target.folder == "a/b"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name = ", "is not valid TOML"),
        ("lean_lib = 3", "`lean_lib` is not a list of tables"),
        ("lean_exe = [1]", "a `lean_exe` has no name"),
        ("[[lean_lib]]\nname = 3", "a `lean_lib` has no name"),
    ],
)
def test_broken_parts_are_complained_about(text: str, complaint: str) -> None:
    lakefile = parse_toml(text)
    assert lakefile.targets == ()
    assert [said.startswith(complaint) for said in lakefile.complaints] == [True]


def test_wrong_types_inside_a_table_are_ignored() -> None:
    lakefile = parse_toml('name = 1\n[[lean_lib]]\nname = "A"\nroots = "B"\nglobs = [1, "C"]\nsrcDir = []')
    assert lakefile == Lakefile("", (Target("A", (Pattern(("A",)), Pattern(("C",), below=False))),))


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        (Pattern(("A",)), {"A", "A.B", "A.B.C"}),
        (Pattern(("A",), below=False), {"A"}),
        (Pattern(("A",), itself=False), {"A.B", "A.B.C"}),
        (Pattern(("A", "B")), {"A.B", "A.B.C"}),
    ],
)
def test_what_a_pattern_covers(pattern: Pattern, covered: set[str]) -> None:
    names = ["A", "A.B", "A.B.C", "AB", "B", "B.A"]
    assert {name for name in names if pattern.covers(tuple(name.split(".")))} == covered


@given(st.text(alphabet='@[default_target]\n lean_lib«A-».:=#`"{srcDirglobs/', max_size=120))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(parse_lean(text), Lakefile)
    assert isinstance(parse_toml(text), Lakefile)
