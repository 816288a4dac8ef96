"""The rewriting of the loader."""

from __future__ import annotations

import hashlib
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_package import LOADER, module

from orchestrator.errors import InstallError
from orchestrator.lean.embedded import javascript, wasm
from orchestrator.lean.embedded.javascript import EDITS, SourceEdit
from orchestrator.lean.embedded.node import find_node
from orchestrator.lean.embedded.steps import REVISION

RESULTS = {1: "0eb631aebc6be3ff"}
"""What each revision of the transformation makes of the small package: start of a SHA-256."""


def test_the_rewritten_loader_is_javascript_and_hands_over_every_place() -> None:
    rewritten = javascript.rewrite(LOADER)
    node = str(find_node().executable)
    assert subprocess.run((node, "--check", "-"), input=rewritten, text=True, capture_output=True).returncode == 0
    for hook in (
        "var Module=globalThis.leanModule;",
        "pthreadPoolSize=Module.threads",
        "worker=Module.newThread()",
        "if(isNode){Module.mountFiles(FS,NODEFS)}else{function mkdirSafe(path)",
        "Module.replaceImports(wasmImports,",
        "Module.symbolNamed(name)",
        "Module.symbolAt((growMemViews(),HEAPU8),symbol)",
    ):
        assert rewritten.count(hook) == 1, hook
    for gone in ("new Worker", 'root:"/home"', "process.cwd", "updateTableMap(0,", "symbolIndex"):
        assert gone not in rewritten


def test_what_is_not_edited_stays() -> None:
    assert javascript.rewrite(LOADER).endswith("var run=()=>_twice(wasmTable);")


def test_only_exports_that_are_read_stay() -> None:
    rewritten = javascript.rewrite(LOADER)
    assert "var _twice,wasmTable;function assignWasmExports" in rewritten
    assert '{_twice=Module["_twice"]=wasmExports["twice"]}' in rewritten
    assert "_thrice" not in rewritten
    assert {"twice", "memory", "main"} <= javascript.exports_in_use(rewritten)
    assert "thrice" not in javascript.exports_in_use(rewritten)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_a_place_that_is_missing_or_there_twice_is_named(edit: SourceEdit) -> None:
    for text in (LOADER.replace(edit.start, "/*gone*/"), LOADER + edit.start):
        with pytest.raises(InstallError, match=r"not the one this version knows: found [02] times") as caught:
            javascript.rewrite(text)
        assert caught.value.where == f"lean.js, {edit.name}"
        assert caught.value.hint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wasmTable;function assign", "wasmTable,function assign"),
        ("var _twice,_thrice", "var _twice=1,_thrice"),
        ('{_twice=Module["_twice"]', '{run=Module["_twice"]'),
        ("function assignWasmExports", "function assignOthers"),
    ],
)
def test_another_list_of_exports_is_refused(old: str, new: str) -> None:
    assert LOADER.count(old) == 1
    with pytest.raises(InstallError) as caught:
        javascript.without_unread_exports(LOADER.replace(old, new))
    assert caught.value.where == "lean.js, exports"


@given(st.text(alphabet="ab"), st.text(alphabet="ab"), st.text(alphabet="xy"))
def test_an_edit_changes_its_stretch_and_nothing_else(before: str, after: str, inside: str) -> None:
    text = f"{before}<{inside}>{after}"
    assert javascript.apply(SourceEdit("stretch", "<", "new", stop=">"), text) == f"{before}new>{after}"
    assert javascript.apply(SourceEdit("mark", "<", "new"), text) == f"{before}new{inside}>{after}"


def test_an_edit_whose_end_comes_first_is_refused() -> None:
    with pytest.raises(InstallError, match="its end comes before its start"):
        javascript.apply(SourceEdit("stretch", "<", "new", stop=">"), "><")


def test_another_result_has_another_revision() -> None:
    """If this fails, the transformation changed: raise REVISION and add the new result, so that users get it."""
    loader = javascript.rewrite(LOADER)
    shrunk = wasm.shrink(module(), javascript.exports_in_use(loader))
    result = loader.encode() + shrunk.module + wasm.symbol_table(shrunk.symbols)
    assert hashlib.sha256(result).hexdigest().startswith(RESULTS[REVISION])
