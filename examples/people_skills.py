"""Three answers to a test, three things that may explain them: logic, with a pinch of error.

diligent, clever, well taught: three truth values s, each as likely as not
t_1 = not lazy, t_2 = t_1 or s_2, t_3 = t_2 and s_3: what it takes for each of three questions, s_1 being laziness
A question is answered with score r_i where t_i holds, and with 1 - r_i where it does not; the scores here are all low.
After Winn and Bishop, Model-Based Machine Learning, chapter 2.
"""

from typing import Any

import numpy as np

from reactivepgm import Bernoulli, DiscreteTransition, Result, infer, model, randomvar

NAMES = ("lazy", "clever", "well taught")


@model
def skills(right: Any, score: Any) -> None:
    """A test of three questions."""
    s, t = randomvar(3), randomvar(3)
    s[:] = ~Bernoulli(np.full(3, 0.5))
    t[0] = ~(~s[0])
    t[1] = ~(t[0] | s[1])
    t[2] = ~(t[1] & s[2])
    for i in range(3):
        error = np.array([[score[i], 1.0 - score[i]], [1.0 - score[i], score[i]]])
        right[i] = ~DiscreteTransition(t[i], error)


def main(score: tuple[float, float, float] = (0.1, 0.1, 0.1)) -> Result:
    """Prints what the scores say of the student.

    Args:
        score: One a question, between 0 and 1.

    Returns:
        The posteriors of s and t, and minus the log evidence.
    """
    right = np.tile([0.0, 1.0], (3, 1))
    result = infer(skills(score=score), data={"right": right}, free_energy=True)
    s = result.posteriors["s"]
    assert isinstance(s, Bernoulli)
    for name, chance in zip(NAMES, s.p, strict=True):
        print(f"{name:12} {chance:.8f}  {'#' * round(40 * chance)}")
    return result


if __name__ == "__main__":
    main()
