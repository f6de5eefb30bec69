"The package as a stranger installs it: a wheel from a clean copy, put somewhere else, imported there."
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]


def run(*command, cwd, **env):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked():
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    "Built from the files that git knows, so that nothing lying about in the checkout gets in."
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    run(*PIP, "wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), ".", cwd=copy)
    return next(out.glob("plmnb-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    target = tmp_path_factory.mktemp("installed")
    run(*PIP, "install", "-q", "--no-deps", "--no-index", "--target", str(target), str(wheel), cwd=target)
    return target


def test_the_wheel_holds_every_module_and_every_notebook_and_nothing_else(wheel):
    modules = {name for name in tracked() if name.startswith("plmnb/") and name.endswith(".py")}
    with zipfile.ZipFile(wheel) as archive: names = {name for name in archive.namelist() if ".dist-info/" not in name}
    notebooks = {"plmnb/_course/" + name.removeprefix("nbs/") for name in tracked() if name.startswith("nbs/") and name.endswith(".ipynb")}
    assert names == modules | notebooks | {"plmnb/_course/claims.json"} and len(notebooks) > 40
    folders = {Path(name).parent.as_posix() for name in modules}
    assert [folder for folder in folders if f"{folder}/__init__.py" not in modules] == []  # else find_packages passes it by


def test_the_wheel_declares_command_licence_and_extras(wheel):
    with zipfile.ZipFile(wheel) as archive:
        info = {Path(name).name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    assert "plmnb = plmnb.cli:app" in info["entry_points.txt"]
    for line in ("Apache-2.0", "Provides-Extra: course", "Requires-Python: >=3.11"): assert line in info["METADATA"], line
    assert "Apache License" in info["LICENSE"]


def test_the_library_works_away_from_the_checkout(installed, tmp_path):
    "The dependencies come from the environment that runs the test; plmnb from the folder it was installed into."
    program = ("import plmnb, torch; from plmnb.attention import attention; x = torch.randn(1, 2, 3, 4); "
               "assert attention(x, x, x).shape == x.shape; print(plmnb.__file__)")
    where = run(sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(installed)).strip()
    assert Path(where).is_relative_to(installed)


def test_every_installed_module_imports(installed, tmp_path):
    program = ("import importlib, pkgutil, plmnb; "
               "names = [m.name for m in pkgutil.walk_packages(plmnb.__path__, 'plmnb.')]; "
               "[importlib.import_module(n) for n in names]; print(len(names))")
    count = run(sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(installed), PYTHONWARNINGS="ignore")
    assert int(count) >= len(list((ROOT / "plmnb").rglob("[!_]*.py")))


def test_the_command_is_installed(installed, tmp_path):
    assert "pretrain" in run(sys.executable, str(installed / "bin" / "plmnb"), "--help", cwd=tmp_path, PYTHONPATH=str(installed))


def test_the_course_comes_along_and_runs_away_from_the_checkout(installed, tmp_path):
    command = [sys.executable, str(installed / "bin" / "plmnb")]
    assert "nbs" not in os.listdir(tmp_path)
    run(*command, "course", "desk", cwd=tmp_path, PYTHONPATH=str(installed))
    notebooks = {path.relative_to(tmp_path / "desk").as_posix() for path in (tmp_path / "desk").rglob("*.ipynb")}
    assert notebooks == {name for name in tracked() if name.startswith("nbs/") and name.endswith(".ipynb")}
    told = run(*command, "run", "core", "attention", "--scale", "tiny", "--out", "../out", cwd=tmp_path / "desk", PYTHONPATH=str(installed), PLMNB_HOME=str(tmp_path / "home"))
    assert told.count(" ok ") == 2 and (tmp_path / "out" / "report.html").exists()
    assert (tmp_path / "desk" / "results" / "claims.json").read_bytes() == (ROOT / "results" / "claims.json").read_bytes()
    assert re.search(r"attention +0 of \d", run(*command, "progress", cwd=tmp_path, PYTHONPATH=str(installed), PLMNB_HOME=str(tmp_path / "home")))
