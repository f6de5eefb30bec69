"A run becomes what the repository shows: accepted numbers, published outputs; and what is refused leaves everything as it was."
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from test_cli import plmnb as typed

HAND = "nbs/1_language/10_hand.ipynb"
PARAMETERS = 'scale = "auto"\nseed = 0\ndevice = "auto"'
CLAIM = 'from plmnb.claims import claim\nfrom plmnb.core import start_run\nrun = start_run(scale, seed, device)\nprint("measured", claim("hand/toy/number", 0.5, run, unit="nats", better="lower", data="sha256:0"))'


def plmnb(repository, *words, code=0):
    "What a line typed in the repository prints."
    done = typed(*words, cwd=repository, code=code)
    return done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path):
    "A course of one chapter that records a number and prints it."
    book = new_notebook(cells=[new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}), new_code_cell(CLAIM), new_code_cell('import os\nprint(os.getcwd())', metadata={"tags": ["volatile"]})])
    (tmp_path / HAND).parent.mkdir(parents=True)
    nbformat.write(book, tmp_path / HAND)
    return tmp_path


def test_run_accept_publish(repository):
    plmnb(repository, "run", HAND, "--scale", "laptop", "--device", "cpu", "--out", "runs/first")
    before = (repository / HAND).read_bytes()
    assert "accept the number first" in plmnb(repository, "publish", code=2)
    assert (repository / HAND).read_bytes() == before
    assert "hand/toy/number laptop/cpu: none → 0.5 ± 0.005" in plmnb(repository, "accept") and "1 claims: 1 held" in plmnb(repository, "verify")
    assert plmnb(repository, "publish").strip() == HAND
    shown = json.loads((repository / HAND).read_text(encoding="utf-8"))["cells"]
    assert [cell["outputs"] for cell in shown] == [[], [{"name": "stdout", "output_type": "stream", "text": ["measured 0.5\n"]}], []]
    plmnb(repository, "run", HAND, "--scale", "laptop", "--device", "cpu", "--out", "runs/second")
    after = (repository / HAND).read_bytes()
    assert "0 changed" in plmnb(repository, "accept") and plmnb(repository, "publish").strip() == HAND
    assert (repository / HAND).read_bytes() == after
    assert "run it with --scale laptop" in (plmnb(repository, "run", HAND, "--scale", "tiny", "--out", "runs/third") and plmnb(repository, "publish", code=2))
