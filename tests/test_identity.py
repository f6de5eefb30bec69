"Two runs in different circumstances give the same claims bit for bit; and where a number depends on circumstances, that is seen."
import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from identity import run_twice
from plmnb.claims import read_claims, unequal

CHANCE = {"hash": "hash('a')", "set": "float(''.join(sorted('12345678', key=hash)))", "folder": "len(os.getcwd())", "zone": "time.timezone", "home": "len(os.path.expanduser('~'))"}


def differing(what, folder):
    "Names of the claims that differ, and how many there are."
    first, second = (read_claims(run / "claims.jsonl") for run in run_twice(what, folder))
    return [name for name, *_ in unequal(first, second)], len(first)


def test_a_part_of_the_course_gives_the_same_numbers_twice(tmp_path):
    "`python tests/identity.py` does it with all of it."
    names, claims = differing(["counting", "errors"], tmp_path / "runs")
    assert names == [] and claims >= 4


def test_a_number_that_depends_on_circumstances_is_seen(tmp_path):
    lines = "\n".join(f"claim('hand/toy/{what}', {value}, run, unit='', better='higher')" for what, value in CHANCE.items())
    book = new_notebook(cells=[new_code_cell("import os, time\nfrom plmnb.claims import claim\nfrom plmnb.core import start_run\nrun = start_run('tiny', 0, 'cpu')\n" + lines)])
    (tmp_path / "nbs").mkdir()
    nbformat.write(book, tmp_path / "nbs" / "chance.ipynb")
    names, claims = differing([str(tmp_path / "nbs" / "chance.ipynb")], tmp_path / "runs")
    assert names == sorted(f"hand/toy/{what}" for what in CHANCE) and claims == len(CHANCE)
