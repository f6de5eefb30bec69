"The house: notebooks are clean, the export is current, every notebook runs, importing plmnb is cheap."
import shutil
import subprocess
import sys
from pathlib import Path

import papermill
import pytest

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


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebook_runs(notebook, tmp_path):
    known = papermill.inspect_notebook(str(ROOT / notebook))
    assert {"scale", "seed", "device"} <= set(known)
    papermill.execute_notebook(
        str(ROOT / notebook), str(tmp_path / "executed.ipynb"), parameters={"scale": "tiny", "device": "cpu"},
        kernel_name="python3", cwd=str(tmp_path), progress_bar=False)
