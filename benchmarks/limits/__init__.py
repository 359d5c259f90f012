"""Hand-written C, compiled on the spot: what the machine could do without a library."""

from benchmarks.limits.compiled import call as call
from benchmarks.limits.compiled import compiler as compiler
from benchmarks.limits.compiled import long as long
