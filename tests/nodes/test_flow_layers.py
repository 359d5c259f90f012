"""Layers: inverses undo them, Jacobians are their derivatives."""

import numpy as np
import pytest

from reactivepgm.errors import InvalidParameterError
from reactivepgm.nodes import AdditiveCoupling, FlowModel, Permutation, PlanarFlow, RadialFlow

LAYERS = {
    "planar": PlanarFlow([1.0, -0.5, 0.3], [0.7, 1.2, 2.0], 0.4),
    "planar, almost folded": PlanarFlow([-0.9, 0.0, 0.0], [1.1, 0.3, 0.0], -1.0),
    "radial": RadialFlow([0.1, 0.2, 0.3], 0.5, 2.0),
    "radial, shrinking": RadialFlow([0.1, 0.2, 0.3], 0.5, -0.4),
    "permutation": Permutation([2, 0, 1]),
    "coupling": AdditiveCoupling([PlanarFlow(1.0, 2.0, 3.0), PlanarFlow(-0.4, 1.5, 0.0)]),
}
LAYERS["model"] = FlowModel(*LAYERS.values())
every = pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
X = np.random.default_rng(1).normal(size=(4, 5, 3)) * 2.0


@every
def test_backward_undoes_forward(layer):
    y = layer.forward(X)
    assert y.shape == X.shape
    np.testing.assert_allclose(layer.backward(y), X, atol=1e-10)
    np.testing.assert_allclose(layer.forward(X[0, 0]), y[0, 0])


@every
def test_jacobian(layer):
    step = 1e-6
    columns = [(layer.forward(X + step * e) - layer.forward(X - step * e)) / (2 * step) for e in np.eye(3)]
    np.testing.assert_allclose(layer.jacobian(X), np.stack(columns, axis=-1), atol=1e-8)
    np.testing.assert_allclose(layer.jacobian(X[0, 0]), layer.jacobian(X)[0, 0])


def test_log_determinant():
    model = LAYERS["model"]
    np.testing.assert_allclose(model.log_det_jacobian(X), np.log(np.abs(np.linalg.det(model.jacobian(X)))))


def test_blocks_of_several_coordinates():
    inner = PlanarFlow([1.0, 0.5], [0.3, 0.2], 0.0)
    layer = AdditiveCoupling(inner, size=2)
    x = np.arange(4.0)
    y = layer.forward(x)
    np.testing.assert_allclose(y[2:], x[2:] + inner.forward(x[:2]))
    np.testing.assert_allclose(layer.backward(y), x)
    with pytest.raises(InvalidParameterError, match="do not make a vector of length 3"):
        layer.forward(np.zeros(3))


def test_at_the_centre_of_a_radial_flow():
    layer = LAYERS["radial"]
    np.testing.assert_allclose(layer.backward(layer.forward(layer.centre)), layer.centre)
    np.testing.assert_allclose(layer.jacobian(layer.centre), 5.0 * np.eye(3))


def test_maps_without_inverse_are_refused():
    with pytest.raises(InvalidParameterError, match="above -1"):
        PlanarFlow([1.0], [-1.0], 0.0)
    with pytest.raises(InvalidParameterError, match="above -alpha"):
        RadialFlow([0.0], 1.0, -1.0)
    with pytest.raises(InvalidParameterError, match="no order"):
        Permutation([0, 2])
