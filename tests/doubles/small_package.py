"""A package of the embedded Lean's shape that is small enough to make in a test: loader, module, library, tarball."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.config import Paths
from orchestrator.lean.embedded.node import NodeRuntime
from orchestrator.lean.embedded.npm_package import NpmPackage

LOADER = (
    'var Module=typeof Module!="undefined"?Module:{};'
    "var init=()=>{var pthreadPoolSize=4;while(pthreadPoolSize--)start()};"
    'var start=()=>{var worker;worker=new Worker(pthreadMainJs,{workerData:"em-pthread",name:"em-pthread"})};'
    'var ASM={1:()=>{if(isNode){FS.mount(NODEFS,{root:"/home"},"/home");FS.mount(NODEFS,{root:"/tmp"},"/tmp");'
    "FS.chdir(process.cwd())}else{function mkdirSafe(path){FS.mkdir(path)}}}};"
    "function getWasmImports(){assignWasmImports();return{env:wasmImports}}"
    "var getFunctionAddress=func=>{if(!functionsInTableMap){functionsInTableMap=new WeakMap;"
    "updateTableMap(0,wasmTable.length)}return functionsInTableMap.get(func)||0};"
    "var updateGOT=(exports,replace)=>{for(var symName in exports){GOT[symName]=exports[symName]}};"
    "var isImmutableGlobal=val=>false;"
    "var __dlsym_js=(handle,symbol,symbolIndex)=>{return LDSO[handle].exports[symbol]};__dlsym_js.sig='pppp';"
    "var _twice,_thrice,_unread,_origin,wasmTable;function assignWasmExports(wasmExports){"
    '_twice=Module["_twice"]=wasmExports["twice"];_thrice=Module["_thrice"]=wasmExports["thrice"];'
    '_unread=Module["_unread"]=wasmExports["unread"];_origin=Module["_origin"]=wasmExports["origin"]}'
    "var run=()=>_twice(wasmTable);"
)
"""Every place that `javascript.py` edits, and four exports of which only `_twice` is read."""

SERVER = {"Server.lean": b"def main := 1\n", "Boot.lean": b"-- boot\n", "launch.cjs": b"// launch\n"}


def section(number: int, content: bytes) -> bytes:
    """One section of a module; everything here is short enough for lengths of one byte."""
    return bytes([number, len(content)]) + content


def module(*, constant: int = 1024) -> bytes:
    """A valid module with four exported functions (two of them in its table), a data symbol and a variable.

    The functions take a number: `twice`, `thrice`, `negated`, `unread` (which answers 7). `origin` is the data symbol
    with the value `constant`, `counter` a global that is not constant.
    """
    i32, get, const, end = 0x7F, b"\x20\x00", b"\x41", b"\x0b"
    bodies = (
        get + get + b"\x6a",
        get + b"\x41\x03\x6c",
        b"\x41\x00" + get + b"\x6b",
        b"\x41\x07",
    )
    code = b"".join(bytes([len(body) + 2, 0]) + body + end for body in bodies)
    names = (b"twice", b"thrice", b"negated", b"unread")
    exported = b"".join(bytes([len(name)]) + name + bytes([0, index]) for index, name in enumerate(names))
    exported += b"\x06origin\x03\x01" + b"\x07counter\x03\x02" + b"\x05table\x01\x00"
    low, high = constant & 0x7F | 0x80, constant >> 7
    return b"\0asm\1\0\0\0" + b"".join(
        (
            section(0, b"\x04note" + b"kept"),
            section(1, bytes([1, 0x60, 1, i32, 1, i32])),
            section(2, bytes([2]) + b"\3env\6memory\2\3\1\2" + b"\3env\4base\3" + bytes([i32, 0])),
            section(3, bytes([4, 0, 0, 0, 0])),
            section(4, bytes([1, 0x70, 0, 5])),
            section(6, bytes([2, i32, 0]) + const + bytes([low, high]) + end + bytes([i32, 1]) + const + b"\1" + end),
            section(7, bytes([7]) + exported),
            section(9, bytes([1, 0]) + const + b"\1" + end + bytes([2, 1, 0])),
            section(10, bytes([4]) + code),
        )
    )


def tarball(
    *, loader: str = LOADER, library: Mapping[str, bytes] | None = None, links: bool = False, without: str = ""
) -> bytes:
    """The npm package: both programs, and the library as a tarball inside with what macOS leaves beside files."""
    library = {"./Init.olean": b"olean" * 100, "./Init/Core.olean": b"core"} if library is None else library
    inner = {**library, "./._Init.olean": b"finder"}
    files = {
        "package.json": b"{}",
        "lean.js": loader.encode(),
        "lean.wasm": module(),
        "lean-lib.tar.gz": _tar(inner, link="./link.olean" if links else ""),
    }
    return _tar({f"package/{name}": content for name, content in files.items() if name != without})


def known(content: bytes, *, disk_bytes: int = 0) -> NpmPackage:
    """A package description that `content` answers to."""
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    return NpmPackage("small", "1.0.0", integrity, "4.0.0-small", disk_bytes)


@dataclass
class FolderNpm:
    """An npm that copies a tarball, notes each call in a file beside it, and can fail first."""

    source: Path
    error: Exception | None = None

    def pack(self, package: NpmPackage, folder: Path) -> Path:
        """See `Npm.pack`."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{package.specifier}\n")
        if self.error is not None:
            raise self.error
        return Path(shutil.copy(self.source, folder / "small-1.0.0.tgz"))

    @property
    def log(self) -> Path:
        """The file with a line for each call."""
        return self.source.with_suffix(".log")

    @property
    def calls(self) -> int:
        """How often it was asked."""
        return len(self.log.read_text(encoding="utf-8").splitlines()) if self.log.exists() else 0


@dataclass
class Workbench:
    """All that an installation of the small package needs, in one folder."""

    folder: Path
    content: bytes = field(default_factory=tarball)

    def __post_init__(self) -> None:
        (self.folder / "small.tgz").write_bytes(self.content)
        script = self.folder / "node"
        script.write_text(_NODE.replace("LOG", str(self.folder / "node.log")), encoding="utf-8")
        script.chmod(0o755)
        self.npm = FolderNpm(self.folder / "small.tgz")
        self.node = NodeRuntime(script, (), "24.0.0")
        self.package = known(self.content)
        self.paths = Paths(cache=self.folder / "cache", data=self.folder / "data", state=self.folder / "state")

    @property
    def root(self) -> Path:
        """Where it is installed."""
        return self.paths.embedded_lean

    @property
    def compiled(self) -> int:
        """How often the server was compiled."""
        log = self.folder / "node.log"
        return log.read_text(encoding="utf-8").split().count("compile") if log.exists() else 0


_NODE = """#!/bin/sh
for word; do case "$word" in *Server.olean) out="$word" ;; esac; done
if [ -n "$out" ]; then
  echo compile >> "LOG"
  if grep -q wrong "${out%olean}lean"; then echo "Server.lean:1:0: error: wrong"; exit 1; fi
  umask 0; echo ir > "${out%olean}ir"; echo olean > "$out"; echo private > "$out.private"
else
  echo check >> "LOG"
  if grep -q mute "$(dirname "$2")/Server.lean" "$(dirname "$1")/Server.lean" 2>/dev/null; then exit 0; fi
  echo '{"ready":true}'
fi
"""


def _tar(files: Mapping[str, bytes], *, link: str = "") -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
            tar.addfile(member)
    return written.getvalue()
