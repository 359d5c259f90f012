"""Pictures of beliefs and of free energies (matplotlib, the extra ``plots``)."""

from reactivepgm.plots.band import band as band
from reactivepgm.plots.band import level as level
from reactivepgm.plots.descent import free_energy as free_energy
