"""The one array type that rules speak of: floats, NumPy arrays or traced arrays, used by operators alone."""

from typing import Any, TypeAlias

Array: TypeAlias = Any
