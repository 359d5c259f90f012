"""Floor 1: arrays in, arrays out."""

from .array import Array as Array
from .array import as_array as as_array
from .array import namespace as namespace
