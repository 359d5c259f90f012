"""What a factor is: interfaces, aliases, stochastic or deterministic, log density, sampler."""

from reactivepgm.nodes.arithmetic import ADDITION, DOT, MULTIPLICATION, SUBTRACTION
from reactivepgm.nodes.delta import DELTA, Delta
from reactivepgm.nodes.discrete import (
    BERNOULLI,
    BETA,
    CATEGORICAL,
    DIRICHLET,
    DIRICHLET_COLLECTION,
    DISCRETE_TRANSITION,
    POISSON,
    UNIFORM,
    UNINFORMATIVE,
)
from reactivepgm.nodes.gamma import GAMMA, GAMMA_SHAPE_RATE, GAMMA_SHAPE_SCALE, INVERSE_GAMMA, INVERSE_WISHART, WISHART
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.logic import AND, IMPLY, NOT, OR
from reactivepgm.nodes.mixture import NORMAL_MIXTURE
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.normal import (
    MV_NORMAL,
    MV_NORMAL_MEAN_COVARIANCE,
    MV_NORMAL_MEAN_PRECISION,
    NORMAL,
    NORMAL_MEAN_PRECISION,
    NORMAL_MEAN_VARIANCE,
)
from reactivepgm.nodes.polya import BinomialPolya, BinomialPolyaMeta, MultinomialPolya, MultinomialPolyaMeta
from reactivepgm.nodes.probit import Probit, ProbitMeta
from reactivepgm.nodes.registry import node_of, register
from reactivepgm.nodes.volatility import GCV, GaussHermiteCubature, GCVMeta

DiscreteTransition = DISCRETE_TRANSITION
NormalMixture = NORMAL_MIXTURE

__all__ = [
    "ADDITION",
    "AND",
    "BERNOULLI",
    "BETA",
    "CATEGORICAL",
    "DELTA",
    "DIRICHLET",
    "DIRICHLET_COLLECTION",
    "DISCRETE_TRANSITION",
    "DOT",
    "GAMMA",
    "GAMMA_SHAPE_RATE",
    "GAMMA_SHAPE_SCALE",
    "GCV",
    "IMPLY",
    "INVERSE_GAMMA",
    "INVERSE_WISHART",
    "MULTIPLICATION",
    "MV_NORMAL",
    "MV_NORMAL_MEAN_COVARIANCE",
    "MV_NORMAL_MEAN_PRECISION",
    "NORMAL",
    "NORMAL_MEAN_PRECISION",
    "NORMAL_MEAN_VARIANCE",
    "NORMAL_MIXTURE",
    "NOT",
    "OR",
    "POISSON",
    "SUBTRACTION",
    "UNIFORM",
    "UNINFORMATIVE",
    "WISHART",
    "BinomialPolya",
    "BinomialPolyaMeta",
    "Delta",
    "DiscreteTransition",
    "GCVMeta",
    "GaussHermiteCubature",
    "Interface",
    "MultinomialPolya",
    "MultinomialPolyaMeta",
    "Node",
    "NormalMixture",
    "Probit",
    "ProbitMeta",
    "node_of",
    "register",
]
