"The house: notebooks are clean, the export is current, every notebook runs, importing plmnb is cheap."
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plmnb.suite.runner import Terminal, run_notebooks

ROOT = Path(__file__).parents[1]
# chapters lie in the folder of their part; the front page, which is text alone, lies beside the parts (tests/test_rules.py)
NOTEBOOKS = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "nbs").glob("*/[!.]*.ipynb"))


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tree(root):
    "Every file that an export or a clean could write, by its path."
    files = [p for folder in ("nbs", "plmnb") for p in (root / folder).rglob("*") if p.suffix in {".py", ".ipynb"}]
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files if ".ipynb_checkpoints" not in p.parts}


def test_export_and_notebooks_are_clean(tmp_path):
    for name in ("nbs", "plmnb"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    shutil.copy(ROOT / "settings.ini", tmp_path)
    run("nbdev_export", cwd=tmp_path)
    run("nbdev_clean", cwd=tmp_path)
    before, after = tree(ROOT), tree(tmp_path)
    assert sorted(before) == sorted(after)
    assert [name for name in before if before[name] != after[name]] == []


def test_import_brings_neither_torch_nor_matplotlib():
    heavy = run(sys.executable, "-c", "import sys, plmnb.core; print({'torch', 'matplotlib', 'transformers'} & set(sys.modules))", cwd=ROOT)
    assert heavy.strip() == "set()"


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.fixture(scope="session")
def executed(request, tmp_path_factory):
    "The outcomes of all notebooks that this session asks for, two at a time, by name; a line as each ends."
    wanted = {item.callspec.params["notebook"] for item in request.session.items if item.name.startswith("test_notebook_runs[")}
    out = tmp_path_factory.mktemp("executed")
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print()
        outcomes = run_notebooks([ROOT / name for name in sorted(wanted)], out, jobs=2, scale="tiny", device="cpu", progress=Terminal())
    if any(outcome.status == "interrupted" for outcome in outcomes): pytest.exit("interrupted", returncode=130)
    return out, {outcome.notebook: outcome for outcome in outcomes}


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebook_runs(notebook, executed):
    out, outcomes = executed
    outcome = outcomes[notebook]
    if outcome.error:
        error = outcome.error
        pytest.fail(f"{notebook}, cell {error.cell}: {error.name}: {error.message}\n\n{error.source}\n\n{error.traceback}", pytrace=False)
    assert outcome.status == "ok"
    copy = json.loads((out / outcome.executed).read_text(encoding="utf-8"))
    dials = {"scale": "tiny", "device": "cpu", "seed": 0}
    assert copy["metadata"]["papermill"]["parameters"] == dials or all(cell["cell_type"] == "markdown" for cell in copy["cells"])
