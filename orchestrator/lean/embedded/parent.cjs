// Ends this process when its parent dies: a Lean deep in a computation does not notice that its input has closed.
// To be required by the main thread, or preloaded; the watching is done in a thread that is never busy.
'use strict';
const threads = require('node:worker_threads');

const ROLE = 'watch the parent';

if (threads.isMainThread) {
  new threads.Worker(__filename, { workerData: ROLE, name: ROLE, execArgv: [], env: {} }).unref();
} else if (threads.workerData === ROLE) {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 500);
}
