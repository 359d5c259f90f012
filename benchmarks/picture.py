"""The results as a picture: ratios by workload on a logarithmic axis, and cost against the number of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.page import fastest_of_ours
from benchmarks.results import Results

ABOVE, BELOW = 5, -11
MARKS = {"ours": ("o", "#1f5fa8"), "limit": ("|", "#444444"), "peer": ("s", "#d1602b")}


def draw(results: Results, path: Path) -> bool:
    """Writes an SVG; False where matplotlib is missing.

    Args:
        results: of one run.
        path: of the file.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        return False
    with mpl.rc_context({"svg.hashsalt": "reactivepgm", "svg.fonttype": "path", "font.size": 9}):
        figure = Figure(figsize=(12.0, 0.55 * len(results.measurements) + 1.6), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        _ratios(results, left)
        _growth(results, right)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
    # Path data end in blanks, which a repository's checks may not like.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
    return True


def _ratios(results: Results, axes: Any) -> None:
    labels = []
    for row, m in enumerate(reversed(results.measurements)):
        labels.append(f"{m.workload}  {m.size}")
        own = fastest_of_ours(m)
        if own is None:
            continue
        unit = min(own.seconds)
        last, height = 0.0, BELOW
        for entry in sorted((e for e in m.entries if e.seconds and e is not own), key=lambda e: min(e.seconds)):
            mark, colour = MARKS[entry.role]
            ratio = min(entry.seconds) / unit
            axes.plot(ratio, row, mark, color=colour, markersize=8 if mark == "|" else 4)
            if entry.role == "ours":
                continue
            # Neighbours whose names would run into each other stand above and below in turn.
            height = (BELOW if height == ABOVE else ABOVE) if ratio < 4.0 * last else ABOVE
            last, name = ratio, entry.name.removesuffix(" by hand")
            where = {"xytext": (0, height), "textcoords": "offset points", "ha": "center"}
            axes.annotate(name, (ratio, row), fontsize=6.5, color=colour, **where)
    axes.axvline(1.0, color=MARKS["ours"][1], linewidth=1.2)
    axes.set_xscale("log")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.6, len(labels) - 0.3)
    axes.set_xlabel("time / time of reactivepgm: right of the line is slower than it")
    axes.set_title("beside others (blue dots: loops written out, lifted and row by row)", loc="left", fontsize=9)
    axes.grid(axis="x", alpha=0.3)


def _growth(results: Results, axes: Any) -> None:
    colours = ("#1f5fa8", "#d1602b", "#3d8c40")
    for growth, colour in zip(results.growth, colours, strict=False):
        for job, seconds in growth.seconds.items():
            style = "-o" if job.startswith("reactivepgm") else "--|"
            label = f"{growth.workload} {job}, exponent {growth.exponent[job]:.2f}"
            axes.plot(growth.sizes, seconds, style, color=colour, markersize=4, label=label)
        first = next(iter(growth.seconds.values()))
        straight = [first[-1] * size / growth.sizes[-1] for size in growth.sizes]
        axes.plot(growth.sizes, straight, ":", color=colour, alpha=0.5)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("rows")
    axes.set_ylabel("seconds")
    axes.set_title("cost against n (dotted: exactly linear)", loc="left", fontsize=9)
    axes.grid(alpha=0.3)
    if results.growth:
        axes.legend(fontsize=7)
