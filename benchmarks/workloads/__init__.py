"""The workloads, in the order of the table."""

from benchmarks.workload import Workload
from benchmarks.workloads.beta_bernoulli import BETA_BERNOULLI
from benchmarks.workloads.hidden_markov import HIDDEN_MARKOV
from benchmarks.workloads.ising import ISING
from benchmarks.workloads.linear_regression import LINEAR_REGRESSION
from benchmarks.workloads.mixture import MIXTURE
from benchmarks.workloads.random_walk import RANDOM_WALK
from benchmarks.workloads.scalar_kalman import SCALAR_KALMAN
from benchmarks.workloads.state_space import STATE_SPACE
from benchmarks.workloads.unknown_precision import UNKNOWN_PRECISION
from benchmarks.workloads.volatility import VOLATILITY

WORKLOADS: tuple[Workload, ...] = (
    RANDOM_WALK,
    STATE_SPACE,
    HIDDEN_MARKOV,
    UNKNOWN_PRECISION,
    MIXTURE,
    BETA_BERNOULLI,
    SCALAR_KALMAN,
    LINEAR_REGRESSION,
    ISING,
    VOLATILITY,
)
