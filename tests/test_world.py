"The small world: its first texts have one hash, whatever the process, the order of sets, the locale or the working folder; its measures are those of the libraries."
import os
import random
import subprocess
import sys

import pytest
import sacrebleu
from seqeval.metrics import f1_score

from plmnb.ideal import chrf, names_f1
from plmnb.views import TAGS
from plmnb.world import HASHES, WorldConfig, open_world, parse_source, world_text

SAY = "import sys; from plmnb.world import *; print(stream_hash(parse_source(sys.argv[1])))"
SETTINGS = [{"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "LC_ALL": "C"}, {"PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}]


@pytest.mark.parametrize("source, setting", list(zip(HASHES, SETTINGS)), ids=str)
def test_the_texts_are_the_same_bytes_everywhere(source, setting, tmp_path):
    done = subprocess.run([sys.executable, "-c", SAY, source], cwd=tmp_path, env={**os.environ, **setting}, capture_output=True, text=True)
    assert done.stdout.strip() == HASHES[source], done.stderr


def drawn_texts(n, seed=0):
    draw = random.Random(seed)
    return [" ".join(draw.choices("a rose is red and the bank was grey 红 玫 瑰".split(), k=draw.randint(1, 9))) for _ in range(n)]


@pytest.mark.parametrize("n", [1, 7, 40])
def test_chrf_is_that_of_sacrebleu(n):
    answers, references = drawn_texts(n, 1), drawn_texts(n, 2)
    assert 100 * chrf(answers, references) == pytest.approx(sacrebleu.corpus_chrf(answers, [references]).score, abs=1e-6)


def test_f1_of_names_is_that_of_seqeval():
    draw = random.Random(0)
    def tags(n):
        "Valid IOB2."
        found = []
        while len(found) < n:
            kind = draw.randrange(4)
            found += [0] if draw.random() < 0.5 else [2 * kind + 1] + [2 * kind + 2] * draw.randrange(3)
        return found[:n]
    lengths = [draw.randint(1, 30) for _ in range(60)]
    answers, references = [tags(n) for n in lengths], [tags(n) for n in lengths]
    named = lambda rows: [[TAGS[tag] for tag in row] for row in rows]
    assert names_f1(answers, references) == pytest.approx(f1_score(named(references), named(answers)))


def test_splits_are_other_texts_of_one_world():
    data = world_text(parse_source("world:people=40,towns=4"), {"train": 300, "validation": 100, "test": 100})
    texts = {split: set(part["text"]) for split, part in data.items()}
    assert not texts["train"] & texts["test"] and not texts["train"] & texts["validation"] and not texts["validation"] & texts["test"]
    assert open_world(WorldConfig(people=40, towns=4)) is open_world(parse_source("world:people=40,towns=4"))


def test_texts_with_one_label_fit_the_classifier():
    from plmnb.corpus import load_task
    spam = load_task("spam", "world:people=100")
    assert spam["test"].column_names == ["sms", "label", "text"] and spam["test"]["text"] == spam["test"]["sms"] and len(spam["train"]) == 4_000
    assert load_task("ner", "world:people=100")["test"].column_names == ["id", "tokens", "ner_tags"]
