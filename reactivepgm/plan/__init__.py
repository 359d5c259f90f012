"""From a graph to a plan: regions, colours, sweeps by tree contraction, and the Bethe free energy."""

from reactivepgm.plan.beliefs import Beliefs as Beliefs
from reactivepgm.plan.loopy_sweep import LoopySchedule as LoopySchedule
from reactivepgm.plan.plan import Plan as Plan
