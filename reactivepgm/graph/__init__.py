"""A model as data: variables, families, options, factorisation, constraints, builder (the only door), drawing."""

from reactivepgm.graph.binding import Binding, FixedBinding, RandomBinding
from reactivepgm.graph.builder import GraphBuilder
from reactivepgm.graph.constant import ConstantReference
from reactivepgm.graph.constraint_equation import factorise
from reactivepgm.graph.constraint_scope import within
from reactivepgm.graph.data_value import as_data_value, fitted
from reactivepgm.graph.derived import Derived
from reactivepgm.graph.factorisation import (
    BetheFactorisation,
    Factorisation,
    FullFactorisation,
    MeanField,
    QProduct,
    q,
)
from reactivepgm.graph.family import FactorHandle, Family
from reactivepgm.graph.form_constraint import Forms, form
from reactivepgm.graph.forms import Composite, FixedMarginal, Form, PointMassForm, ProjectedTo, SampleList
from reactivepgm.graph.graph import Graph
from reactivepgm.graph.pending import PendingFactor
from reactivepgm.graph.prod_constraint import ProdAnalytical, ProdGeneric
from reactivepgm.graph.reference import Reference
from reactivepgm.graph.site import Site
from reactivepgm.graph.statement import Statement
from reactivepgm.graph.unfactorised import UnfactorizedData
from reactivepgm.graph.variable import VariableArray

__all__ = [
    "BetheFactorisation",
    "Binding",
    "Composite",
    "ConstantReference",
    "Derived",
    "FactorHandle",
    "Factorisation",
    "Family",
    "FixedBinding",
    "FixedMarginal",
    "Form",
    "Forms",
    "FullFactorisation",
    "Graph",
    "GraphBuilder",
    "MeanField",
    "PendingFactor",
    "PointMassForm",
    "ProdAnalytical",
    "ProdGeneric",
    "ProjectedTo",
    "QProduct",
    "RandomBinding",
    "Reference",
    "SampleList",
    "Site",
    "Statement",
    "UnfactorizedData",
    "VariableArray",
    "as_data_value",
    "factorise",
    "fitted",
    "form",
    "q",
    "within",
]
