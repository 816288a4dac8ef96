// Starts the embedded Lean, and each of its threads, in Node:
//   node launch.cjs --root=R --threads=N --stack-megabytes=M [--read=F]... [--write=F] -- <arguments of lean>
// R holds bin/lean.{js,wasm,symbols} and lib/lean. Lean sees R, every F and nothing else of this machine: other paths
// lead to files in memory that end with the process. Only the folder of --write can be written to.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const v8 = require('node:v8');
const threads = require('node:worker_threads');

const { fileCalls, streamCalls } = require('./host.cjs');
const { symbolLookUp } = require('./symbols.cjs');
require('./parent.cjs');

console.log = () => {}; // the build narrates its start there

start(threads.isMainThread ? prepare(process.argv.slice(2)) : threads.getEnvironmentData('lean'));

function start(shared) {
  const lookUp = symbolLookUp(shared.symbols);
  globalThis.leanModule = {
    threads: shared.threads,
    symbolAt: lookUp,
    symbolNamed: name => lookUp(Buffer.from(name + '\0', 'latin1'), 0),
    replaceImports(imports, memory) {
      for (const calls of [fileCalls(shared, memory), streamCalls(memory)]) {
        for (const [name, call] of Object.entries(calls)) {
          const original = imports[name];
          imports[name] = (...values) => call(...values) ?? original(...values);
        }
      }
    },
    newThread: () =>
      new threads.Worker(__filename, {
        workerData: 'em-pthread',
        name: 'em-pthread',
        resourceLimits: { stackSizeMb: shared.stackMegabytes },
      }),
    mountFiles(FS, NODEFS) {
      for (const folder of shared.writable) {
        FS.mkdirTree(folder);
        FS.mount(NODEFS, { root: folder }, folder);
      }
    },
  };
  const bin = path.join(shared.root, 'bin');
  if (threads.isMainThread) {
    globalThis.leanModule.instantiateWasm = (imports, done) => {
      v8.setFlagsFromString('--wasm-tiering-budget=100000000'); // optimise later: it spares a start a second of work
      const bytes = fs.readFileSync(path.join(bin, 'lean.wasm'));
      const module = new WebAssembly.Module(bytes);
      bytes.buffer.transfer(0); // the module has its own copy, and this thread may never collect its garbage again
      done(new WebAssembly.Instance(module, imports), module);
    };
  }
  process.argv[1] = path.join(bin, 'lean.js'); // Lean looks for its library beside the folder of its program
  require(process.argv[1]);
}

function prepare(words) {
  const end = words.indexOf('--');
  const options = { read: [], write: [] };
  for (const word of words.slice(0, end)) {
    const [, name, value] = /^--([a-z-]+)=(.*)$/.exec(word) ?? [];
    if (name === undefined) throw new Error(`unknown argument ${word}`);
    if (name in options) options[name].push(path.resolve(value));
    else options[name] = [value];
  }
  const root = path.resolve(options.root[0]);
  const bytes = fs.readFileSync(path.join(root, 'bin', 'lean.symbols'));
  const shared = {
    root,
    symbols: new SharedArrayBuffer(bytes.length),
    positions: new SharedArrayBuffer(8 * 4096),
    threads: Number(options.threads[0]),
    stackMegabytes: Number(options['stack-megabytes'][0]),
    readable: [root, ...options.read, ...options.write],
    writable: options.write,
  };
  bytes.copy(new Uint8Array(shared.symbols));
  threads.setEnvironmentData('lean', shared);
  process.argv.splice(2, end + 1);
  return shared;
}
