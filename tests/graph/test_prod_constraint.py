"""Which products of messages a variable admits."""

import pytest

from reactivepgm import Gamma, Normal, ProdAnalytical, ProdGeneric, ProductError, ProjectedTo, infer, model, randomvar


def test_a_product_without_a_closed_form_is_refused_where_only_closed_ones_are_admitted():
    @model
    def clashing(y, products):
        v = randomvar(prod_constraint=products, form_constraint=ProjectedTo(Gamma))
        v[...] = ~Gamma(shape=2.0, rate=1.0)
        y[...] = ~Normal(mean=0.0, variance=v)

    assert infer(clashing(products=ProdGeneric()), data={"y": 1.0}).posteriors["v"].mean > 0.0
    with pytest.raises(ProductError):
        infer(clashing(products=ProdAnalytical()), data={"y": 1.0})
