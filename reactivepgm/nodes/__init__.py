"""What a factor is: interfaces, aliases, stochastic or deterministic, log density, sampler."""

from reactivepgm.nodes.arithmetic import ADDITION, DOT, MULTIPLICATION, SUBTRACTION
from reactivepgm.nodes.continuous_transition import CONTINUOUS_TRANSITION, ContinuousTransitionMeta
from reactivepgm.nodes.delta import (
    CVI,
    DELTA,
    Delta,
    DeltaMeta,
    GaussHermite,
    InvertibleDeltaMeta,
    Linearisation,
    Linearization,
    Unscented,
)
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
from reactivepgm.nodes.flow_layers import AdditiveCoupling, FlowModel, Permutation, PlanarFlow, RadialFlow
from reactivepgm.nodes.gamma import GAMMA, GAMMA_SHAPE_RATE, GAMMA_SHAPE_SCALE, INVERSE_GAMMA, INVERSE_WISHART, WISHART
from reactivepgm.nodes.half_normal import HALF_NORMAL
from reactivepgm.nodes.interface import Interface
from reactivepgm.nodes.likelihoods import (
    BINOMIAL,
    EXPONENTIAL,
    LAPLACE,
    LOG_NORMAL,
    MULTINOMIAL,
    NEGATIVE_BINOMIAL,
    STUDENT_T,
    VON_MISES,
)
from reactivepgm.nodes.logic import AND, IMPLY, NOT, OR
from reactivepgm.nodes.maps import BIFM, BIFMHelper, BIFMMeta, Flow, FlowMeta
from reactivepgm.nodes.matrix_normal import MATRIX_NORMAL, MATRIX_NORMAL_WISHART, MV_NORMAL_GAMMA, MV_NORMAL_WISHART
from reactivepgm.nodes.mixture import NORMAL_MIXTURE
from reactivepgm.nodes.node import Node
from reactivepgm.nodes.normal import (
    MV_NORMAL,
    MV_NORMAL_MEAN_COVARIANCE,
    MV_NORMAL_MEAN_PRECISION,
    NORMAL,
    NORMAL_MEAN_PRECISION,
    NORMAL_MEAN_VARIANCE,
    NORMAL_WEIGHTED_MEAN_PRECISION,
)
from reactivepgm.nodes.polya import BinomialPolya, BinomialPolyaMeta, MultinomialPolya, MultinomialPolyaMeta
from reactivepgm.nodes.probit import Probit, ProbitMeta
from reactivepgm.nodes.registry import node_of, register
from reactivepgm.nodes.regression import (
    AUTOREGRESSIVE,
    CONJUGATE_AR,
    SOFT_DOT,
    ARMeta,
    MultivariateARMeta,
    UnivariateARMeta,
)
from reactivepgm.nodes.selection import GammaMixture, Mixture
from reactivepgm.nodes.vector_normal import (
    MV_NORMAL_MEAN_SCALE_MATRIX_PRECISION,
    MV_NORMAL_MEAN_SCALE_PRECISION,
    MV_NORMAL_WEIGHTED_MEAN_PRECISION,
)
from reactivepgm.nodes.volatility import GCV, GaussHermiteCubature, GCVMeta

AR = AUTOREGRESSIVE
Autoregressive = AUTOREGRESSIVE
ConjugateAR = CONJUGATE_AR
ContinuousTransition = CONTINUOUS_TRANSITION
DiscreteTransition = DISCRETE_TRANSITION
MvNormalMeanScaleMatrixPrecision = MV_NORMAL_MEAN_SCALE_MATRIX_PRECISION
NormalMixture = NORMAL_MIXTURE
SoftDot = SOFT_DOT
softdot = SOFT_DOT

__all__ = [
    "ADDITION",
    "AND",
    "AR",
    "AUTOREGRESSIVE",
    "BERNOULLI",
    "BETA",
    "BIFM",
    "BINOMIAL",
    "CATEGORICAL",
    "CONJUGATE_AR",
    "CONTINUOUS_TRANSITION",
    "CVI",
    "DELTA",
    "DIRICHLET",
    "DIRICHLET_COLLECTION",
    "DISCRETE_TRANSITION",
    "DOT",
    "EXPONENTIAL",
    "GAMMA",
    "GAMMA_SHAPE_RATE",
    "GAMMA_SHAPE_SCALE",
    "GCV",
    "HALF_NORMAL",
    "IMPLY",
    "INVERSE_GAMMA",
    "INVERSE_WISHART",
    "LAPLACE",
    "LOG_NORMAL",
    "MATRIX_NORMAL",
    "MATRIX_NORMAL_WISHART",
    "MULTINOMIAL",
    "MULTIPLICATION",
    "MV_NORMAL",
    "MV_NORMAL_GAMMA",
    "MV_NORMAL_MEAN_COVARIANCE",
    "MV_NORMAL_MEAN_PRECISION",
    "MV_NORMAL_MEAN_SCALE_MATRIX_PRECISION",
    "MV_NORMAL_MEAN_SCALE_PRECISION",
    "MV_NORMAL_WEIGHTED_MEAN_PRECISION",
    "MV_NORMAL_WISHART",
    "NEGATIVE_BINOMIAL",
    "NORMAL",
    "NORMAL_MEAN_PRECISION",
    "NORMAL_MEAN_VARIANCE",
    "NORMAL_MIXTURE",
    "NORMAL_WEIGHTED_MEAN_PRECISION",
    "NOT",
    "OR",
    "POISSON",
    "SOFT_DOT",
    "STUDENT_T",
    "SUBTRACTION",
    "UNIFORM",
    "UNINFORMATIVE",
    "VON_MISES",
    "WISHART",
    "ARMeta",
    "AdditiveCoupling",
    "Autoregressive",
    "BIFMHelper",
    "BIFMMeta",
    "BinomialPolya",
    "BinomialPolyaMeta",
    "ConjugateAR",
    "ContinuousTransition",
    "ContinuousTransitionMeta",
    "Delta",
    "DeltaMeta",
    "DiscreteTransition",
    "Flow",
    "FlowMeta",
    "FlowModel",
    "GCVMeta",
    "GammaMixture",
    "GaussHermite",
    "GaussHermiteCubature",
    "Interface",
    "InvertibleDeltaMeta",
    "Linearisation",
    "Linearization",
    "Mixture",
    "MultinomialPolya",
    "MultinomialPolyaMeta",
    "MultivariateARMeta",
    "MvNormalMeanScaleMatrixPrecision",
    "Node",
    "NormalMixture",
    "Permutation",
    "PlanarFlow",
    "Probit",
    "ProbitMeta",
    "RadialFlow",
    "SoftDot",
    "UnivariateARMeta",
    "Unscented",
    "node_of",
    "register",
    "softdot",
]
