"""A rule that looks at the numbers of traced arrays cannot be compiled: said with the statement that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax

from reactivepgm.backends.refusal import refuse
from reactivepgm.graph import Family


@contextmanager
def attributed_to(family: Family) -> Iterator[None]:
    """Within this context what cannot be traced is refused as a matter of this family.

    Raises:
        ModelError: something was converted to NumPy, or a branch depended on a number.
    """
    try:
        yield
    except jax.errors.JAXTypeError as error:
        what = f"{family.node.name}, of which a rule or a distribution looks at numbers ({type(error).__name__}),"
        refuse(family.site, what)
