"""The usual observation as generated source: single numbers, nothing missing, nobody watching single computations.

    read the data  ->  step  ->  latest  ->  autoupdates  ->  tell whoever asked

The source is that of ``Engine._take`` with every loop over names written out. Whatever is not usual makes it return False
before anything has happened, and the observation goes the general way, which knows what to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reactivepgm.errors import ReactivePGMError
from reactivepgm.inference.arrivals import Arrivals
from reactivepgm.inference.course import NUMBERS, Course
from reactivepgm.inference.feedback import Feedback
from reactivepgm.inference.publishing import Publishing

Usual = Callable[[Any], bool]
"""Takes an observation in, or returns False and does nothing."""

NOTHING: frozenset[str] = frozenset()


def never(observation: Any) -> bool:
    """No observation is usual."""
    return False


def usual(course: Course, publishing: Publishing, feedback: Feedback, arrivals: Arrivals, engine: Any) -> Usual:
    """The function for the present graph and for what is asked for now.

    Args:
        course: has a graph.
        publishing: what a step gives, and to whom.
        feedback: returns the next parameters.
        arrivals: where parts of observations wait.
        engine: whose ``count`` counts the observations.
    """
    shape = course.shape
    if shape.unknown or shape.stepper.computes_all or set(shape.plain) != set(shape.names) or publishing.predicted:
        return never
    source = "\n    ".join(
        [
            "def take(observation):",
            *_data(shape.names, shape.plain),
            *_step(len(shape.order), shape.plain, publishing.named),
            *(_feedback(feedback, shape.fed, shape.plain, shape.parameters) if feedback.function is not None else ()),
            *(f"call{i}(results[{position}])" for i, (position, _) in enumerate(publishing.calls)),
            "return True",
        ]
    )
    names = {
        "course": course,
        "engine": engine,
        "latest": publishing.latest,
        "step": course.step(NOTHING),
        "stepper": shape.stepper,
        "waiting": arrivals.queues,
        "feedback": feedback,
        "autoupdates": feedback.function,
        "NOTHING": NOTHING,
        "NUMBERS": NUMBERS,
        "ReactivePGMError": ReactivePGMError,
        **{f"call{i}": call for i, (_, call) in enumerate(publishing.calls)},
    }
    exec(compile(source, "<usual observation>", "exec"), names)
    take: Usual = names["take"]
    return take


def _data(names: tuple[str, ...], slots: dict[str, int]) -> list[str]:
    """Every datum as a finite float in ``v<slot>``."""
    if len(names) == 1:
        lines = [
            "if waiting: return False",
            "if type(observation) is dict:",
            "    if len(observation) != 1: return False",
            "else:",
            f"    observation = {{{names[0]!r}: observation}}",
        ]
    else:
        lines = [f"if type(observation) is not dict or len(observation) != {len(names)} or waiting: return False"]
    for name in names:
        value = f"v{slots[name]}"
        lines += [
            f"{value} = observation.get({name!r})",
            f"if type({value}) is not float:",
            f"    if type({value}) not in NUMBERS: return False",
            f"    try: {value} = float({value})",
            "    except OverflowError: return False",
            f"if {value} - {value} != 0.0: return False",
        ]
    return lines


def _step(size: int, slots: dict[str, int], named: tuple[str, ...]) -> list[str]:
    """The parameters from the inputs before, the step, and its posteriors."""
    data = set(slots.values())
    targets = ["_" if slot in data else f"v{slot}" for slot in range(size)]
    values = ", ".join(f"v{slot}" for slot in range(size))
    return [
        *([f"{', '.join(targets)}, = course.inputs"] if len(data) < size else []),
        "try:",
        f"    results = step({values})",
        "except ReactivePGMError:",
        "    return False",
        f"inputs = course.inputs = [{values}]",
        "course.last = stepper, NOTHING, inputs",
        *(f"latest[{name!r}] = results[{i}]" for i, name in enumerate(named)),
        "engine.count += 1",
    ]


def _feedback(feedback: Feedback, fed: dict[str, int], data: dict[str, int], parameters: tuple[str, ...]) -> list[str]:
    """What autoupdates returns: all parameters as finite floats, or the general way."""
    call = "autoupdates(latest, observation)" if feedback.takes_data else "autoupdates(latest)"
    lines = ["try:", f"    new = {call}", "except Exception as error:", "    raise feedback.failed(error) from error"]
    if not parameters or set(fed) != set(parameters):
        return [*lines, "course.feed(feedback.checked(new))"]
    values = [f"v{slot}" for slot in sorted((*fed.values(), *data.values()))]
    usual_values = [f"type(v{slot}) is float and v{slot} - v{slot} == 0.0" for slot in fed.values()]
    return [
        *lines,
        f"if type(new) is dict and len(new) == {len(fed)}:",
        *(f"    v{slot} = new.get({name!r})" for name, slot in fed.items()),
        f"    if {' and '.join(usual_values)}:",
        f"        course.inputs = [{', '.join(values)}]",
        "    else:",
        "        course.feed(new)",
        "else:",
        "    course.feed(feedback.checked(new))",
    ]
