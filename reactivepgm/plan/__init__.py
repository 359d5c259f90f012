"""From a graph to a plan: regions, colours, sweeps by tree contraction, and the Bethe free energy."""

from reactivepgm.plan.beliefs import Beliefs as Beliefs
from reactivepgm.plan.foresight import check_rules as check_rules
from reactivepgm.plan.loopy_sweep import LoopySchedule as LoopySchedule
from reactivepgm.plan.plan import Plan as Plan
from reactivepgm.plan.predictive import predictive_message as predictive_message
from reactivepgm.plan.stitch import CannotStitchError as CannotStitchError
from reactivepgm.plan.stitch import Stitched as Stitched
