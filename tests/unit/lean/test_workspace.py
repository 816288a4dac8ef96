"""A project on a session: what is elaborated on what, what is kept, and what happens when the process is replaced."""

from __future__ import annotations

import pytest
from small_lean import SmallLean, project

from orchestrator.errors import RequestRefused, SessionDied
from orchestrator.lean.protocol import Command, Describe, File, Forget, KnownNames
from orchestrator.lean.session import ask
from orchestrator.lean.workspace import Workspace


@pytest.fixture
def lean() -> SmallLean:
    """A pretended Lean."""
    return SmallLean()


async def test_a_module_sees_exactly_what_it_imports(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="", B="import A", C="", D="import B\nimport C"))
    for module in "ABCD":
        await workspace.load(module)
    assert lean.files() == [
        ("A", ("",), False),
        ("B", ("", "A"), False),
        ("C", ("",), False),
        ("C", ("", "A", "B"), False),
        ("D", ("", "A", "B", "C"), False),
    ]


async def test_what_is_imported_from_outside_comes_first_and_once(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="import Std", B="import Std\nimport A", C="import Lean\nimport A"))
    for module in "ABC":
        await workspace.load(module)
    headers = [request.cmd for request in lean.session.asked if isinstance(request, Command)]
    assert headers == ["import Std\n", "import Lean\nimport Std\n"]
    assert lean.files()[-2:] == [
        ("A", ("import Lean\nimport Std\n",), False),
        ("C", ("import Lean\nimport Std\n", "A"), False),
    ]


async def test_a_module_is_elaborated_once(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A=""))
    assert not workspace.holds("A")
    first = await workspace.load("A")
    assert workspace.holds("A")
    assert await workspace.load("A") is first
    assert len(lean.files()) == 1


async def test_line_ends_are_as_lean_reads_them(lean: SmallLean) -> None:
    await Workspace(lean.session, project(A="a\r\nb\r\n")).load("A")
    assert [request.text for request in lean.session.asked if isinstance(request, File)] == ["a\nb\n"]


async def test_a_broken_import_blocks_and_the_environment_with_it_is_not_used(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="broken", B="import A", C="import B", D=""))
    assert [message.text for message in (await workspace.load("A")).errors] == ["this is broken"]
    assert (await workspace.load("B")).blocked_by == ("A",)
    assert (await workspace.load("C")).blocked_by == ("A",)
    elaborated = await workspace.load("D")
    assert (elaborated.blocked_by, elaborated.errors) == ((), ())
    assert lean.environments[elaborated.base] == ("",)
    assert all("A" not in held for module, held, _ in lean.files() if module in ("A", "D"))


async def test_what_cannot_be_compiled_is_elaborated_as_noncomputable(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="uncompilable", B="uncompilable broken", C="import A"))
    first, second, third = [await workspace.load(name) for name in "ABC"]
    assert (first.noncomputable, first.errors) == (True, ())
    assert second.noncomputable
    assert [message.text for message in second.errors] == ["this is broken"]
    assert not third.noncomputable
    assert lean.environments[third.base] == ("", "A")
    assert [(module, again) for module, _, again in lean.files()] == [
        ("A", False),
        ("A", True),
        ("B", False),
        ("B", True),
        ("C", False),
    ]


async def test_a_file_that_takes_too_long_is_an_error_of_the_file(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="slow", B="import A"))
    assert [message.text for message in (await workspace.load("A")).errors] == [
        "not elaborated within 300 s (ORCH_ELABORATION_TIMEOUT gives the gate more)"
    ]
    assert (await workspace.load("B")).blocked_by == ("A",)


@pytest.mark.parametrize("text", ["import broken", "import nothing"])
async def test_a_library_that_cannot_be_had_is_refused(lean: SmallLean, text: str) -> None:
    workspace = Workspace(lean.session, project(A=text, B=""))
    with pytest.raises(RequestRefused, match=f"Lean cannot {text}"):
        await workspace.load("A")
    assert (await workspace.load("B")).errors == ()


async def test_fingerprints_are_those_of_the_module_alone(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="", B="import A"))
    found = await workspace.fingerprints("B")
    assert list(found) == ["B"]
    asked = lean.session.asked[-1]
    assert isinstance(asked, Describe)
    elaborated = await workspace.load("B")
    assert (asked.env, asked.base) == (elaborated.env, elaborated.base)


async def test_only_names_are_looked_up_in_the_library(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="import Std"))
    names = ["Nat.add", "Nat.broken", "x) broken #eval (y", "«a b».c", "", "1", "a\n#eval b"]
    assert await workspace.library_has(names) == {"Nat.add", "«a b».c"}
    assert lean.session.asked[-1] == KnownNames(("Nat.add", "Nat.broken", "«a b».c"), 1)


async def test_after_the_process_ended_everything_is_elaborated_again(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="", B="import A"))
    await workspace.load("B")
    lean.end()
    assert not workspace.holds("B")
    elaborated = await workspace.load("B")
    assert lean.environments[elaborated.env] == ("", "A", "B")
    assert [module for module, _, _ in lean.files()] == ["A", "B", "A", "B"]


async def test_a_file_that_ends_the_process_raises_and_the_next_one_starts_again(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="", B="crash", C="import A"))
    await workspace.load("A")
    with pytest.raises(SessionDied):
        await workspace.load("B")
    assert not workspace.holds("A")
    elaborated = await workspace.load("C")
    assert lean.environments[elaborated.env] == ("", "A", "C")


async def test_a_process_replaced_between_two_files_is_noticed(lean: SmallLean) -> None:
    """Environment 1 of another process is not the environment 1 that was meant."""
    lean.ends_before = "module='B'"
    workspace = Workspace(lean.session, project(A="", B="import A"))
    with pytest.raises(SessionDied, match="unnoticed"):
        await workspace.load("B")
    assert not workspace.holds("B")
    assert lean.environments[(await workspace.load("B")).env] == ("", "A", "B")


async def test_what_was_made_later_is_forgotten(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="sorry"))
    await workspace.load("A")
    env, state = workspace.highest_env, workspace.highest_proof_state
    assert (env, state) == (len(lean.environments) - 1, 0)
    workspace.note(await ask(lean.session, Command("sorry", env=env), timeout=1))
    await workspace.forget_after(env=env, proof_state=state)
    assert lean.session.asked[-1] == Forget((env + 1, env + 2), proof_states_from=1)


async def test_a_variant_elaborates_again_only_what_has_changed_or_imports_it(lean: SmallLean) -> None:
    workspace = Workspace(lean.session, project(A="", B="import A", C="import B", D="import A"))
    for module in "ABCD":
        await workspace.load(module)
    before = len(lean.files())
    variant = workspace.variant(project(A="", B="import A\nsorry", C="import B", D="import A"))
    for module in "ABCD":
        await variant.load(module)
    assert [module for module, _, _ in lean.files()[before:]] == ["B", "C"]
