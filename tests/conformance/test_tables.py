"""Rule tables from elsewhere, where a checkout has them beside the project; every case of a known node must agree."""

import importlib.util
import json
from collections import defaultdict
from pathlib import Path

import pytest

from reactivepgm.nodes import node_of

BESIDE = Path(__file__).parents[2].parent / "shared"
TABLES, CHECKER = BESIDE / "conformance", BESIDE / "checks" / "conformance.py"


def _cases():
    cases = defaultdict(list)
    for file in sorted(TABLES.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            cases[case.get("node", file.stem)].append(case)
    return {name: rows for name, rows in cases.items() if node_of(name) is not None and "function" not in rows[0]}


CASES = _cases()


@pytest.fixture(scope="module")
def checker():
    spec = importlib.util.spec_from_file_location("conformance_checker", CHECKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not CASES, reason="no rule tables lie beside the project")
@pytest.mark.parametrize("node", CASES or ["any"])
def test_a_node_agrees_with_its_table(node, checker):
    tried, wrong = 0, []
    for case in CASES[node]:
        try:
            agrees = checker.run(case)
        except checker.NotTried:
            continue
        tried += 1
        if not agrees:
            wrong.append(case["id"])
    assert not wrong
    if not tried:
        pytest.skip(f"the checker cannot build any case of {node}")
