"Every cell of tests/hostile_files.py, with the control that the payloads would fire, and that a leak would be seen."
import io
import pickle

import numpy
import pyarrow.parquet
import pytest
import torch

from hostile_files import CASES, LABEL, SECRET, cells, extended, harmless_page, outside, pickled, torch_saved
from bad_inputs import put
from plmnb import corpus
from plmnb.core import PlmError
from trials import Cell, faults, faults_of_kind

CELLS = cells()


def test_there_are_kinds_and_places_enough():
    assert len({kind for kind, *_ in CASES}) >= 48 and len({cell.place for cell in CELLS}) >= 40


@pytest.mark.parametrize("kind", dict.fromkeys(cell.kind for cell in CELLS))
def test_it_is_refused_or_shown_harmlessly(kind, tmp_path):
    assert faults_of_kind(CELLS, kind, tmp_path) == {}


@pytest.mark.parametrize("load", [lambda path: pickle.loads(path.read_bytes()), lambda path: numpy.load(path, allow_pickle=True), lambda path: torch.load(path, weights_only=False)], ids=["pickle", "numpy", "torch"])
def test_the_payload_fires_where_it_is_opened_naively(load, tmp_path):
    "Otherwise its silence would prove nothing."
    path = put(tmp_path, "x", torch_saved(tmp_path) if "torch" in str(load.__code__.co_names) else pickled(tmp_path))
    load(path)
    assert (tmp_path / "fired").exists()


def test_a_table_carries_the_payload(tmp_path):
    "The extension type is in the file, and its pickle with it."
    kind = pyarrow.parquet.read_schema(io.BytesIO(extended(tmp_path))).field("text").metadata
    assert kind == {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": pickled(tmp_path)} and not (tmp_path / "fired").exists()


@pytest.mark.parametrize("act", [lambda folder: pickle.loads(pickled(folder)), lambda folder: put(folder, "canary.txt", "dead"), lambda folder: (folder / "secret.txt").unlink()], ids=["fired", "canary", "secret"])
def test_what_happens_outside_is_seen(act, tmp_path):
    def refuse(folder): act(folder); raise PlmError("give another")
    assert faults(Cell("kind", "place", refuse, outside), tmp_path)


def test_a_secret_that_is_read_is_seen(tmp_path):
    "The text of a link's target would be among the texts: whoever names the file itself gets it."
    outside(tmp_path)
    assert any(SECRET in text for part in corpus.load_text(tmp_path / "secret.txt").values() for text in part["text"])


@pytest.mark.parametrize("page, harmless", [("<p>text</p>", True), (LABEL, False), ('<a href="javascript:alert(1)">x</a>', False), ('<p onclick="x">x</p>', False), ('<img src="https://example.org/x.png">', False), ('<img src="data:image/png;base64,AA">', True)])
def test_a_page_that_runs_something_is_seen(page, harmless, tmp_path):
    assert harmless_page(put(tmp_path, "x.html", page)) is harmless
