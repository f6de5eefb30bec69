"The suite with real processes: whatever a notebook does, the run says so, the others run, the report names it, and nothing stays behind."
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from bs4 import BeautifulSoup

from suite_faults import FAULTS, Fault, examine, left_over
from plmnb.core import PlmError
from plmnb.suite.report import write_report
from plmnb.suite.runner import RunnerError, exit_code, find_notebooks, read_results, run_notebook, run_notebooks

ROOT = Path(__file__).parents[1]
LABEL = "<img src=x onerror=alert(1)></td><script>alert(2)</script>"
CLAIM = """import json, os
record = {"name": "good/none/number", "value": 2.0, "unit": "points", "better": "higher", "data": "", "seeds": 1, "values": [2.0],
          "tolerance": 0.1, "scale": "tiny", "device": "cpu", "seed": 0, "environment": {"python": "3", "packages": {}}}
with open(os.environ["PLMNB_CLAIMS"], "a") as file: file.write(json.dumps(record) + "\\n")"""
NOTEBOOKS = {  # name → cells; what each of them must become stands in ENDS
    "10_good": [f"print('Going on from step', n)\n{CLAIM}"],
    "11_error": ["cake = 1", "# the cell that fails\ncake / 0"],
    "12_killed": ["import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
    "13_exit": ["import sys; sys.exit(0)", "1"],
    "14_label": [f"from IPython.display import HTML, Markdown, display\nlabel = {LABEL!r}\nprint(label); display(Markdown(label), HTML(label))", f"raise ValueError({LABEL!r})"],
    "15_crash": ["import os; os.write(2, b'the last words'); os.abort()"],
    "16_expected": ["1 / 0", "2"],
    "17_last": ["3"],
}
ENDS = {  # name → status, cell, a word of the error
    "10_good": ("ok", None, ""), "11_error": ("failed", 3, "ZeroDivisionError"), "12_killed": ("failed", 2, "SIGKILL"), "13_exit": ("failed", 2, "SystemExit"),
    "14_label": ("failed", 3, "ValueError"), "15_crash": ("failed", 2, "the last words"), "16_expected": ("ok", None, ""), "17_last": ("ok", None, ""),
    "18_text": ("failed", None, "not JSON"), "19_newer": ("failed", None, "nbformat is 5"),
}


def notebook(path, *cells):
    "A notebook with the dials and one parameter of its own; the cell that raises on purpose says so."
    path.parent.mkdir(parents=True, exist_ok=True)
    dials = nbformat.v4.new_code_cell('scale = "auto"\nseed = 0\ndevice = "auto"\nn = 3', metadata={"tags": ["parameters"]})
    made = [nbformat.v4.new_code_cell(cell, metadata={"tags": ["raises-exception", "report"] if cell == "1 / 0" else ["report"]}) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=[dials, *made]), path)
    return path


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    "One run of everything that can go wrong at once: (folder, outcomes by name, what was told)."
    folder, told = tmp_path_factory.mktemp("batch"), []
    paths = [notebook(folder / "nbs" / "1_part" / f"{name}.ipynb", *cells) for name, cells in NOTEBOOKS.items()]
    for name, text in (("18_text", "Dear diary"), ("19_newer", json.dumps({"nbformat": 5, "nbformat_minor": 0, "metadata": {}, "cells": []}))):
        paths.append(folder / "nbs" / "1_part" / f"{name}.ipynb")
        paths[-1].write_text(text)
    ledger = folder / "results" / "claims.json"
    ledger.parent.mkdir()
    ledger.write_text(json.dumps({"schema": 1, "claims": {"good/none/number": {"unit": "points", "better": "higher", "runs": {"tiny/cpu": {"value": 1.0, "tolerance": 0.1, "data": ""}}}}}))
    before = {path: path.read_bytes() for path in paths}
    outcomes = run_notebooks(paths, folder / "out", jobs=2, progress=told.append, scale="tiny", device="cpu")
    assert {path: path.read_bytes() for path in before} == before
    write_report(folder / "out")
    return folder, {Path(outcome.notebook).stem: outcome for outcome in outcomes}, told


@pytest.mark.parametrize("name", sorted(ENDS))
def test_every_end_has_its_word(batch, name):
    outcome, (status, cell, word) = batch[1][name], ENDS[name]
    assert outcome.status == status
    if status == "ok": assert outcome.error is None
    else:
        assert outcome.error.cell == cell and word in outcome.error.name + outcome.error.message
        assert "suite" not in outcome.error.traceback  # the notebook's, not ours
        assert "\x1b" not in outcome.error.traceback


def test_a_failure_is_counted(batch):
    assert exit_code(batch[1].values()) == 1
    assert exit_code([batch[1]["10_good"]]) == 0


def test_nothing_is_left(batch):
    folder = batch[0]
    assert not left_over(folder)
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["claims.jsonl", "executed", "junit.xml", "outcomes.json", "report.html"]


def test_what_a_notebook_says_is_told(batch):
    lines = [event for event in batch[2] if event.kind == "line"]
    assert [(event.notebook, event.text) for event in lines] == [("nbs/1_part/10_good.ipynb", "Going on from step 3")]
    ends = [event for event in batch[2] if event.kind == "end"]
    assert [event.done for event in ends] == list(range(1, 11)) and {event.total for event in ends} == {10}


def test_junit_names_notebook_cell_error_and_the_claim_that_moved(batch):
    suite = ElementTree.parse(batch[0] / "out" / "junit.xml").getroot()
    failed = {case.get("name"): case.find("failure") for case in suite if case.find("failure") is not None}
    assert set(failed) == {f"{name}.ipynb" for name, (status, *_) in ENDS.items() if status == "failed"} | {"good/none/number tiny/cpu"}
    assert failed["11_error.ipynb"].get("message").startswith("cell 3: division by zero") and "cake / 0" in failed["11_error.ipynb"].text
    assert suite.get("tests") == "11" and suite.get("failures") == str(len(failed))


def test_the_report_names_notebook_cell_and_error(batch):
    page = BeautifulSoup((batch[0] / "out" / "report.html").read_text(encoding="utf-8"), "html.parser")
    failures = {section.select_one("h3").get_text().split()[0]: section.get_text() for section in page.select(".failure")}
    assert set(failures) == {f"nbs/1_part/{name}.ipynb" for name, (status, *_) in ENDS.items() if status == "failed"}
    assert all(word in failures["nbs/1_part/11_error.ipynb"] for word in ("cell 3", "ZeroDivisionError", "division by zero", "the cell that fails"))
    assert page.select_one("h1").get_text() == "3 of 10 notebooks ran to the end: 7 failed; 1 of 1 numbers moved"
    assert page.select_one(".tag.moved")


def test_no_page_runs_what_a_notebook_says(batch):
    pages = [batch[0] / "out" / "report.html", *(batch[0] / "out" / "executed").rglob("*.html")]
    assert len(pages) == 9
    for path in pages:
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        assert not page.select("script, iframe, object, embed, link, base, form")
        assert all(image["src"].startswith("data:image/") for image in page.select("img"))
        assert not [name for element in page.find_all(True) for name in element.attrs if name.startswith("on")]
        assert "default-src 'none'" in page.select_one("meta[http-equiv=Content-Security-Policy]")["content"]
    report = BeautifulSoup(pages[0].read_text(encoding="utf-8"), "html.parser").get_text()
    assert LABEL in report  # shown as it is


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_reported_and_leaves_nothing(fault, tmp_path):
    assert examine(fault, tmp_path)[1] == []


def test_what_is_looked_for_can_be_missing(tmp_path):
    "The judge of the faults sees a wrong exit code, an unnamed cell and a changed file."
    seconds, wrong = examine(Fault("well", ("open('../../../../home/mine.txt', 'w').write('yours')",), cell=2, says="an error"), tmp_path)
    assert len(wrong) == 5 and all(any(word in text for text in wrong) for word in ("exit code 0", "does not name cell 2", "the user's has changed"))


RUN = """import sys
from plmnb.suite.report import write_report
from plmnb.suite.runner import exit_code, find_notebooks, run_notebooks
outcomes = run_notebooks(find_notebooks(root="nbs"), "out")
write_report("out")
sys.exit(exit_code(outcomes))"""


@pytest.fixture
def waiting_run(tmp_path):
    "A process that runs two notebooks and is inside of a long cell of the first."
    notebook(tmp_path / "nbs" / "1_part" / "10_long.ipynb", "import time\nprint('Pre-training for long')\ntime.sleep(1000)")
    notebook(tmp_path / "nbs" / "1_part" / "11_next.ipynb", "1")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen([sys.executable, "-u", "-c", RUN], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if "Pre-training for long" in line: break
    assert left_over(tmp_path, 0)
    yield process, tmp_path
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_reports_and_leaves_nothing(waiting_run, signum):
    process, folder = waiting_run
    process.send_signal(signum)
    assert not left_over(folder / "out" / f"work-{process.pid}")
    said = process.stdout.read()
    assert process.wait(10) == 130
    assert "Traceback" not in said and len(re.findall("interrupted", said)) == 2
    result = json.loads((folder / "out" / "outcomes.json").read_text())
    assert [outcome["status"] for outcome in result["outcomes"]] == ["interrupted"] * 2 and result["exit_code"] == 130
    assert "10_long.ipynb" in (folder / "out" / "report.html").read_text()


def test_a_killed_run_leaves_no_kernel(waiting_run):
    "Nobody is there to stop the kernel; it sees that its parent is gone."
    process, folder = waiting_run
    process.kill()
    assert not left_over(folder, 10)


def test_fail_fast_starts_no_more(tmp_path):
    paths = [notebook(tmp_path / f"{i}.ipynb", cell) for i, cell in enumerate(["1 / 0 # unannounced", "1"])]
    outcomes = run_notebooks(paths, tmp_path / "out", fail_fast=True, progress=lambda event: None)
    assert [outcome.status for outcome in outcomes] == ["failed", "not run"] and exit_code(outcomes) == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "2_model/../../secret.ipynb", "x\0.ipynb", "x" * 5000, "{n}.ipynb", ""])
def test_a_name_that_is_no_notebook_is_refused(name, tmp_path):
    notebook(tmp_path / "nbs" / "2_model" / "20_attention.ipynb", "1")
    with pytest.raises(RunnerError, match="There are: all, main, 2_model, attention"): find_notebooks(name, tmp_path / "nbs")


def test_a_notebook_from_elsewhere_is_written_inside(tmp_path):
    "Braces in its name are no template, and its folder is no way out."
    odd = notebook(tmp_path / "in" / ".." / "else {n}" / "odd {scale} ünï.ipynb", "n")
    outcome = run_notebook(tmp_path / "in" / ".." / "else {n}" / odd.name, tmp_path / "out", parameters={"n": '"; import os; os.abort() #'})
    assert outcome.status == "ok" and outcome.executed == "executed/else {n}/odd {scale} ünï.ipynb"
    copy = nbformat.read(tmp_path / "out" / outcome.executed, as_version=4)
    assert eval(copy.cells[-1].outputs[0].data["text/plain"]) == '"; import os; os.abort() #'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["else {n}", "in", "out"]


def test_a_link_does_not_lead_out(tmp_path):
    "The folder of executed notebooks is a link to the reader's own: they stay as they are."
    path = notebook(tmp_path / "nbs" / "1_part" / "10_mine.ipynb", "1")
    before = path.read_bytes()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "executed").symlink_to(tmp_path / "nbs")
    outcome = run_notebook(path, tmp_path / "out")
    assert outcome.status == "failed" and "outside" in outcome.error.message and path.read_bytes() == before


@pytest.mark.parametrize("options, word", [
    ({"parameters": {"m": 1}}, "no parameter 'm'"), ({"parameters": {"n = 1; import os": 1}}, "not a Python name"), ({"parameters": {"class": 1}}, "not a Python name"),
    ({"parameters": {"n": {1, 2}}}, "give text, numbers"), ({"scale": "huge"}, "'laptop'"), ({"device": "tpu"}, "'cuda'"), ({"seed": -1}, "whole number"),
    ({"timeout": float("nan")}, "more than 0"), ({"jobs": 0}, "from 1"), ({"ledger": __file__}, "not JSON")])
def test_bad_options_are_refused_before_anything_runs(options, word, tmp_path):
    path = notebook(tmp_path / "good.ipynb", "open('ran', 'w')")
    with pytest.raises(PlmError, match=word): run_notebooks([path], tmp_path / "out", progress=lambda event: pytest.fail("something ran"), **options)


def test_a_number_that_is_gone_fails_the_run(tmp_path):
    path = notebook(tmp_path / "nbs" / "1_part" / "10_good.ipynb", CLAIM)
    reference = lambda value: {"unit": "points", "better": "higher", "runs": {"tiny/cpu": {"value": value, "tolerance": 0.1, "data": "", "notebook": "nbs/1_part/10_good.ipynb"}}}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "claims.json").write_text(json.dumps({"schema": 1, "claims": {"good/none/number": reference(2.0), "good/none/other": reference(3.0)}}))
    run_notebook(path, tmp_path / "out", scale="tiny", device="cpu")
    result = read_results(tmp_path / "out")
    assert [(v.name, v.status) for v in result["verdicts"]] == [("good/none/number", "held"), ("good/none/other", "missing")] and result["exit_code"] == 1
    page = BeautifulSoup(write_report(tmp_path / "out").read_text(encoding="utf-8"), "html.parser")
    assert "1 numbers are missing" in page.select_one("h1").get_text() and page.select_one(".tag.missing")
    run_notebook(path, tmp_path / "other", scale="tiny", device="cpu", parameters={"n": 4})
    assert read_results(tmp_path / "other")["exit_code"] == 0                                   # another setting may make other claims
