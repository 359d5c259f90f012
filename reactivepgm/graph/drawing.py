"""The graph for the eye: a picture by Graphviz, or plates in text where Graphviz is missing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from reactivepgm.errors import ModelError
from reactivepgm.graph.dot import dot_source
from reactivepgm.graph.html import html_of_drawing
from reactivepgm.graph.listing import describe, plates_text

if TYPE_CHECKING:
    from reactivepgm.graph.graph import Graph

MISSING = "Graphviz is missing, so this is text: install it (apt-get install graphviz, brew install graphviz) for pictures"
_MANY = 400


class Drawing:
    """A picture of a graph; shown by notebooks, saved by ``save``, printed as text.

    Args:
        source: the picture in the language of Graphviz.
        text: the same as text.

    Example:
        >>> from reactivepgm import Beta, model
        >>> @model
        ... def chance():
        ...     p = ~Beta(1.0, 1.0)
        >>> drawing = chance().build().draw()
        >>> drawing.source.startswith("digraph")
        True
        >>> print(drawing.text)
        ○ p
        ■ Beta(a: 1, b: 1) → p
    """

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text

    @property
    def is_text(self) -> bool:
        """Whether Graphviz is missing, so that there is text only."""
        return shutil.which("dot") is None

    def render(self, format: str = "svg") -> bytes:
        """The picture in a format of Graphviz: svg, png, pdf, ...

        Raises:
            ModelError: Graphviz is missing, or refuses the format.
        """
        program = shutil.which("dot")
        if program is None:
            raise ModelError(MISSING)
        done = subprocess.run([program, f"-T{format}"], input=self.source.encode(), capture_output=True, check=False)
        if done.returncode != 0:
            raise ModelError(f"Graphviz refuses to draw a {format}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    @property
    def svg(self) -> str:
        """The picture as SVG."""
        return self.render("svg").decode()

    @property
    def png(self) -> bytes:
        """The picture as PNG."""
        return self.render("png")

    def save(self, path: str | Path, format: str | None = None) -> Path:
        """Write the picture; the format follows the file's ending. Without Graphviz the text, with the ending ``.txt``.

        Returns:
            The path that was written.
        """
        path = Path(path)
        if self.is_text:
            path = path.with_suffix(".txt")
            path.write_text(f"{self}\n", encoding="utf-8")
        else:
            path.write_bytes(self.render(format or path.suffix[1:] or "svg"))
        return path

    def _repr_html_(self) -> str:
        return html_of_drawing(None if self.is_text else self.svg, str(self))

    def __str__(self) -> str:
        return f"({MISSING})\n\n{self.text}" if self.is_text else self.text

    def __repr__(self) -> str:
        if self.is_text:
            return str(self)
        return f'<Drawing; shown in a notebook, or .save("graph.svg")>\n{self.text}'


def draw(graph: Graph, path: str | None = None, format: str | None = None, expand: bool = False) -> Drawing:
    """The drawing of a graph, saved to ``path`` if given.

    Args:
        graph: the graph.
        path: where to save it; the format follows the ending unless ``format`` says otherwise.
        format: svg, png, pdf, ...
        expand: draw every variable and every factor by itself, for small graphs.

    Raises:
        ModelError: too many variables and factors to draw one by one.
    """
    if expand:
        count = sum(a.size for a in graph.random) + sum(f.rows for f in graph.families)
        if count > _MANY:
            raise ModelError(f"{count} variables and factors are too many to draw one by one\n  write  draw(), for plates")
    drawing = Drawing(dot_source(graph, expand), plates_text(graph))
    if path is not None:
        drawing.save(path, format)
    return drawing


__all__ = ["Drawing", "describe", "draw"]
