"""Rewrite Lean's WebAssembly module: few exports, a table slot for every function, a hash table of symbols. Pure.

As shipped, each of 201,110 symbols is an export, and every export costs time in each thread of each start. Afterwards
only the exports that the JavaScript names are left; Lean's interpreter finds all the others through the symbol table.
A module that is not built the way this rewriting expects raises `InstallError`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from orchestrator.errors import InstallError

FUNCTION, GLOBAL = 0, 3
IMPORTS, TABLES, GLOBALS, EXPORTS, ELEMENTS = 2, 4, 6, 7, 9
I32_CONST, I64_CONST, GLOBAL_GET, END, FUNCREF = 0x41, 0x42, 0x23, 0x0B, 0x70
"""Numbers of the binary format: kinds of import and export, sections, instructions of constant expressions."""


@dataclass(frozen=True, slots=True)
class WasmSection:
    """One section of a module: its number, and where its content starts and ends."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Export:
    """One export: name, kind (`FUNCTION`, `GLOBAL`, ...) and index in that kind."""

    name: bytes
    kind: int
    index: int


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The rewritten module, and for every symbol the slot in its table (functions) or the address (data)."""

    module: bytes
    symbols: tuple[tuple[bytes, int], ...]


def shrink(module: bytes, keep: Set[str]) -> Shrunk:
    """Drop every export that is not in `keep`, and give every exported function a slot in the function table."""
    try:
        return _shrink(module, {name.encode() for name in keep})
    except (IndexError, struct.error) as error:
        raise _unknown("it ends in the middle") from error


def symbol_table(symbols: Iterable[tuple[bytes, int]]) -> bytes:
    """The symbols as the open-addressing hash table that `symbols.cjs` reads; its layout is written there."""
    entries = [(*symbol_hashes(name), value) for name, value in symbols]
    if len({entry[:2] for entry in entries}) < len(entries) or not all(entry[2] for entry in entries):
        raise _unknown("its symbols cannot be told apart")
    size = 1 << max(1, (2 * len(entries)).bit_length())
    table = [(0, 0, 0)] * size
    for entry in entries:
        slot = entry[0] & (size - 1)
        while table[slot][2]:
            slot = (slot + 1) & (size - 1)
        table[slot] = entry
    return struct.pack("<I", size) + b"".join(struct.pack("<III", *entry) for entry in table)


def symbol_hashes(name: bytes) -> tuple[int, int]:
    """CRC-32 of the name, and the name as one big-endian number modulo 2^31 - 1: quick to compute on both sides."""
    return zlib.crc32(name), int.from_bytes(name, "big") % 0x7FFFFFFF


def sections(module: bytes) -> Iterator[WasmSection]:
    """The sections of a module in their order."""
    if module[:8] != b"\0asm\1\0\0\0":
        raise _unknown("it is no WebAssembly module")
    at = 8
    while at < len(module):
        number = module[at]
        length, start = read_unsigned(module, at + 1)
        at = start + length
        if at > len(module):
            raise _unknown("it ends in the middle")
        yield WasmSection(number, start, at)


def exports(module: bytes, section: WasmSection) -> Iterator[Export]:
    """The exports in an export section."""
    count, at = read_unsigned(module, section.start)
    for _ in range(count):
        length, at = read_unsigned(module, at)
        name = module[at : at + length]
        kind = module[at + length]
        index, at = read_unsigned(module, at + length + 1)
        yield Export(name, kind, index)


def read_unsigned(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned LEB128 number at `at`, and where the next thing starts."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def read_signed(data: bytes, at: int) -> tuple[int, int]:
    """The signed LEB128 number at `at`, and where the next thing starts."""
    start = at
    value, at = read_unsigned(data, at)
    return value - (1 << 7 * (at - start)) if data[at - 1] & 0x40 else value, at


def write_unsigned(value: int) -> bytes:
    """Unsigned LEB128, as short as it can be."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def write_signed(value: int) -> bytes:
    """Signed LEB128, as short as it can be."""
    written = bytearray()
    while not -0x40 <= value < 0x40:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value & 0x7F)
    return bytes(written)


def _shrink(module: bytes, keep: Set[bytes]) -> Shrunk:
    layout = list(sections(module))
    by_number = {section.number: section for section in layout}
    missing = {IMPORTS, TABLES, GLOBALS, EXPORTS, ELEMENTS} - set(by_number)
    if missing:
        raise _unknown(f"section {min(missing)} is missing")
    table_size = _table_size(module, by_number[TABLES])
    slots = _slots(module, by_number[ELEMENTS])
    addresses = _addresses(module, by_number[IMPORTS], by_number[GLOBALS])
    added: list[int] = []
    kept: list[Export] = []
    symbols: list[tuple[bytes, int]] = []
    for export in exports(module, by_number[EXPORTS]):
        if export.name in keep:
            kept.append(export)
        if export.kind == FUNCTION:
            if export.index not in slots:
                slots[export.index] = table_size + len(added)
                added.append(export.index)
            symbols.append((export.name, slots[export.index]))
        elif export.kind == GLOBAL and export.index in addresses:
            symbols.append((export.name, addresses[export.index]))
    replaced = {
        TABLES: b"\1" + bytes([FUNCREF, 0]) + write_unsigned(table_size + len(added)),
        EXPORTS: write_unsigned(len(kept)) + b"".join(map(_write_export, kept)),
        ELEMENTS: _with_second_segment(module, by_number[ELEMENTS], table_size, added),
    }
    written: list[bytes | memoryview] = [module[:8]]
    for section in layout:
        content = replaced.get(section.number, memoryview(module)[section.start : section.end])
        written += [bytes([section.number]), write_unsigned(len(content)), content]
    return Shrunk(b"".join(written), tuple(symbols))


def _table_size(module: bytes, section: WasmSection) -> int:
    count, at = read_unsigned(module, section.start)
    if count != 1 or module[at : at + 2] != bytes([FUNCREF, 0]):
        raise _unknown("it has another kind of function table")
    return read_unsigned(module, at + 2)[0]


def _slots(module: bytes, section: WasmSection) -> dict[int, int]:
    """Function index → its first slot in the table, from the one element segment there is."""
    if module[section.start : section.start + 3] != bytes([1, 0, I32_CONST]):
        raise _unknown("its function table is filled in another way")
    slot, at = read_signed(module, section.start + 3)
    count, at = read_unsigned(module, at + 1)
    slots: dict[int, int] = {}
    for taken in range(slot, slot + count):
        function, at = read_unsigned(module, at)
        slots.setdefault(function, taken)
    return slots


def _with_second_segment(module: bytes, section: WasmSection, first_slot: int, functions: list[int]) -> bytes:
    return b"".join(
        (
            b"\2",
            module[section.start + 1 : section.end],
            bytes([0, I32_CONST]) + write_signed(first_slot) + bytes([END]),
            write_unsigned(len(functions)),
            *map(write_unsigned, functions),
        )
    )


def _addresses(module: bytes, imports: WasmSection, section: WasmSection) -> dict[int, int]:
    """Global index → its value, for the globals that are constants: these hold the addresses of data symbols."""
    addresses: dict[int, int] = {}
    first = _imported_globals(module, imports)
    count, at = read_unsigned(module, section.start)
    for index in range(first, first + count):
        mutable, instruction = module[at + 1], module[at + 2]
        if instruction not in (I32_CONST, I64_CONST, GLOBAL_GET):
            raise _unknown(f"a global starts with instruction {instruction:#x}")
        value, at = (read_unsigned if instruction == GLOBAL_GET else read_signed)(module, at + 3)
        if module[at] != END:
            raise _unknown("a global is computed")
        at += 1
        if instruction == I32_CONST and not mutable:
            addresses[index] = value & 0xFFFFFFFF
    return addresses


def _imported_globals(module: bytes, section: WasmSection) -> int:
    found = 0
    count, at = read_unsigned(module, section.start)
    for _ in range(count):
        for _ in range(2):  # module and field
            length, at = read_unsigned(module, at)
            at += length
        kind = module[at]
        at += 1
        if kind == FUNCTION:
            _, at = read_unsigned(module, at)
        elif kind == GLOBAL:
            found += 1
            at += 2
        elif kind == 2:  # a memory: flags, minimum, maximum
            flags = module[at]
            for _ in range(1 + (flags & 1)):
                _, at = read_unsigned(module, at if _ else at + 1)
        else:
            raise _unknown(f"it imports something of kind {kind}")
    return found


def _write_export(export: Export) -> bytes:
    return write_unsigned(len(export.name)) + export.name + bytes([export.kind]) + write_unsigned(export.index)


def _unknown(reason: str) -> InstallError:
    return InstallError(
        f"the WebAssembly module of the embedded Lean is not the one this version knows: {reason}",
        where="lean.wasm",
        hint="Run `orchestrator lean install` again; if it stays so, upgrade lean-orchestrator",
    )
