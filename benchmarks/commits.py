"""``python -m benchmarks.commits OLD NEW``: two commits timed in turn, with ratios pair by pair.

Each commit's library lies in a git worktree in a temporary folder; the benchmarks are those of this checkout for both.
Round after round each runs in a process of its own, and the two change places every round.
ratio  the median over rounds of (fastest of the round, new) / (fastest of the round, old)
noise  the median distance of the rounds' ratios from it, times 1.5, over the root of their number; at least 2 %
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.page import table, time_text
from benchmarks.results import Results

ROOT = Path(__file__).parents[1]
FLOOR = 0.02
Key = tuple[str, int, str, int]


@contextmanager
def worktrees(commits: Sequence[str], folder: Path) -> Iterator[list[Path]]:
    """One detached worktree for each commit, removed at the end."""
    trees = [folder / f"tree{k}" for k in range(len(commits))]
    made = []
    try:
        for tree, commit in zip(trees, commits, strict=True):
            subprocess.run(["git", "-C", str(ROOT), "worktree", "add", "-q", "--detach", str(tree), commit], check=True)
            made.append(tree)
        yield trees
    finally:
        for tree in made:
            subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(tree)], check=True)


def timed(tree: Path, bench: Path, output: Path, options: Sequence[str]) -> dict[Key, float]:
    """The fastest times of a tree's library in one process.

    Raises:
        RuntimeError: the run left no results.
    """
    path = os.pathsep.join(str(part) for part in (bench, tree, tree / "rules"))
    command = [sys.executable, "-P", "-m", "benchmarks", "--no-peers", "--times-only", "--json", str(output), *options]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=bench, env=environment, capture_output=True, text=True, check=False)
    if not output.exists():
        raise RuntimeError(done.stderr[-2000:])
    results = Results.read(output)
    output.unlink()
    return {
        (m.workload, m.size, entry.name, m.unit): min(entry.seconds)
        for m in results.measurements
        for entry in m.entries
        if entry.role == "ours" and entry.seconds
    }


def noise(ratios: Sequence[float]) -> float:
    """The uncertainty of the median of the ratios, as a share.

    Example:
        >>> round(noise([1.0, 1.1, 0.9, 1.05]), 3)
        0.055
    """
    middle = statistics.median(ratios)
    distance = statistics.median(abs(ratio - middle) for ratio in ratios)
    return max(FLOOR, 1.5 * distance / middle / math.sqrt(len(ratios)))


def text(seen: dict[Key, list[tuple[float, float]]]) -> str:
    """A Markdown table of pairs (old, new) of seconds."""
    rows = []
    for (workload, size, job, unit), pairs in seen.items():
        ratios = [new / old for old, new in pairs]
        ratio, doubt = statistics.median(ratios), noise(ratios)
        verdict = "slower" if ratio > 1.0 + 2.0 * doubt else "faster" if ratio < 1.0 / (1.0 + 2.0 * doubt) else "same"
        old, new = (min(pair[k] for pair in pairs) for k in range(2))
        shown = [time_text(old, unit), time_text(new, unit), f"{ratio:.3f}", f"{100 * doubt:.1f} %", verdict]
        rows.append([workload, f"{size}", job, *shown])
    return table(["workload", "n", "job", "old", "new", "new / old", "noise", "verdict"], rows, left=3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Times both commits in turn and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commits", description=__doc__)
    parser.add_argument("old", help="a commit, branch or tag")
    parser.add_argument("new", nargs="?", default="HEAD")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each commit")
    parser.add_argument("--repeats", type=int, default=3, help="rounds inside a process")
    parser.add_argument("--only", default="", help="as in python -m benchmarks")
    parser.add_argument("--sizes", default="", help="as in python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    asked = parser.parse_args(arguments)
    options = ["--repeats", str(asked.repeats), "--only", asked.only, "--sizes", asked.sizes]
    options += ["--quick"] if asked.quick else []
    seen: dict[Key, list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        bench, output = folder / "bench", folder / "out.json"
        shutil.copytree(Path(__file__).parent, bench / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
        with worktrees([asked.old, asked.new], folder) as trees:
            for k in range(asked.rounds):
                order = (0, 1) if k % 2 == 0 else (1, 0)
                found = {side: timed(trees[side], bench, output, options) for side in order}
                for key in found[0].keys() & found[1].keys():
                    seen[key].append((found[0][key], found[1][key]))
                print(f"round {k + 1} of {asked.rounds}", file=sys.stderr, flush=True)
    print(text(dict(sorted(seen.items()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
