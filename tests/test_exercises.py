"Exercises: each has a check and each check an exercise; the stub that stands in the chapter does not pass, and gets a hint."
import ast
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plmnb.exercises import CHECKS, check, find_check, hint_for, progress

NBS = Path(__file__).parents[1] / "nbs"
CHAPTERS = [path for path in sorted(NBS.glob("*/[!.]*.ipynb")) if path.parent.name != "solutions"]


def cells(path):
    "The Python of each code cell; lines of IPython are not Python."
    sources = ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    return ["\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()) for source in sources]


def asked(path):
    "Name of the exercise → the cell that asks for it."
    return {name: source for source in cells(path) for name in re.findall(r'^(?:if )?check\("([a-z_]+\.\d+)"', source, re.M)}


EXERCISES = {name: source for path in CHAPTERS for name, source in asked(path).items()}


def stub_of(path, source):
    "What the reader finds: the definitions of the cell, run with the chapter's module and its imports."
    exported = next(cell.split()[2] for cell in cells(path) if cell.startswith("#| default_exp "))
    space = {**vars(importlib.import_module(f"plmnb.{exported}")), "__name__": "__main__"}
    tree = ast.parse(source)
    definitions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.Assign))]
    assert definitions, "an exercise gives the reader a line to begin with"
    imports = [node for cell in cells(path) for node in ast.parse(cell).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    exec(compile(ast.Module(imports + definitions, []), "<exercise>", "exec"), space)
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check")
    return eval(compile(ast.Expression(call.args[1]), "<exercise>", "eval"), space)


@pytest.mark.parametrize("path, name", [pytest.param(path, name, id=name) for path in CHAPTERS for name in asked(path)])
def test_the_stub_does_not_pass(path, name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PLMNB_HOME", str(tmp_path))
    stub = stub_of(path, EXERCISES[name])
    hint = hint_for(name, stub)
    assert hint and isinstance(hint, str) and "NameError" not in hint  # the hint speaks of the stub, not of a cell that lacks something
    assert check(name, stub) is False and capsys.readouterr().out == f"{name}: {hint}\n" and progress() == {}


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


def body_of(node):
    "What a function does, without its name and its docstring."
    statements = node.body if isinstance(node.body, list) else [ast.Return(node.body)]
    return [ast.dump(statement) for statement in statements if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))]


def solutions_in(path):
    "What a solutions notebook asserts to be right: (exercise, function or value)."
    trees = [ast.parse(cell) for cell in cells(path)]
    named = {node.name: node for tree in trees for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    named |= {target.id: node.value for tree in trees for node in tree.body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)}
    for test in (node.test for tree in trees for node in tree.body if isinstance(node, ast.Assert)):
        right = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
        for call in right:
            if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "check"): continue
            parts = call.args[1].elts if isinstance(call.args[1], ast.Tuple) else [call.args[1]]
            yield from ((call.args[0].value, named.get(part.id, part) if isinstance(part, ast.Name) else part) for part in parts)


@pytest.mark.parametrize("path", sorted((NBS / "solutions").glob("[!.]*.ipynb")), ids=lambda path: path.name)
def test_no_chapter_holds_its_solution(path):
    chapter = next(other for other in CHAPTERS if other.name == path.name)
    nodes = [node for cell in cells(chapter) for node in ast.walk(ast.parse(cell))]
    functions = [body_of(node) for node in nodes if isinstance(node, (ast.FunctionDef, ast.Lambda))]
    values = [ast.dump(node.value) for node in nodes if isinstance(node, ast.Assign)]
    for name, solution in solutions_in(path):
        if isinstance(solution, (ast.FunctionDef, ast.Lambda)): assert body_of(solution) not in functions, name
        else: assert ast.dump(solution) not in values, name


SOLVE_ONE = """
import random, sys, warnings
from plmnb.exercises import check, progress
assert "torch" not in sys.modules
def coin(n, seed):
    own = random.Random(seed)
    return [own.randint(0, 1) for _ in range(n)]
warnings.simplefilter("default")
print(check("core.1", coin), check("core.1", coin))
print(progress())
"""


def in_fresh_process(home):
    done = subprocess.run([sys.executable, "-c", SOLVE_ONE], capture_output=True, text=True, cwd=NBS.parent, env={**os.environ, "PLMNB_HOME": str(home)})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-2:], done.stderr


def test_a_solved_exercise_is_kept(tmp_path):
    lines, said = in_fresh_process(tmp_path / "home")
    assert lines == ["True True", "{'core': [1]}"] and "not kept" not in said
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["progress.json"]


def test_a_home_that_cannot_be_written_is_told_once(tmp_path):
    (tmp_path / "home").write_text("")
    lines, said = in_fresh_process(tmp_path / "home")
    assert lines == ["True True", "{}"] and said.count("not kept: [Errno") == 1
