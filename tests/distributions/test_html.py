"""Distributions in HTML: well-formed, escaped, small however many rows, without colours of their own."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from reactivepgm import distributions as ds
from reactivepgm.distributions.html import html_table, preformatted
from tests.distributions.zoo import members

ONE = {
    "normal": ds.NormalMeanVariance(1.0, 4.0),
    "improper": ds.NormalWeightedMeanPrecision(0.0, 0.0),
    "vector": ds.MvNormalMeanCovariance(np.zeros(2), np.eye(2)),
    "long": ds.MvNormalMeanCovariance(np.zeros(100), np.eye(100)),
    "point": ds.PointMass(3.0),
    "matrix": ds.PointMass(np.eye(3)),
    "gamma": ds.GammaShapeScale(2.0, 3.0),
    "wishart": ds.Wishart(3.0, np.eye(2)),
    "categorical": ds.Categorical([0.2, 0.8]),
    "collection": ds.DirichletCollection(np.ones((3, 3))),
    "nothing": ds.Uninformative(),
    "factorized": ds.Factorized({"out": ds.Beta(1.0, 2.0), "p": ds.PointMass(1.0)}),
}
MANY = {
    "normals": ds.NormalMeanVariance(np.arange(1000.0), 2.0),
    "grid": ds.Beta(np.ones((20, 3)), 2.0),
    "vectors": ds.MvNormalMeanCovariance(np.zeros((50, 2)), np.eye(2)),
    "none": ds.Beta(np.ones(0), np.ones(0)),
    "points": ds.PointMass(np.arange(9.0), event_rank=0),
    "categoricals": ds.Categorical(np.full((5, 6), 1 / 6)),
}


@pytest.mark.parametrize("belief", [*ONE.values(), *MANY.values()], ids=[*ONE, *MANY])
def test_html_is_well_formed_and_small(belief):
    html = belief._repr_html_()
    ET.fromstring(html)
    assert type(belief).__name__ in html and len(html) < 8000
    assert "<script" not in html and "http" not in html


def test_rows_first_and_last_with_moments():
    text = re.sub("<[^>]*>", " ", MANY["normals"]._repr_html_())
    assert "NormalMeanVariance, 1000" in text and "[0]" in text and "[999]" in text and "…" in text and "[500]" not in text
    assert "1.414" in text
    assert "0.1667" in MANY["categoricals"]._repr_html_() and "std" not in MANY["categoricals"]._repr_html_()
    assert "[19, 2]" in MANY["grid"]._repr_html_() and "20 × 3" in MANY["grid"]._repr_html_()


def test_everything_is_escaped():
    html = html_table(["<i>"], [["<b>x</b>"], ["a\n<c>"]], title="<t>", note="&")
    assert not re.search("<(i|b|t|c)>", html) and "&amp;" in html and "a<br/>&lt;c&gt;" in html
    assert "<u>" not in preformatted("<u>")


def test_no_colour_hides_the_text_on_a_dark_or_a_light_page():
    for belief in (*ONE.values(), *MANY.values()):
        html = belief._repr_html_()
        assert set(re.findall(r"(?<!-)color:([^;']*)", html)) <= {"inherit"}
        assert set(re.findall(r"background:([^;']*)", html)) <= {"transparent"}


@pytest.mark.parametrize("belief", [*members(), *(belief[0] for belief in members())], ids=lambda b: type(b).__name__)
def test_every_family_has_a_table(belief):
    ET.fromstring(belief._repr_html_())
