"""What Lean can reach of this machine: the system calls of `host.cjs`, run in Node on a memory that stands in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.lean.embedded import node as node_module
from orchestrator.lean.embedded.node import find_node

HOST = Path(node_module.__file__).parent / "host.cjs"

SCRIPT = """
const { fileCalls, streamCalls } = require(process.argv[1]);
const [readable, steps] = JSON.parse(process.argv[2]);
const raw = new ArrayBuffer(65536);
const texts = new Map();
const memory = {
  bytes: () => new Uint8Array(raw),
  words: () => new Uint32Array(raw),
  longs: () => new BigInt64Array(raw),
  text: pointer => texts.get(pointer),
  writeStat(buffer, stat) { memory.words()[buffer >> 2] = stat.size; return 0; },
};
const shared = { readable, positions: new SharedArrayBuffer(8 * 4096) };
const calls = fileCalls(shared, memory);
const streams = streamCalls(memory);
const VECTOR = 64, RESULT = 128, DATA = 4096;
const named = name => (texts.set(1, name), 1);
const found = code => (code === 0 ? memory.words()[RESULT >> 2] : code);
const run = {
  open: (name, flags) => calls.__syscall_openat(-100, named(name), flags ?? 0),
  stat: name => found(calls.__syscall_stat64(named(name), RESULT)),
  access: (name, mode) => calls.__syscall_faccessat(-100, named(name), mode, 0),
  link(name) {
    const length = calls.__syscall_readlinkat(-100, named(name), DATA, 100);
    return length > 0 ? Buffer.from(raw, DATA, length).toString() : length;
  },
  read: (fd, ...lengths) => vector(lengths, (list, count) => calls.fd_read(fd, list, count, RESULT)),
  pread: (fd, at, ...lengths) => vector(lengths, (list, n) => calls.fd_pread(fd, list, n, BigInt(at), RESULT)),
  seek: (fd, offset, whence) => calls.fd_seek(fd, BigInt(offset), whence, RESULT),
  size: fd => found(calls.__syscall_fstat64(fd, RESULT)),
  close: fd => calls.fd_close(fd),
  terminal: fd => calls.__syscall_ioctl(fd, 0, 0),
  input: length => vector([length], (list, count) => streams.fd_read(0, list, count, RESULT)),
  print(text) {
    memory.bytes().set(Buffer.from(text), DATA);
    memory.words().set([DATA, text.length], VECTOR >> 2);
    return streams.fd_write(2, VECTOR, 1, RESULT);
  },
};
function vector(lengths, action) {
  let at = DATA;
  lengths.forEach((length, i) => { memory.words().set([at, length], (VECTOR >> 2) + 2 * i); at += length });
  const code = action(VECTOR, lengths.length);
  return code === 0 ? Buffer.from(raw, DATA, memory.words()[RESULT >> 2]).toString() : code;
}
let fd;
const results = steps.map(([name, ...values]) => {
  const result = run[name](...values.map(value => (value === 'fd' ? fd : value)));
  if (name === 'open') fd = result;
  return result === undefined ? 'theirs' : result;
});
console.log(JSON.stringify(results));
"""


class Machine:
    """A folder that may be read, with files inside and outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inside = folder / "inside"
        (self.inside / "sub").mkdir(parents=True)
        (self.inside / "file").write_text("hello, world")
        (self.inside / "link").symlink_to("file")
        (folder / "insider").write_text("not in the folder, though its name starts the same")
        (folder / "secret").write_text("secret")
        (folder / "ancestor").symlink_to("inside")
        self.errors = ""

    def run(self, *steps: tuple[Any, ...], given: str = "") -> list[Any]:
        """Make the calls; "theirs" is a call left to the build's own file system."""
        words = (str(find_node().executable), "-e", SCRIPT, str(HOST), json.dumps([[str(self.inside)], steps]))
        ran = subprocess.run(words, capture_output=True, text=True, input=given, check=True)
        self.errors = ran.stderr
        return list(json.loads(ran.stdout))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine in a folder."""
    return Machine(tmp_path)


def test_a_file_inside_is_read_at_its_position(machine: Machine) -> None:
    results = machine.run(
        ("open", f"{machine.inside}/file"),
        ("read", "fd", 5),
        ("read", "fd", 2, 3),
        ("pread", "fd", 7, 100),
        ("seek", "fd", 1, 0),
        ("read", "fd", 4),
        ("seek", "fd", -5, 2),
        ("read", "fd", 100),
        ("read", "fd", 100),
        ("size", "fd"),
        ("terminal", "fd"),
        ("close", "fd"),
        ("close", "fd"),
    )
    assert results[1:] == ["hello", ", wor", "world", 0, "ello", 0, "world", "", 12, -59, 0, 8]


def test_what_is_outside_is_not_there(machine: Machine) -> None:
    names = (
        f"{machine.folder}/secret",
        f"{machine.inside}/../secret",
        f"{machine.inside}/sub/../../secret",
        f"{machine.folder}/insider",
        "/etc/passwd",
        "/proc/self/environ",
        "relative",
        "/",
    )
    for name in names:
        steps = (("open", name), ("access", name, 0), ("stat", name), ("link", name))
        assert machine.run(*steps) == ["theirs"] * 4, name


@pytest.mark.parametrize("flags", [1, 2, 64, 512, 1024, 65536])
def test_opening_for_anything_but_reading_is_left_to_the_memory_file_system(machine: Machine, flags: int) -> None:
    assert machine.run(("open", f"{machine.inside}/file", flags)) == ["theirs"]


def test_links_and_sizes_inside_and_the_folders_above_can_be_looked_at(machine: Machine) -> None:
    name = f"{machine.inside}/link"
    assert machine.run(("stat", name), ("link", name), ("access", name, 4)) == [12, "file", 0]
    assert machine.run(("link", str(machine.folder)), ("access", str(machine.folder), 0)) == [-28, 0]
    assert machine.run(("open", str(machine.inside / "sub"))) == ["theirs"]


def test_what_is_missing_inside_is_missing(machine: Machine) -> None:
    name = f"{machine.inside}/nothing"
    assert machine.run(("open", name), ("stat", name), ("access", name, 0), ("link", name)) == [-44] * 4
    assert machine.run(("stat", f"{machine.inside}/file/below")) == [-54]


def test_descriptors_that_are_not_ours_are_left_alone(machine: Machine) -> None:
    steps = (("read", 5, 1), ("pread", 5, 0, 1), ("seek", 5, 0, 0), ("size", 5), ("close", 5), ("terminal", 1))
    assert machine.run(*steps) == ["theirs"] * 6


def test_the_standard_streams_are_bytes_without_lines(machine: Machine) -> None:
    assert machine.run(("input", 3), ("input", 100), ("input", 5), given="one two") == ["one", " two", ""]
    assert machine.run(("print", "no newline")) == [0]
    assert machine.errors == "no newline"


@pytest.mark.parametrize("script", sorted(HOST.parent.glob("*.cjs")), ids=lambda script: script.name)
def test_every_script_is_javascript(script: Path) -> None:
    ran = subprocess.run((str(find_node().executable), "--check", str(script)), capture_output=True, text=True)
    assert ran.stderr == ""
