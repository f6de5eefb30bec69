"A chapter opened in Colab: its badge leads to itself, its first cell installs the package where it is missing, and it runs with no course around it."
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from configparser import ConfigParser
from pathlib import Path

import pytest

from plmnb.cli import open_in_colab
from test_install import tracked

ROOT = Path(__file__).parents[1]
INI = ConfigParser(delimiters=["="], interpolation=None)
INI.read(ROOT / "settings.ini", encoding="utf-8")
REPOSITORY, BRANCH = INI["DEFAULT"]["git_url"], INI["DEFAULT"]["branch"]
CHAPTERS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "nbs").glob("*/[!.]*.ipynb"))
ALONE = ("nbs/0_ground/00_core.ipynb", "nbs/1_language/13_world.ipynb", "nbs/2_model/20_attention.ipynb", "nbs/solutions/20_attention.ipynb")


def read(name):
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def faults(name, notebook):
    "What a reader in Colab would miss. When this is not empty, run `plmnb colab`."
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    title = next(i for i, (kind, text) in enumerate(cells) if kind == "markdown" and text.startswith("# "))
    badge = re.match(r"# .+\n\n\[!\[Open in Colab\]\(https://colab\.research\.google\.com/assets/colab-badge\.svg\)\]\((\S+)\)\n\n", cells[title][1])
    wanted = f"https://colab.research.google.com/github/plmnb/plmnb/blob/main/{name}"
    found = [] if badge and badge[1] == wanted else [f"the badge leads to {badge and badge[1]}"]
    install = [i for i, (kind, text) in enumerate(cells) if kind == "code" and "git+https" in text and text.startswith("#| hide\ntry: import plmnb\n")]
    if install != [title + 1]: found.append(f"cells that install: {install}")
    if any("import" in text for kind, text in cells[:title] if kind == "code"): found.append("imports come first")
    return found


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_chapter_has_its_badge_and_the_cell(name):
    assert faults(name, read(name)) == []
    assert open_in_colab(read(name), name, REPOSITORY, BRANCH) == read(name)


def test_a_wrong_path_and_a_missing_cell_are_found():
    name = CHAPTERS[0]
    assert faults("nbs/elsewhere.ipynb", read(name)) == [f"the badge leads to https://colab.research.google.com/github/plmnb/plmnb/blob/main/{name}"]
    bare = read(name)
    bare["cells"] = [cell for cell in bare["cells"] if cell["id"] != "colab"]
    assert faults(name, bare) == ["cells that install: []"]


def test_the_cell_is_the_same_everywhere():
    assert len({"".join(cell["source"]) for name in CHAPTERS for cell in read(name)["cells"] if cell["id"] == "colab"}) == 1


def test_one_command_writes_them(tmp_path):
    "A moved repository, and a chapter that is new."
    shutil.copytree(ROOT / "nbs", tmp_path / "nbs", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    (tmp_path / "settings.ini").write_text(f"[DEFAULT]\ngit_url = {REPOSITORY}\nbranch = {BRANCH}\n", encoding="utf-8")
    new = {**read(CHAPTERS[0]), "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# A new chapter"]}]}
    (tmp_path / "nbs/0_ground/09_new.ipynb").write_text(json.dumps(new), encoding="utf-8")
    def colab(): return subprocess.run([sys.executable, "-m", "plmnb.cli", "colab", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert colab() == ["nbs/0_ground/09_new.ipynb"] and colab() == []
    assert faults("nbs/0_ground/09_new.ipynb", json.loads((tmp_path / "nbs/0_ground/09_new.ipynb").read_text(encoding="utf-8"))) == []
    (tmp_path / "settings.ini").write_text("[DEFAULT]\ngit_url = https://github.com/ann/course\nbranch = next\n", encoding="utf-8")
    assert len(colab()) == len(CHAPTERS) + 1
    assert "github/ann/course/blob/next/nbs/0_ground/00_core.ipynb" in (tmp_path / CHAPTERS[0]).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    "A Python that has everything but plmnb, in which GitHub's repository is a copy of this one; and its environment."
    place = tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "venv")], check=True)
    packages = place / "site-packages"                               # by this name dill knows what it need not pickle
    packages.mkdir()
    for folder in filter(None, [sysconfig.get_path("purelib"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]):
        if Path(folder).name != "site-packages": continue
        for entry in Path(folder).iterdir():
            if "plmnb" not in entry.name and entry.suffix != ".pth" and not (packages / entry.name).exists(): (packages / entry.name).symlink_to(entry)
    own = next((place / "venv" / "lib").glob("python*/site-packages"))
    (own / "others.pth").write_text(f"{packages}\n", encoding="utf-8")
    for name in tracked():
        (place / "repository" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / "repository" / name)
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all"]): subprocess.run(["git", *words], cwd=place / "repository", check=True)
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env = {**kept, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{(place / 'repository').as_uri()}.insteadOf", "GIT_CONFIG_VALUE_0": REPOSITORY,
           "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CONFIG_FILE": os.devnull,  # "0" is how pip is told not to isolate a build
           "PLMNB_HOME": str(place / "home"), "JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter"), "HF_HUB_OFFLINE": "1"}
    return place / "venv" / "bin" / "python", env


BEGIN = """
import importlib.util, json, sys
import nbformat
from nbclient import NotebookClient
assert importlib.util.find_spec("plmnb") is None
book = nbformat.read(sys.argv[1], 4)
stop = next(i for i, cell in enumerate(book.cells) if "start_run(" in cell.source)
book.cells = [*book.cells[:stop + 1], nbformat.v4.new_code_cell("import plmnb, plmnb.attention; print(plmnb.__file__)")]
NotebookClient(book, kernel_name="python3", timeout=300).execute()
print(book.cells[-1].outputs[0].text)
"""


def python(elsewhere, *words, cwd):
    program, env = elsewhere
    done = subprocess.run([str(program), *map(str, words)], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_cell_installs_what_is_missing_and_the_chapter_runs_alone(elsewhere, tmp_path):
    "First the cells down to the imports, in a kernel that lacks plmnb; then whole chapters, each in a folder of its own."
    shutil.copy(ROOT / "nbs/2_model/20_attention.ipynb", tmp_path)
    assert Path(python(elsewhere, "-c", BEGIN, "20_attention.ipynb", cwd=tmp_path).strip()).is_relative_to(elsewhere[0].parents[1])
    for i, name in enumerate(ALONE):
        alone = tmp_path / str(i)
        alone.mkdir()
        shutil.copy(ROOT / name, alone)
        assert " ok " in python(elsewhere, "-m", "plmnb.cli", "run", Path(name).name, "--scale", "tiny", "--device", "cpu", "--out", "out", cwd=alone)
