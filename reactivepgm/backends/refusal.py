"""What this backend cannot do is said when the plan is traced, with the line and what to write instead."""

from __future__ import annotations

from typing import Any, NoReturn

from reactivepgm.errors import ModelError
from reactivepgm.graph import Site
from reactivepgm.plan import Plan
from reactivepgm.plan.function_kernel import is_function
from reactivepgm.plan.own_edges import own_inputs
from reactivepgm.plan.pipeline import stage_of

_WRITE = 'backend="numpy", which is the default'


def refuse(site: Site | None, what: str) -> NoReturn:
    """Raise the letter about something at a statement, or about an option."""
    complaint = f'backend="jax": {what} is not compiled'
    raise ModelError(f"{complaint}\n  write  {_WRITE}" if site is None else site.letter(complaint, write=_WRITE))


def refuse_options(**options: Any) -> None:
    """Raise for an option of ``infer`` that was given and means nothing to compiled programs."""
    for name, value in options.items():
        if value:
            refuse(None, f"{name}=")


def refuse_parts(plan: Plan) -> None:
    """Raise for the first part of a plan that is known not to compile, whatever the data are."""
    structure = plan.structure
    for array, forms in structure.forms.items():
        if forms.marginal is not None or forms.message is not None:
            refuse(structure.arrays[array].site, f"a form of `{structure.arrays[array].name}`")
    for batch in plan.batches:
        for cluster in batch.clusters:
            family = cluster.family
            if stage_of(family) is not None:
                refuse(family.site, f"a pipeline on {family.node.name}")
            if is_function(cluster):
                refuse(family.site, "a Python function of random variables")
            if not cluster.is_joint and own_inputs(cluster):
                refuse(family.site, f"{family.node.name}, whose rule reads its own edge (expectation propagation),")
            if family.fallback is not None:
                refuse(family.site, "fallback=")
