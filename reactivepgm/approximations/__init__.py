"""Floor 3: beliefs made simpler: modes, projections onto a family, weighted samples."""

from reactivepgm.approximations.importance import weighted_samples
from reactivepgm.approximations.mode import mode_of
from reactivepgm.approximations.natural_gradient import Cloud, log_kernel
from reactivepgm.approximations.projection import project
from reactivepgm.approximations.support import support_of
from reactivepgm.approximations.weighted_samples import WeightedSamples

__all__ = ["Cloud", "WeightedSamples", "log_kernel", "mode_of", "project", "support_of", "weighted_samples"]
