"""From inputs to the one applicable rule: signatures, table, decorators, rule packs, and the letter when none applies."""

from reactivepgm.rulebook.fallback import Projection, Quadrature, fallback_rule
from reactivepgm.rulebook.kernel import DiscreteKernel, GaussianKernel
from reactivepgm.rulebook.lookup import (
    find_average_energy,
    find_kernel,
    find_log_scale,
    find_marginal_rule,
    find_rule,
    has_rule,
    own_roles,
)
from reactivepgm.rulebook.packs import load_packs
from reactivepgm.rulebook.register_rules import kernel, log_scale, marginal_rule, rule
from reactivepgm.rulebook.rule_object import Rule
from reactivepgm.rulebook.signature import Signature, canonical_role, canonical_subject, subject_names
from reactivepgm.rulebook.table import TABLE
from reactivepgm.rulebook.verbs import average_energy, call_marginal_rule, call_rule, split_joints

__all__ = [
    "TABLE",
    "DiscreteKernel",
    "GaussianKernel",
    "Projection",
    "Quadrature",
    "Rule",
    "Signature",
    "average_energy",
    "call_marginal_rule",
    "call_rule",
    "canonical_role",
    "canonical_subject",
    "fallback_rule",
    "find_average_energy",
    "find_kernel",
    "find_log_scale",
    "find_marginal_rule",
    "find_rule",
    "has_rule",
    "kernel",
    "load_packs",
    "log_scale",
    "marginal_rule",
    "own_roles",
    "rule",
    "split_joints",
    "subject_names",
]
