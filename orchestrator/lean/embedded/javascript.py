"""Rewrite the JavaScript that loads Lean's WebAssembly module, so that `launch.cjs` can take its place. Pure.

The file is one line of 89 MB, nearly all of it a variable and an assignment for each of 201,110 symbols. Those that
nothing reads are left out, and a few spots are given over to `globalThis.leanModule`, which `launch.cjs` provides.
A text that is not the loader this version knows raises `InstallError`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.errors import InstallError


@dataclass(frozen=True, slots=True)
class SourceEdit:
    """Put `new` in place of the text from `start` up to but without `stop`, or of `start` alone when that is empty."""

    name: str
    start: str
    new: str
    stop: str = ""


EDITS = (
    SourceEdit("module", 'var Module=typeof Module!="undefined"?Module:{};', "var Module=globalThis.leanModule;"),
    SourceEdit("number of threads", "pthreadPoolSize=4", "pthreadPoolSize=Module.threads"),
    SourceEdit(
        "new thread",
        'worker=new Worker(pthreadMainJs,{workerData:"em-pthread",name:"em-pthread"})',
        "worker=Module.newThread()",
    ),
    SourceEdit(
        "folders",
        'FS.mount(NODEFS,{root:"/home"},"/home");',
        "Module.mountFiles(FS,NODEFS)",
        stop="}else{function mkdirSafe(path)",
    ),
    SourceEdit(
        "system calls",
        "function getWasmImports(){assignWasmImports();",
        "function getWasmImports(){assignWasmImports();Module.replaceImports(wasmImports,{"
        "bytes:()=>(growMemViews(),HEAPU8),words:()=>(growMemViews(),HEAPU32),longs:()=>(growMemViews(),HEAP64),"
        "text:UTF8ToString,writeStat:SYSCALLS.writeStat});",
    ),
    SourceEdit(  # a map of all functions would take each thread a second; it is only asked for functions of JavaScript
        "function addresses",
        "if(!functionsInTableMap){functionsInTableMap=new WeakMap;updateTableMap(0,wasmTable.length)}",
        "functionsInTableMap??=new WeakMap;",
    ),
    SourceEdit(
        "addresses of imports",
        "var updateGOT=(exports,replace)=>{",
        "var updateGOT=(exports,replace)=>{if(replace)return;for(var name in GOT){if(GOT[name].value!=-1)continue;"
        "var value=Module.symbolNamed(name);if(value||/^emscripten_(web)?gl/.test(name))GOT[name].value=value}};",
        stop="var isImmutableGlobal=",
    ),
    SourceEdit(
        "symbols",
        "var __dlsym_js=(handle,symbol,symbolIndex)=>{",
        "var __dlsym_js=(handle,symbol)=>{var value=Module.symbolAt((growMemViews(),HEAPU8),symbol);"
        'if(!value)dlSetError("unknown symbol "+UTF8ToString(symbol));return value};',
        stop="__dlsym_js.sig=",
    ),
)

_ASSIGNMENTS = "function assignWasmExports(wasmExports){"
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_FOUND_BY_NAME = {"memory", "__indirect_function_table", "__main_argc_argv", "main", "__stack_pointer", "__heap_base"}
"""Exports that the JavaScript looks up in the list of exports instead of naming them."""


def rewrite(text: str) -> str:
    """The loader as we use it."""
    text = without_unread_exports(text)
    for edit in EDITS:
        text = apply(edit, text)
    return text


def apply(edit: SourceEdit, text: str) -> str:
    """The text with one edit made."""
    start = _only(edit.start, text, edit.name)
    stop = _only(edit.stop, text, edit.name) if edit.stop else start + len(edit.start)
    if stop < start:
        raise _unknown(edit.name, "its end comes before its start")
    return text[:start] + edit.new + text[stop:]


def without_unread_exports(text: str) -> str:
    """Drop the variables for exports, and their assignments, that the rest of the text never mentions."""
    head = _only(_ASSIGNMENTS, text, "exports")
    body = head + len(_ASSIGNMENTS)
    end = text.find("}", body)
    variables = text.rfind("var ", 0, head)
    if end < 0 or variables < 0 or text[head - 1] != ";":
        raise _unknown("exports", "no list of variables in front")
    declared = text[variables + len("var ") : head - 1].split(",")
    if not all(map(_IDENTIFIER.fullmatch, declared)):
        raise _unknown("exports", "the list in front is not one of variables")
    before, after = text[:variables], text[end:]
    read = {found.group() for part in (before, after) for found in _IDENTIFIER.finditer(part)}
    kept = [name for name in declared if name in read]
    assigned = [line for line in text[body:end].split(";") if line.partition("=")[0] in read]
    if not kept or {line.partition("=")[0] for line in assigned} - set(kept):
        raise _unknown("exports", "variables and assignments do not match")
    return f"{before}var {','.join(kept)};{_ASSIGNMENTS}{';'.join(assigned)}{after}"


def exports_in_use(text: str) -> frozenset[str]:
    """Names of the module's exports that a rewritten loader needs."""
    return frozenset(re.findall(r'wasmExports\["([^"]+)"\]', text)) | _FOUND_BY_NAME


def _only(needle: str, text: str, spot: str) -> int:
    found = text.count(needle)
    if found != 1:
        raise _unknown(spot, f"found {found} times")
    return text.index(needle)


def _unknown(spot: str, reason: str) -> InstallError:
    return InstallError(
        f"the JavaScript of the embedded Lean is not the one this version knows: {reason}",
        where=f"lean.js, {spot}",
        hint="Run `orchestrator lean install` again; if it stays so, upgrade lean-orchestrator",
    )
