"""Two results are the same to nine digits, parameter by parameter."""

import numpy as np

from tests.oracles.closeness import assert_within


def assert_same(ours, theirs, digits: float = 1e-9) -> None:
    """The same families, iterations and numbers, relative to the largest of each parameter; free energies in nats."""
    assert list(ours.posteriors) == list(theirs.posteriors)
    assert (ours.iterations, ours.converged) == (theirs.iterations, theirs.converged)
    for name, belief in ours.posteriors.items():
        other = theirs.posteriors[name]
        assert type(belief) is type(other) and belief.batch_shape == other.batch_shape
        for parameter, value in belief.parameters.items():
            found = other.parameters[parameter]
            assert type(found) is float or isinstance(found, np.ndarray)
            whole = np.broadcast_to(value, np.broadcast_shapes(np.shape(value), np.shape(found)))
            assert_within(np.broadcast_to(found, whole.shape), whole, digits)
    np.testing.assert_allclose(theirs.free_energy, ours.free_energy, rtol=digits, atol=digits)
