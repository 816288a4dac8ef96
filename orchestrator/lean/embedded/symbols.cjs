// Look-up in bin/lean.symbols: from the name of a symbol to its slot in the function table, or its address in memory.
// Layout (little endian, unsigned 32 bits): number of slots, a power of two; then per slot two hashes of the name and
// the value, 0 for an empty slot. Slots are probed in order from the first hash; both hashes together are unique.
'use strict';

const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

// The two hashes of wasm.py's symbol_hashes: CRC-32, and the name as one big-endian number modulo 2^31 - 1.
exports.symbolLookUp = shared => {
  const slots = new Uint32Array(shared, 0, 1)[0];
  const table = new Uint32Array(shared, 4, 3 * slots);
  return (bytes, start) => {
    let crc = -1;
    let rest = 0;
    for (let at = start, byte; (byte = bytes[at]); at++) {
      crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 255];
      rest = (((rest & 0x7fffff) << 8) | byte) + (rest >>> 23);
      if (rest >= 0x7fffffff) rest -= 0x7fffffff;
    }
    crc = ~crc >>> 0;
    for (let slot = crc & (slots - 1); ; slot = (slot + 1) & (slots - 1)) {
      const value = table[3 * slot + 2];
      if (value === 0 || (table[3 * slot] === crc && table[3 * slot + 1] === rest)) return value;
    }
  };
};
