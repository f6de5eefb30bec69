"Every cell of tests/bad_inputs.py, and that the table would tell of one that fails."
import subprocess
import sys
from pathlib import Path

import pytest

import trials
from bad_inputs import PLACES, as_csv, cells, labelled, put
from plmnb.core import PlmError
from trials import Cell, Told, faults, faults_of_kind, show, surroundings

ROOT = Path(__file__).parents[1]
CELLS = cells()


def test_there_are_kinds_and_places_enough():
    assert len({cell.kind for cell in CELLS}) >= 64 and len({cell.place for cell in CELLS}) >= 100
    names = [str(cell) for cell in CELLS]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize("kind", dict.fromkeys(cell.kind for cell in CELLS))
def test_a_bad_input_is_refused_by_name_or_rightly_taken(kind, tmp_path):
    assert faults_of_kind(CELLS, kind, tmp_path) == {}


@pytest.mark.parametrize("place", [place for place in PLACES if not place.name.startswith(("plmnb pretrain", "plmnb finetune", "plmnb run, ledger", "plmnb bench"))], ids=lambda place: place.name)
def test_what_is_spoiled_was_good_before(place, tmp_path):
    "So it is the kind of file that is refused, and not the place. The verbs left out would train, measure or run."
    with surroundings(tmp_path):
        place.lay(tmp_path)
        try: result = place.run(tmp_path)
        except PlmError as error: result = error
    assert not isinstance(result, PlmError) and (not isinstance(result, Told) or result.code == 0), result


@pytest.mark.parametrize("words, code, says", [(("pretrain", "--text", "absent.txt"), 2, "check the path"), (("finetune", "--data", "labels.csv", "--text-column", "body", "--label-column", "label", "--out", "out"), 2, "'text', 'label'"), (("report", "nothing"), 2, "run notebooks first"),
                                               (("fill", "no gap"), 2, "write [MASK]"), (("grade", "nobody"), 2, "no such folder"), (("run", "nothing"), 2, "is no notebook")])
def test_a_process_of_its_own_ends_so_too(words, code, says, tmp_path):
    "What `CliRunner` sees is what a shell sees."
    put(tmp_path, "labels.csv", as_csv(labelled()))
    done = subprocess.run([sys.executable, "-m", "plmnb.cli", *words], cwd=tmp_path, capture_output=True, text=True, env=trials.os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"})
    assert done.returncode == code and done.stdout == "" and len(done.stderr.splitlines()) == 1 and done.stderr.startswith("plmnb: ") and says in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv"]


def refuse(message, error=PlmError):
    def act(folder): raise error(message)
    return act


def leave(folder): (folder / "left").write_text("x"); raise PlmError("a.txt: give another")
def alter(folder): (folder / "a.txt").write_text("x"); raise PlmError("a.txt: give another")
def wait(folder): trials.time.sleep(60)


def work(folder):
    until = trials.time.process_time() + 0.3
    while trials.time.process_time() < until: pass
    raise PlmError("a.txt: give another")


@pytest.mark.parametrize("act, accepts, says", [
    (refuse("a.txt: give another"), None, []), (refuse("give another"), None, ["does not say 'a.txt'"]), (refuse("a.txt: oh"), None, ["does not say what to do"]), (refuse("a.txt", ValueError), None, ["instead of a typed error"]),
    (lambda folder: 7, None, ["accepted: 7"]), (leave, None, ["left behind: left"]), (alter, None, ["changed: a.txt"]), (wait, None, ["TooSlow"]), (work, None, ["took"]), (lambda folder: 7, lambda result, folder: result == 7, []), (lambda folder: 7, lambda result, folder: result == 8, ["is not right"]),
    (lambda folder: Told(2, "", "plmnb: a.txt: give another\n"), None, []), (lambda folder: Told(1, "", "plmnb: a.txt: give another\n"), None, ["exit code 1"]), (lambda folder: Told(2, "", "Traceback\nplmnb: a.txt: give another\n"), None, ["not one line"])])
def test_a_cell_that_fails_is_seen(act, accepts, says, tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "SECONDS", 0.2)
    found = faults(Cell("kind", "place", act, lambda folder: (folder / "a.txt").write_text("good"), ("a.txt",), accepts), tmp_path)
    assert len(found) >= len(says) and all(any(word in fault for fault in found) for word in says) and bool(found) == bool(says), found


def test_the_table_tells_of_it(capsys):
    good, bad = (Cell(kind, "somewhere", refuse(message), lambda folder: None, ("a.txt",)) for kind, message in (("good", "a.txt: give another"), ("bad", "oh")))
    assert show([good], "kind") and "1 kinds, 1 places, 1 cells, 0 of them fail" in capsys.readouterr().out
    assert not show([good, bad], "kind") and "FAILED somewhere: bad: does not say 'a.txt'" in capsys.readouterr().out
