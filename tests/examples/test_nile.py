import runpy
from pathlib import Path

import matplotlib.image
import numpy as np

EXAMPLE = Path(__file__).parents[2] / "examples" / "nile.py"


def test_the_nile_example_prints_a_table_and_draws_a_picture(tmp_path, capsys):
    picture = tmp_path / "out" / "nile.png"
    runpy.run_path(str(EXAMPLE), run_name="nile")["main"](iterations=15, picture=picture)
    printed = capsys.readouterr().out
    assert "structured" in printed
    assert "mean field" in printed
    pixels = matplotlib.image.imread(picture)
    assert pixels.shape[0] > 400
    assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 50
