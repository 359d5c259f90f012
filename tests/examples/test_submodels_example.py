import runpy
from pathlib import Path

import numpy as np

EXAMPLE = Path(__file__).parents[2] / "examples" / "submodels.py"


def test_three_spellings_have_one_free_energy(capsys):
    example = runpy.run_path(str(EXAMPLE), run_name="submodels")
    scores = example["main"](n=30)
    np.testing.assert_allclose(list(scores.values()), scores["flat loop"], rtol=1e-12)
    printed = capsys.readouterr().out
    assert printed.count("30 random variables in 1 arrays, 60 factors") == 3
    data = {"y": np.zeros(5)}
    graphs = [example[name]().build(data) for name in ("flat", "vector", "nested")]
    assert graphs[0].same_as(graphs[1]) and graphs[0].same_as(graphs[2])
