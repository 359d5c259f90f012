"""From a graph to a plan: regions, colours, sweeps by tree contraction, and the Bethe free energy."""

from reactivepgm.plan.beliefs import Beliefs as Beliefs
from reactivepgm.plan.borders import Border as Border
from reactivepgm.plan.borders import Crossing as Crossing
from reactivepgm.plan.foresight import check_rules as check_rules
from reactivepgm.plan.loopy_sweep import LoopySchedule as LoopySchedule
from reactivepgm.plan.pipeline import Origin as Origin
from reactivepgm.plan.pipeline import PipelineStage as PipelineStage
from reactivepgm.plan.pipeline import as_stage as as_stage
from reactivepgm.plan.pipeline import stages_in as stages_in
from reactivepgm.plan.plan import Plan as Plan
from reactivepgm.plan.predictive import predictive_message as predictive_message
from reactivepgm.plan.recorder import CannotStitchError as CannotStitchError
from reactivepgm.plan.stitch import Stitched as Stitched
