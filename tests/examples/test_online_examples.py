"""The online examples run, and say what is true."""

import runpy
from pathlib import Path

import numpy as np
from scipy.special import betaln

EXAMPLES = Path(__file__).parents[2] / "examples"


def main_of(name):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name=name)["main"]


def test_a_coin_is_learned_flip_by_flip(capsys):
    n, truth, seed = 200, 0.7, 1
    last = main_of("coin_online")(n, truth, seed)
    heads = (np.random.default_rng(seed).random(n) < truth).sum()
    assert (last.a, last.b) == (1.0 + heads, 1.0 + n - heads)
    evidence = -betaln(last.a, last.b) + betaln(1.0, 1.0)
    assert f"{evidence:.4f} nats" in capsys.readouterr().out


def test_a_point_is_tracked_through_silence():
    assert main_of("tracking")(80) > 0.85


def test_level_and_noise_are_learned():
    level, deviation = main_of("noisy_stream")(1000)
    assert abs(level - 20.5) < 0.05
    assert abs(deviation - 0.4) < 0.05


def test_two_producers_feed_one_engine(capsys):
    engine = main_of("sensor_fusion")(200)
    assert engine.count == 240
    assert abs(engine.latest["temperature"].mean - 22.0) < 0.5
    assert "none lost" in capsys.readouterr().out


def test_the_live_view_draws_its_last_table(capsys):
    error = main_of("live_view")(40, 0.0)
    assert "observation 40 of 40" in capsys.readouterr().out
    assert error < 3.0
