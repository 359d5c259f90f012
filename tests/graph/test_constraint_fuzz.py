"""Whatever is written, the readers of constraints succeed or say where the text is wrong; nothing else ever happens.

``REACTIVEPGM_FUZZ=100000`` in the environment reads that many texts instead of a few thousand.
"""

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactivepgm.errors import ConstraintSyntaxError
from reactivepgm.graph.constraint_text import parse_block, parse_constraint, parse_product

EXAMPLES = int(os.environ.get("REACTIVEPGM_FUZZ", "2000"))

TOKENS = [
    *("q", "(", ")", ",", "=", "*", "::", ":", "[", "]", ".", "-", " ", "\n", "prod", "∏", "mu", "μ", "in"),
    *("x", "tau", "y_mean", "sub.tau", "σ²", "i", "t - 1", "0", "5", "-1", "1e-3", "1e999", "9" * 20, "٣", "²", "inf"),
    *("MeanField()", "BetheFactorisation", "PointMass", "bounds=", "(0, 1)", "SampleList", "1000", "n=", "seed=2"),
    *("FixedMarginal", "Composite", "ProjectedTo", "Normal", "Gamma", "shape=1.0", "rate=", "Categorical", "Wishart"),
    *("Beta(1.0, 2.0)", "NormalMeanVariance", "q(x)", "q(x, tau)", "q(x[i])", "q(x[0:5])", "\x00", "é", "\ud800"),
]
VALID = [
    "q(x, y, tau) = q(x, y) q(tau)",
    "q(x) = prod q(x[i])",
    "q(x) = q(x[0:5]) q(x[5:])",
    "in sub.inner_2: q(a, b) = q(a) * q(b)",
    "q(theta) :: PointMass(bounds=(0, inf))",
    "mu(x) :: Composite(SampleList(1000, seed=3), ProjectedTo(Normal))",
    "q(tau) :: FixedMarginal(Gamma(shape=1.0, rate=2.0))",
    "q(y_mean, v) q(y[t - 1])",
    "in sub: MeanField()",
]


@st.composite
def mutated(draw):
    """A text that can be read, with some pieces left out, doubled or replaced."""
    text = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = draw(st.integers(start, min(len(text), start + 6)))
        text = text[:start] + draw(st.sampled_from(["", *TOKENS, text[start:stop] * 2])) + text[stop:]
    return text


texts = st.one_of(
    st.lists(st.sampled_from(TOKENS), max_size=25).map("".join),
    mutated(),
    st.text(alphabet="q(),=*[]:.x tauprodmuin1-²∏", max_size=40),
    st.text(max_size=60),
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts)
def test_any_text_is_read_or_refused_with_a_position(text):
    for read in (parse_constraint, parse_product, parse_block):
        try:
            read(text)
        except ConstraintSyntaxError as error:
            assert 0 <= error.position <= len(text)
            letter = str(error)
            assert f"at position {error.position}:" in letter and "write" in letter
            lines = letter.split("\n")
            caret = next(line for line in lines if line.strip() == "^")
            assert caret.index("^") == 2 + error.position


def test_texts_that_can_be_read():
    for text in VALID:
        (parse_product if text.startswith("q(y_mean") else parse_constraint)(text)


def test_nesting_too_deep_is_refused():
    for opening in ("(", "[", "Composite(", "FixedMarginal("):
        for depth in (30, 100_000):
            try:
                parse_constraint("q(x) :: " + opening * depth)
            except ConstraintSyntaxError as error:
                assert "too deep" in str(error) or "expected" in str(error)
            else:
                raise AssertionError("read what has no end")
