"""Rule packs: modules of rules, found by entry point and imported when a rule is first looked for."""

import importlib
import importlib.metadata

GROUP = "reactivepgm.rules"
STANDARD = "reactivepgm_rules"

_loaded: set[str] = set()
_complete = False


def load_packs() -> tuple[str, ...]:
    """Import every rule pack once; the standard pack also where the package's metadata are not installed.

    Returns:
        The names of the packs' modules.

    Example:
        >>> "reactivepgm_rules" in load_packs()
        True
    """
    global _complete  # noqa: PLW0603 - imports are global by nature
    if not _complete:
        names = {entry.value.partition(":")[0] for entry in importlib.metadata.entry_points(group=GROUP)}
        for name in sorted(names | {STANDARD}):
            if name not in _loaded:
                importlib.import_module(name)
                _loaded.add(name)
        _complete = True
    return tuple(sorted(_loaded))
