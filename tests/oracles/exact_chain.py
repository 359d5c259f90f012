"""The scalar local-level smoother in exact rational arithmetic: no rounding at all.

Every float is a rational number, so means and variances follow from the numbers of the model and nothing else.
"""

from collections.abc import Sequence
from fractions import Fraction


def smooth_exactly(
    y: Sequence[float],
    level_variances: Sequence[float],
    noise_variances: Sequence[float],
    mean0: float,
    variance0: float,
) -> tuple[list[Fraction], list[Fraction]]:
    """Means and variances of x_t: x_t = x_{t-1} + N(0, level_variances[t-1]), y_t = x_t + N(0, noise_variances[t])."""
    n = len(y)
    level = [Fraction(v) for v in level_variances]
    forward: list[tuple[Fraction, Fraction]] = []
    m, v = Fraction(mean0), Fraction(variance0)
    for t in range(n):
        if t:
            v += level[t - 1]
        noise = Fraction(noise_variances[t])
        gain = v / (v + noise)
        m, v = m + gain * (Fraction(y[t]) - m), gain * noise
        forward.append((m, v))
    means, variances = [forward[-1][0]], [forward[-1][1]]
    for t in range(n - 2, -1, -1):
        m, v = forward[t]
        gain = v / (v + level[t])
        means.append(m + gain * (means[-1] - m))
        variances.append(gain * level[t] + gain * gain * variances[-1])
    return means[::-1], variances[::-1]
