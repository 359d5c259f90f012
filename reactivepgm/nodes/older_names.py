"""Names that nodes and distributions have had elsewhere, each for the very same object."""

from reactivepgm.distributions import (
    DirichletCollection,
    MatrixNormal,
    MvNormalMeanCovariance,
    MvNormalMeanPrecision,
    MvNormalMeanScalePrecision,
    MvNormalWeightedMeanPrecision,
    NormalMeanPrecision,
    NormalMeanVariance,
    NormalWeightedMeanPrecision,
)
from reactivepgm.nodes.continuous_transition import CONTINUOUS_TRANSITION
from reactivepgm.nodes.discrete import DISCRETE_TRANSITION

CTransition = CONTINUOUS_TRANSITION
GaussianMeanPrecision = NormalMeanPrecision
GaussianMeanVariance = NormalMeanVariance
GaussianWeightedMeanPrecision = NormalWeightedMeanPrecision
MatrixDirichlet = DirichletCollection
MatrixGaussian = MatrixNormal
MvGaussianMeanCovariance = MvNormalMeanCovariance
MvGaussianMeanPrecision = MvNormalMeanPrecision
MvGaussianMeanScalePrecision = MvNormalMeanScalePrecision
MvGaussianWeightedMeanPrecision = MvNormalWeightedMeanPrecision
Transition = DISCRETE_TRANSITION
