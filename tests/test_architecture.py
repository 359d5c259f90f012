"""ARCHITECTURE.md's list of floors, the folders that exist and the import contracts say the same."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def documented() -> dict[str, int]:
    """Folder to floor, from the table in ARCHITECTURE.md."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    return {folder: int(floor) for floor, folder in rows}


def contracts() -> list[dict]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_the_documented_floors_are_the_folders_that_exist():
    package = ROOT / "reactivepgm"
    existing = {p.parent.name for p in package.glob("*/__init__.py")}
    existing |= {p.stem for p in package.glob("*.py")} - {"__init__"}
    assert set(documented()) == existing
    # A folder without __init__.py would be a namespace package, which import-linter does not see.
    strays = {p.parent.name for p in package.glob("*/*.py")} - existing
    assert not strays


def test_the_documented_floors_are_the_layers_of_import_linter():
    (layers,) = [c["layers"] for c in contracts() if c["type"] == "layers"]
    by_contract = [sorted(name.strip() for name in layer.split("|")) for layer in layers]
    floors = documented()
    heights = sorted(set(floors.values()), reverse=True)
    assert by_contract == [sorted(folder for folder in floors if floors[folder] == floor) for floor in heights]


def test_rules_may_import_floors_0_to_4_only():
    (forbidden,) = [c for c in contracts() if c["type"] == "forbidden"]
    assert forbidden["source_modules"] == ["reactivepgm_rules"]
    expected = {f"reactivepgm.{folder}" for folder, floor in documented().items() if floor > 4}
    assert set(forbidden["forbidden_modules"]) == expected
