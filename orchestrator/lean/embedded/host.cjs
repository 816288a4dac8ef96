// System calls that each thread of Lean makes directly to this machine, instead of asking the main thread to make them.
// Every call answers as the C library expects, or undefined to leave the call to the build's own file system.
// `memory` has text(pointer), bytes(), words(), longs() and writeStat(pointer, stat); views are fetched at each use,
// since memory grows under them. Calls named fd_* answer an error number, the others its negative.
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const FIRST = 0x4000; // our file descriptors start here, above those of the build's own file system
const CHANGING = 3 | 64 | 512 | 1024 | 65536; // O_ACCMODE, O_CREAT, O_TRUNC, O_APPEND, O_DIRECTORY
const NO_FOLLOW = 256;
const REGULAR_FILE = 4;
const NOT_A_TERMINAL = 59;
const INPUT_OUTPUT = 29;
const ERRORS = { EACCES: 2, EBADF: 8, EINVAL: 28, EISDIR: 31, ELOOP: 32, EMFILE: 33, ENAMETOOLONG: 37, ENOENT: 44,
  ENOTDIR: 54, EPIPE: 64 };

function errorNumber(error) {
  if (typeof error.code !== 'string' || error.syscall === undefined) throw error;
  return ERRORS[error.code] ?? INPUT_OUTPUT;
}

function guarded(calls) {
  const entries = Object.entries(calls).map(([name, call]) => [
    name,
    (...values) => {
      try {
        return call(...values);
      } catch (error) {
        return name.startsWith('fd_') ? errorNumber(error) : -errorNumber(error);
      }
    },
  ]);
  return Object.fromEntries(entries);
}

// The buffers of a scatter/gather list.
const buffers = (memory, list, count) =>
  Array.from({ length: count }, (_, i) => {
    const [pointer, length] = memory.words().subarray((list >> 2) + 2 * i, (list >> 2) + 2 * i + 2);
    return { pointer, length };
  });

// Reading files of the readable folders. Positions are shared, since file descriptors are.
exports.fileCalls = (shared, memory) => {
  const positions = new Float64Array(shared.positions);
  const within = (name, folder) => name === folder || name.startsWith(folder + '/');
  const visible = pointer => {
    const name = memory.text(pointer);
    if (!name.startsWith('/')) return undefined;
    const plain = path.posix.normalize(name).replace(/(.)\/$/, '$1');
    return shared.readable.some(folder => within(plain, folder) || within(folder, plain)) ? plain : undefined;
  };
  const ours = fd => fd >= FIRST;
  const read = (fd, list, count, start) => {
    let total = 0;
    for (const { pointer, length } of buffers(memory, list, count)) {
      for (let done = 0; done < length; ) {
        const got = fs.readSync(fd - FIRST, memory.bytes(), pointer + done, length - done, start + total);
        if (got === 0) return total;
        done += got;
        total += got;
      }
    }
    return total;
  };
  const stat = (pointer, buffer, follow) => {
    const name = visible(pointer);
    return name && memory.writeStat(buffer, follow ? fs.statSync(name) : fs.lstatSync(name));
  };

  return guarded({
    __syscall_openat(_folder, pointer, flags) {
      const name = flags & CHANGING ? undefined : visible(pointer);
      if (name === undefined || !fs.statSync(name).isFile()) return undefined;
      const fd = fs.openSync(name, 'r');
      if (fd >= positions.length) {
        fs.closeSync(fd);
        return -ERRORS.EMFILE;
      }
      positions[fd] = 0;
      return FIRST + fd;
    },
    fd_close(fd) {
      if (!ours(fd)) return undefined;
      fs.closeSync(fd - FIRST);
      return 0;
    },
    fd_read(fd, list, count, result) {
      if (!ours(fd)) return undefined;
      const got = read(fd, list, count, positions[fd - FIRST]);
      positions[fd - FIRST] += got;
      memory.words()[result >> 2] = got;
      return 0;
    },
    fd_pread(fd, list, count, offset, result) {
      if (!ours(fd)) return undefined;
      memory.words()[result >> 2] = read(fd, list, count, Number(offset));
      return 0;
    },
    fd_seek(fd, offset, whence, result) {
      if (!ours(fd)) return undefined;
      const base = [0, positions[fd - FIRST], fs.fstatSync(fd - FIRST).size][whence];
      positions[fd - FIRST] = base + Number(offset);
      memory.longs()[result >> 3] = BigInt(positions[fd - FIRST]);
      return 0;
    },
    fd_fdstat_get(fd, buffer) {
      if (!ours(fd)) return undefined;
      memory.bytes().fill(0, buffer, buffer + 24)[buffer] = REGULAR_FILE;
      return 0;
    },
    __syscall_fstat64: (fd, buffer) => (ours(fd) ? memory.writeStat(buffer, fs.fstatSync(fd - FIRST)) : undefined),
    __syscall_fcntl64: fd => (ours(fd) ? 0 : undefined),
    __syscall_ioctl: fd => (ours(fd) ? -NOT_A_TERMINAL : undefined),
    __syscall_stat64: (pointer, buffer) => stat(pointer, buffer, true),
    __syscall_lstat64: (pointer, buffer) => stat(pointer, buffer, false),
    __syscall_newfstatat: (_folder, pointer, buffer, flags) => stat(pointer, buffer, !(flags & NO_FOLLOW)),
    __syscall_faccessat(_folder, pointer, mode) {
      const name = visible(pointer);
      return name && (fs.accessSync(name, mode) ?? 0);
    },
    __syscall_readlinkat(_folder, pointer, buffer, size) {
      const name = visible(pointer);
      if (name === undefined) return undefined;
      const target = Buffer.from(fs.readlinkSync(name)).subarray(0, size);
      memory.bytes().set(target, buffer);
      return target.length;
    },
  });
};

// Standard input, output and error as streams of bytes, without the line buffers of a terminal.
exports.streamCalls = memory => {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const untilReady = action => {
    for (;;) {
      try {
        return action();
      } catch (error) {
        if (error.code === 'EOF') return 0;
        if (error.code !== 'EAGAIN') throw error;
        Atomics.wait(pause, 0, 0, 5);
      }
    }
  };
  return guarded({
    fd_read(fd, list, count, result) {
      if (fd !== 0) return undefined;
      const buffer = buffers(memory, list, count).find(({ length }) => length > 0);
      memory.words()[result >> 2] =
        buffer && untilReady(() => fs.readSync(0, memory.bytes(), buffer.pointer, buffer.length, null));
      return 0;
    },
    fd_write(fd, list, count, result) {
      if (fd !== 1 && fd !== 2) return undefined;
      let total = 0;
      for (const { pointer, length } of buffers(memory, list, count)) {
        for (let done = 0; done < length; ) {
          const written = untilReady(() => fs.writeSync(fd, memory.bytes(), pointer + done, length - done));
          done += written;
          total += written;
        }
      }
      memory.words()[result >> 2] = total;
      return 0;
    },
  });
};
