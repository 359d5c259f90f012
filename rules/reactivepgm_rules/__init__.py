"""The standard rules: one file a node, loaded by name through the entry point ``reactivepgm.rules``."""

from . import addition as addition
from . import bernoulli as bernoulli
from . import beta as beta
from . import categorical as categorical
from . import dirichlet as dirichlet
from . import dirichlet_collection as dirichlet_collection
from . import discrete_transition as discrete_transition
from . import dot as dot
from . import gamma as gamma
from . import gcv as gcv
from . import inverse_gamma as inverse_gamma
from . import inverse_wishart as inverse_wishart
from . import logic as logic
from . import multiplication as multiplication
from . import mv_normal_mean_covariance as mv_normal_mean_covariance
from . import mv_normal_mean_precision as mv_normal_mean_precision
from . import normal_mean_precision as normal_mean_precision
from . import normal_mean_variance as normal_mean_variance
from . import normal_mixture as normal_mixture
from . import poisson as poisson
from . import probit as probit
from . import subtraction as subtraction
from . import uniform as uniform
from . import uninformative as uninformative
from . import wishart as wishart
