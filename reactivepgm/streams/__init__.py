"""What reacts: cells that are observables, one work-list between them, and graphs that take data as they come."""

from reactivepgm.streams.cell import Cell as Cell
from reactivepgm.streams.live import LiveGraph as LiveGraph
from reactivepgm.streams.live import live as live
from reactivepgm.streams.propagation import Propagation as Propagation
from reactivepgm.streams.verbs import bethe_free_energy as bethe_free_energy
from reactivepgm.streams.verbs import marginal as marginal
from reactivepgm.streams.verbs import marginals as marginals
from reactivepgm.streams.verbs import set_marginal as set_marginal
from reactivepgm.streams.verbs import update as update
