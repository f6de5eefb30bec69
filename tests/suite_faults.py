"""What `plmnb run` does when something goes wrong: a table of faults, each in real processes.

`python3 bootstrap.py faults`. For each fault: the exit code is not 0, the report (or, where nothing ran, one line on the terminal) names notebook and cell,
nothing of the user's is touched, and no process is left after five seconds. Exit code 1 if a fault is not handled so.
"""
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import psutil
from bs4 import BeautifulSoup
from tqdm import tqdm

from proofs import table

ROOT = Path(__file__).parents[1]
PLACE = "nbs/1_part/10_mine.ipynb"
NO_FOLDER = "/proc/plmnb" if sys.platform == "linux" else "/dev/null/plmnb" # not even root makes a folder there


@dataclass(frozen=True)
class Fault:
    name:str
    cells:tuple=()           # sources after the parameters cell
    text:str=""              # of the file instead of cells
    words:tuple=()           # more of the command line
    code:int=1               # expected
    cell:int|None=None       # that the report names; None: none
    says:str=""              # in the report, or on the terminal where nothing ran
    metadata:dict=field(default_factory=dict)
    press:int|None=None      # a signal that is sent once the first cell runs
    room:int|None=None       # bytes that a file may grow to
    reports:bool=True        # a report is written


ORPHAN = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)"
FAULTS = (
    Fault("a cell raises", ("1", "# this one\n1 / 0", "2"), cell=3, says="ZeroDivisionError"),
    Fault("a cell raises an error of its own making", ("class E(BaseException): pass\nraise E('mine')",), cell=2, says="mine"),
    Fault("the kernel is killed", ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)",), cell=2, says="SIGKILL"),
    Fault("the kernel crashes", ("import os; os.write(2, b'last words'); os.abort()",), cell=2, says="last words"),
    Fault("the kernel ends itself", ("import os; os._exit(0)",), cell=2, says="exit code 0"),
    Fault("sys.exit(0) in a cell", ("import sys; sys.exit(0)", "1"), cell=2, says="SystemExit"),
    Fault("a cell hangs", ("import time; time.sleep(1000)",), words=("--timeout", "6"), cell=2, says="longer than 6 s"),
    Fault("a cell hangs and hears no interrupt", ("import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(1000)",), words=("--timeout", "6"), cell=2, says="longer than 6 s"),
    Fault("a cell that may take a second", ("1", "import time; time.sleep(1000)"), words=("--cell-timeout", "1"), cell=3, says="the cell took longer than 1 s"),
    Fault("a cell waits for the keyboard", ("input('name? ')",), cell=2, says="StdinNotImplementedError"),
    Fault("200 MB of output", ("for _ in range(200): print('x' * 1_000_000)", "1 / 0"), cell=3, says="ZeroDivisionError"),
    Fault("an orphan process", (ORPHAN, "1 / 0"), cell=3, says="ZeroDivisionError"),
    Fault("an orphan process of a kernel that is killed", (ORPHAN + "\nimport os, signal; os.kill(os.getpid(), signal.SIGKILL)",), cell=2, says="SIGKILL"),
    Fault("its working folder is deleted", ("import os, shutil; shutil.rmtree(os.getcwd())", "1 / 0"), cell=3, says="ZeroDivisionError"),
    Fault("rubbish among the claims", ("import os; open(os.environ['PLMNB_CLAIMS'], 'w').write('{\"name\"')",), says="line 1: not JSON"),
    Fault("a kernel that is not there", ("1 / 0",), metadata={"kernelspec": {"name": "nobody", "display_name": "Nobody", "language": "python"}}, cell=2, says="ZeroDivisionError"),
    Fault("another language", ("1",), metadata={"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, says="only Python is run here"),
    Fault("not JSON", text="Dear diary", says="not JSON"),
    Fault("an empty file", text="", says="not JSON"),
    Fault("JSON that is no notebook", text="[1, 2]", says="not an object"),
    Fault("a newer nbformat", text='{"nbformat": 5, "nbformat_minor": 0, "metadata": {}, "cells": []}', says="nbformat is 5"),
    Fault("cells that are none", text='{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "cake"}]}', says="not a valid notebook"),
    Fault("brackets a hundred thousand deep", text="[" * 100_000, says="not JSON"),
    Fault("Ctrl-C", ("print('Pre-training for long', flush=True)\nimport time; time.sleep(1000)",), press=signal.SIGINT, code=130, cell=2, says="stopped by the user"),
    Fault("SIGTERM", ("print('Pre-training for long', flush=True)\nimport time; time.sleep(1000)",), press=signal.SIGTERM, code=130, cell=2, says="stopped by the user"),
    Fault("a parameter that it has not", ("1",), words=("-p", "m", "1"), code=2, says="no parameter 'm'", reports=False),
    Fault("a parameter that is code", ("1",), words=("-p", "n; import os", "1"), code=2, says="not a Python name", reports=False),
    Fault("a notebook outside", ("1",), words=("../../etc/passwd",), code=2, says="is no notebook", reports=False),
    Fault("a folder that cannot be made", ("1",), words=("--out", NO_FOLDER), code=2, says="give another --out", reports=False),
    Fault("a folder with somebody's files", ("1",), words=("--out", "home"), code=2, says="nothing in it was touched", reports=False),
    Fault("a disk that is full", ("1",), room=0, code=2, says="No usable temporary directory", reports=False),                                        # not even the first file
    Fault("a disk that fills up", ("print('x' * 100_000)",), room=50_000, says="File too large"),
)


def lay(folder, fault):
    "A user's folder with the notebook and something of their own."
    path = folder / PLACE
    path.parent.mkdir(parents=True)
    (folder / "home").mkdir()
    (folder / "home" / "mine.txt").write_text("mine")
    if not fault.cells: return path.write_text(fault.text)
    dials = nbformat.v4.new_code_cell('scale = "auto"\nseed = 0\ndevice = "auto"\nn = 3', metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[dials, *map(nbformat.v4.new_code_cell, fault.cells)], metadata=fault.metadata), path)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in ("out", "cache")}


def left_over(folder, seconds=5):
    "Processes that have to do with a folder of results and still live after so many seconds."
    end = time.monotonic() + seconds
    while True:
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and str(folder) in " ".join([process.environ().get("PLMNB_CLAIMS", ""), *process.cmdline()]): found.append(process)
            except psutil.Error: continue
        if not found or time.monotonic() > end: return found
        time.sleep(0.1)


def run(folder, fault):
    "Type the line, in a process of its own; (exit code, what it printed)."
    limit = None if fault.room is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (fault.room, fault.room))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PLMNB_HOME": str(folder / "cache"), "PYTHONUNBUFFERED": "1"}
    out = () if "--out" in fault.words else ("--out", "out")
    process = subprocess.Popen([sys.executable, "-m", "plmnb.cli", "run", PLACE, *fault.words, *out], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=limit)
    said = []
    for line in process.stdout:
        said.append(line)
        if fault.press and "Pre-training for long" in line: process.send_signal(fault.press)
    return process.wait(), "".join(said)


def named(folder):
    "What the report says of the failure."
    path = folder / "out" / "report.html"
    return " ".join(section.get_text() for section in BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").select(".failure")) if path.is_file() else ""


def examine(fault, folder):
    "(seconds, what is wrong: nothing when the fault is handled)."
    lay(folder, fault)
    before, begun = contents(folder), time.monotonic()
    code, said = run(folder, fault)
    seconds, wrong = time.monotonic() - begun, []
    if code != fault.code: wrong.append(f"exit code {code}, not {fault.code}: {said[-300:]}")
    told = named(folder) if fault.reports else said
    if fault.says not in told: wrong.append(f"{fault.says!r} is not in {told[:300]!r}")
    if fault.reports and PLACE not in told: wrong.append("the report does not name the notebook")
    if fault.cell and f"cell {fault.cell}:" not in told: wrong.append(f"the report does not name cell {fault.cell}: {told[:100]!r}")
    if "Traceback" in said: wrong.append("a traceback on the terminal")
    if contents(folder) != before: wrong.append("something of the user's has changed")
    if left := left_over(folder): wrong.append(f"{len(left)} processes are left")
    return seconds, wrong


def main():
    rows, bad = [], 0
    for fault in tqdm(FAULTS, unit="fault", leave=False, dynamic_ncols=True):
        with tempfile.TemporaryDirectory() as folder: seconds, wrong = examine(fault, Path(folder).resolve())
        bad += bool(wrong)
        rows.append([fault.name, str(fault.code), f"cell {fault.cell}" if fault.cell else "notebook" if fault.reports else "terminal", fault.says, f"{seconds:.1f} s", "; ".join(wrong) or "ok"])
    print(table(["fault", "exit code", "named", "as", "", ""], rows))
    print(f"\n{len(FAULTS) - bad} of {len(FAULTS)} faults are reported, leave the user's files as they were, and leave no process.")
    return int(bool(bad))


if __name__ == "__main__": sys.exit(main())
