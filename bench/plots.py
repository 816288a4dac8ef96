"""Draws results of the benchmark runner: how many goals are solved within how much time.

`python -m bench.plots RESULT… --out FOLDER` writes, as SVG and PNG:
`cactus` (goals solved against the seconds each took, a line for each result), `strategies` (the same for each strategy
of the last result) and `history` (goals solved in each result, in the order of their timestamps).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.command import run_command
from bench.compare import read_results
from orchestrator.errors import OrchestratorError

FORMATS = ("svg", "png")
Curve = tuple[list[float], list[int]]


def cactus(rows: Sequence[Mapping[str, Any]]) -> Curve:
    """Seconds in ascending order, and how many goals were solved within each of them."""
    seconds = sorted(float(row["seconds"]) for row in rows if row["solved"])
    return seconds, list(range(1, len(seconds) + 1))


def by_strategy(rows: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """A cactus curve for each strategy, of the goals that it solved."""
    names = sorted({str(row["strategy"]) for row in rows if row["solved"]})
    return {name: cactus([row for row in rows if row["strategy"] == name]) for name in names}


def history(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, int]]:
    """Timestamp, goals solved and the total of goals, of each result."""
    found = ((str(r["timestamp"]), int(r["goals_solved"]), int(r["goals_total"])) for r in results)
    return sorted(found)


def draw(results: Sequence[Mapping[str, Any]], out: Path) -> tuple[Path, ...]:
    """Draw everything into `out`; the files written."""
    import matplotlib

    matplotlib.use("Agg")
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "lean-orchestrator"
    out.mkdir(parents=True, exist_ok=True)
    last = max(results, key=lambda result: str(result["timestamp"]))
    named = {str(result["timestamp"]): cactus(result["goals"]) for result in results}
    return (
        *_curves(out / "cactus", named, "Goals solved within a time"),
        *_curves(out / "strategies", by_strategy(last["goals"]), f"By strategy, {last['timestamp']}"),
        *_bars(out / "history", history(results)),
    )


def _curves(path: Path, curves: Mapping[str, Curve], title: str) -> list[Path]:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    for name, (seconds, solved) in curves.items():
        axes.step(seconds, solved, where="post", label=f"{name} ({len(solved)})")
    axes.set(title=title, xlabel="seconds spent on a goal", ylabel="goals solved")
    if any(seconds for seconds, _ in curves.values()):
        axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    if curves:
        axes.legend()
    return _save(figure, path)


def _bars(path: Path, points: Sequence[tuple[str, int, int]]) -> list[Path]:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    names = [name for name, _, _ in points]
    axes.bar(names, [total for _, _, total in points], color="#d8dee6", label="goals")
    axes.bar(names, [solved for _, solved, _ in points], color="#2f6fab", label="solved")
    axes.set(title="Over time", ylabel="goals")
    axes.tick_params(axis="x", rotation=30)
    axes.legend()
    return _save(figure, path)


def _save(figure: Any, path: Path) -> list[Path]:
    from matplotlib import pyplot

    written = []
    for extension in FORMATS:
        file = path.with_suffix(f".{extension}")
        metadata = {"Date": None} if extension == "svg" else {"Software": None}
        figure.savefig(file, dpi=120, metadata=metadata)
        written.append(file)
    pyplot.close(figure)
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.plots", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("results", type=Path, nargs="+", help="files that `bank` wrote")
    parser.add_argument("--out", type=Path, default=Path("bench/results"), help="folder for the pictures")
    given = parser.parse_args(arguments)
    try:
        written = draw([read_results(path) for path in given.results], given.out)
    except OrchestratorError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0


if __name__ == "__main__":
    run_command(main)
