"""A package of rules that somebody installed: its dist-info names it, and the first look-up imports it."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = '''
"""Waiting(out | rate): the time until something happens.

Factor    f = rate exp(-rate out)
Differs   from nothing: it is the only one of its kind
"""

import numpy as np

from reactivepgm import GammaShapeRate, Interface, PointMass, node, rule


@node("stochastic", "out", Interface("rate", aliases=("speed",), support="positive"), aliases=("Delay",))
class Waiting:
    """Waiting."""

    @staticmethod
    def log_density(out, rate):
        return np.log(rate) - rate * out


@rule(Waiting, to="rate")
def _(q_out: PointMass) -> GammaShapeRate:
    """A gamma in rate."""
    return GammaShapeRate(2.0, q_out.mean)
'''
SCRIPT = """
from reactivepgm import PointMass, call_rule, node_of
assert node_of("Waiting") is None
print(call_rule("Beta", "out", q_a=PointMass(1.0), q_b=PointMass(2.0)))
print(call_rule("Delay", "speed", q_out=PointMass(0.5)))
"""


@pytest.fixture
def site(tmp_path):
    """What pip leaves behind."""
    package, info = tmp_path / "waiting_rules", tmp_path / "waiting_rules-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text("from . import waiting as waiting\n")
    (package / "waiting.py").write_text(RULES.lstrip())
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: waiting-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[reactivepgm.rules]\nmine = waiting_rules\n")
    return tmp_path


def run(site, code):
    paths = [str(ROOT), str(ROOT / "rules"), str(site)]
    code = f"import sys; sys.path[:0] = {paths!r}\n{textwrap.dedent(code)}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_pack_is_found_at_the_first_look_up(site):
    assert run(site, SCRIPT).splitlines() == ["Beta(a=1.0, b=2.0)", "GammaShapeRate(shape=2.0, rate=0.5)"]


def test_an_installed_pack_is_listed_with_its_formulas(site):
    printed = run(site, "from reactivepgm.__main__ import main\nassert main(['rules', 'Delay']) == 0")
    assert "Waiting (also Delay), stochastic" in printed
    assert "Factor    f = rate exp(-rate out)" in printed
    assert "Differs from the usual rule: from nothing" in printed
    assert "waiting_rules/waiting.py:" in printed


def test_the_guide_names_the_group():
    text = (ROOT / "docs" / "own-nodes.md").read_text()
    assert '[project.entry-points."reactivepgm.rules"]' in text
