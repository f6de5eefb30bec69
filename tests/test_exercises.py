"Exercises: each has a check and each check an exercise; the stub that stands in the chapter does not pass, and gets a hint."
import ast
import json
import re
from pathlib import Path

import pytest

from plmnb.exercises import CHECKS, find_check, hint_for

NBS = Path(__file__).parents[1] / "nbs"
CHAPTERS = [path for path in sorted(NBS.glob("*/[!.]*.ipynb")) if path.parent.name != "solutions"]


def cells(path):
    return ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def asked(path):
    "Name of the exercise → the cell that asks for it."
    return {name: source for source in cells(path) for name in re.findall(r'^(?:if )?check\("([a-z_]+\.\d+)"', source, re.M)}


EXERCISES = {name: source for path in CHAPTERS for name, source in asked(path).items()}


@pytest.mark.parametrize("name", sorted(EXERCISES))
def test_the_stub_does_not_pass(name):
    tree = ast.parse(EXERCISES[name])
    definitions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.Assign))]
    assert definitions, "an exercise gives the reader a line to begin with"
    space = {}
    exec(compile(ast.Module(definitions, []), name, "exec"), space)
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check")
    assert hint_for(name, space[call.args[1].id])


def test_each_check_has_its_exercise():
    for chapter in {name.partition(".")[0] for name in EXERCISES}: find_check(f"{chapter}.1")
    written = {name for path in (NBS / "solutions").glob("*.ipynb") for source in cells(path) for name in re.findall(r'^@exercise\("([a-z_]+\.\d+)"\)', source, re.M)}
    assert written == set(EXERCISES) and set(EXERCISES) <= set(CHECKS)


def test_every_check_is_proved_by_a_solution():
    for path in sorted((NBS / "solutions").glob("*.ipynb")):
        source = "\n".join(cells(path))
        for name in re.findall(r'^@exercise\("([a-z_]+\.\d+)"\)', source, re.M):
            passes = rf'^assert (check\("{re.escape(name)}".*|hint_for\("{re.escape(name)}".* is None)'
            assert re.search(passes, source, re.M), f"{path.name}: no solution of {name} is checked"
