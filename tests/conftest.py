"""What every test has in common: nodes and rules that it makes are gone when it is over."""

from collections.abc import Iterator

import pytest

from reactivepgm.nodes import registry
from reactivepgm.rulebook import TABLE, load_packs


@pytest.fixture(autouse=True)
def _own_nodes() -> Iterator[None]:
    """The registry and the table of rules as they were, because other tests look at all of them."""
    load_packs()
    names, targets = dict(registry._BY_NAME), dict(registry._BY_TARGET)
    places, roles = set(TABLE._rules), set(TABLE._dispatchers)
    yield
    if names != registry._BY_NAME or targets != registry._BY_TARGET:
        for now, before in ((registry._BY_NAME, names), (registry._BY_TARGET, targets)):
            now.clear()
            now.update(before)
    if len(TABLE._rules) != len(places) or len(TABLE._dispatchers) != len(roles):
        for place in set(TABLE._rules) - places:
            del TABLE._rules[place]
        for role in set(TABLE._dispatchers) - roles:
            del TABLE._dispatchers[role]
        TABLE._found.clear()
