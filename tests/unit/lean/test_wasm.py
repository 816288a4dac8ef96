"""The rewriting of WebAssembly modules."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_package import module

from orchestrator.errors import InstallError
from orchestrator.lean.embedded import wasm
from orchestrator.lean.embedded.node import find_node

LEAN_FOLDER = Path(wasm.__file__).parent

RUN_MODULE = """
const fs = require('node:fs');
const { symbolLookUp } = require(process.argv[1] + '/symbols.cjs');
const folder = process.argv[2];
const table = fs.readFileSync(folder + '/symbols');
const shared = new SharedArrayBuffer(table.length);
table.copy(new Uint8Array(shared));
const lookUp = symbolLookUp(shared);
const named = name => lookUp(Buffer.from('..' + name + '\\0'), 2);
const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
const built = new WebAssembly.Module(fs.readFileSync(folder + '/module'));
const instance = new WebAssembly.Instance(built, { env: { memory, base: 0 } });
const call = name => instance.exports.table.get(named(name))(5);
console.log(JSON.stringify({
  exports: Object.keys(instance.exports),
  results: Object.fromEntries(['twice', 'thrice', 'negated', 'unread'].map(name => [name, call(name)])),
  origin: named('origin'),
  absent: [named('counter'), named('twic'), named('')],
}));
"""


@given(st.integers(min_value=0, max_value=2**64))
def test_unsigned_numbers_are_read_as_written(value: int) -> None:
    written = wasm.write_unsigned(value)
    assert wasm.read_unsigned(b"x" + written + b"\xff", 1) == (value, 1 + len(written))


@given(st.integers(min_value=-(2**63), max_value=2**63))
def test_signed_numbers_are_read_as_written(value: int) -> None:
    written = wasm.write_signed(value)
    assert wasm.read_signed(written, 0) == (value, len(written))


@pytest.mark.parametrize(
    ("value", "written"), [(0, "00"), (63, "3f"), (64, "c000"), (-1, "7f"), (-64, "40"), (-65, "bf7f"), (128, "8001")]
)
def test_signed_numbers_are_written_as_the_format_says(value: int, written: str) -> None:
    assert wasm.write_signed(value).hex() == written


def test_the_rewritten_module_runs_and_every_function_is_found_by_its_symbol(tmp_path: Path) -> None:
    shrunk = wasm.shrink(module(constant=1024), {"thrice", "table", "nothing of this name"})
    (tmp_path / "module").write_bytes(shrunk.module)
    (tmp_path / "symbols").write_bytes(wasm.symbol_table(shrunk.symbols))
    node = str(find_node().executable)
    ran = subprocess.run(
        (node, "-e", RUN_MODULE, str(LEAN_FOLDER), str(tmp_path)), capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == {
        "exports": ["thrice", "table"],
        "results": {"twice": 10, "thrice": 15, "negated": -5, "unread": 7},
        "origin": 1024,
        "absent": [0, 0, 0],
    }


def test_functions_that_have_a_slot_keep_it_and_the_others_get_new_ones() -> None:
    assert dict(wasm.shrink(module(), set()).symbols) == {
        b"thrice": 1,
        b"twice": 2,
        b"negated": 5,
        b"unread": 6,
        b"origin": 1024,
    }


def test_sections_that_are_not_rewritten_stay_as_they_are() -> None:
    before, after = module(), wasm.shrink(module(), {"twice"}).module

    def untouched(data: bytes) -> list[tuple[int, bytes]]:
        return [(s.number, data[s.start : s.end]) for s in wasm.sections(data) if s.number not in (4, 7, 9)]

    assert untouched(before) == untouched(after)


@given(
    st.dictionaries(st.binary(min_size=1, max_size=12).filter(lambda name: 0 not in name), st.integers(1, 2**32 - 1))
)
def test_the_table_holds_every_symbol_where_probing_finds_it(symbols: dict[bytes, int]) -> None:
    table = wasm.symbol_table(symbols.items())
    words = [int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), 4)]
    size, slots = words[0], list(zip(words[1::3], words[2::3], words[3::3], strict=True))
    assert len(slots) == size
    assert size & (size - 1) == 0
    for name, value in symbols.items():
        hashes = wasm.symbol_hashes(name)
        slot = hashes[0] & (size - 1)
        while slots[slot][:2] != hashes:
            assert slots[slot][2] != 0
            slot = (slot + 1) & (size - 1)
        assert slots[slot][2] == value


def test_symbols_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(InstallError, match="told apart"):
        wasm.symbol_table([(b"same", 1), (b"same", 2)])
    with pytest.raises(InstallError, match="told apart"):
        wasm.symbol_table([(b"nowhere", 0)])


@given(st.integers(0, module().index(bytes([10, 30])) - 1))
def test_a_module_that_ends_early_is_refused(length: int) -> None:
    with pytest.raises(InstallError, match="not the one this version knows"):
        wasm.shrink(module()[:length], {"twice"})


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"\x04\x04\x01\x70\x00\x05", b"\x04\x04\x01\x6f\x00\x05", "another kind of function table"),
        (b"\x09\x08\x01\x00\x41", b"\x09\x08\x01\x01\x41", "filled in another way"),
        (b"\x41\x80\x08\x0b", b"\x43\x80\x08\x0b", "starts with instruction 0x43"),
        (b"\x41\x80\x08\x0b", b"\x41\x80\x08\x6a", "a global is computed"),
        (b"\x04base\x03\x7f\x00", b"\x04base\x04\x7f\x00", "imports something of kind 4"),
        (b"\0asm", b"\1asm", "no WebAssembly module"),
    ],
)
def test_modules_built_another_way_are_refused_with_the_reason(old: bytes, new: bytes, reason: str) -> None:
    whole = module()
    assert whole.count(old) == 1
    with pytest.raises(InstallError, match=reason) as caught:
        wasm.shrink(whole.replace(old, new), set())
    assert caught.value.where == "lean.wasm"
    assert caught.value.hint
