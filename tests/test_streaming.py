"Text that is never held: from files and from the Hub, in little memory, broken off and gone on with."
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stand_in_hub import StandInHub, read_commit

from plmnb.corpus import TextStream, load_text
from plmnb.pretraining import LAYOUT, PretrainingError, Recipe, map_blocks, pack, pretrain, write_blocks
from plmnb.tokenizer import encode, load_tokenizer, save_tokenizer, train_wordpiece
from plmnb.training import TrainConfig
from plmnb.transformer import modern_config

ROOT = Path(__file__).parents[1]
PLAN = Recipe(modern_config(300, d_model=32, n_layers=1, n_heads=2, d_ff=64), TrainConfig(6, log_every=3, save_every=2, precision="fp32"), batch=8)


def write_rows(path, n=4000):
    "Rows with text of the manual, no two alike."
    texts = load_text("pydoc")["validation"]["text"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        for i in range(n): file.write(json.dumps({"text": f"Note {i}. {texts[i % len(texts)][:400]}", "number": i}) + "\n")
    return path


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl")


class Broken(TextStream):
    "Breaks off in the middle."
    def __iter__(self):
        for i, pair in enumerate(super().__iter__()):
            if i == 2500: raise ConnectionError("the cable was pulled")
            yield pair


def test_writing_blocks_that_broke_off_begins_again(rows, tmp_path):
    save_tokenizer(train_wordpiece([text for _, text in load_text(rows, streaming=True)][:500], 300), tmp_path / "run", max_len=128)
    tokenizer = load_tokenizer(tmp_path / "run")
    with pytest.raises(ConnectionError): write_blocks(Broken(rows), tokenizer, PLAN.block, tmp_path / "run", progress=False)
    assert not (tmp_path / "run" / LAYOUT).exists()                          # half of it counts for nothing
    stream = load_text(rows, streaming=True)
    sizes = write_blocks(stream, tokenizer, PLAN.block, tmp_path / "run", progress=False)
    blocks, again = map_blocks(tmp_path / "run", PLAN.block)
    assert again == sizes and sum(size["texts"] for size in sizes.values()) == 4000
    for split, found in blocks.items():
        assert found.tolist() == pack(encode(tokenizer, [text for name, text in stream if name == split], special=False), PLAN.block).tolist()


def test_a_stream_that_changed_is_another_run(rows, tmp_path):
    changed = tmp_path / "rows.jsonl"
    changed.write_bytes(rows.read_bytes())
    pretrain(load_text(changed, streaming=True), PLAN, folder=tmp_path / "run", progress=False)
    changed.write_bytes(rows.read_bytes().replace(b"Note 9.", b"Note 8."))
    with pytest.raises(PretrainingError, match="another data"): pretrain(load_text(changed, streaming=True), PLAN, folder=tmp_path / "run", progress=False)


MEASURE = """
import sys
from pathlib import Path
from plmnb.corpus import load_text
from plmnb.pretraining import map_blocks, write_blocks
from plmnb.suite.benchmarks import peak_memory
from plmnb.tokenizer import load_tokenizer
import datasets, tqdm.auto
rows, folder, how = sys.argv[1:]
load_tokenizer(folder).encode_batch(["a text of some words " * 40] * 1000)   # what any use of it needs
before = peak_memory()
if how == "held": kept = load_text(rows)
else:
    write_blocks(load_text(rows, streaming=True), load_tokenizer(folder), 64, Path(folder), progress=False)
    blocks, _ = map_blocks(Path(folder), 64)
    assert int(blocks["train"][::1000].sum()) > 0
print((peak_memory() - before) / 1e6)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell the peak of a process in this way")
def test_memory_does_not_grow_with_the_text(tmp_path):
    few, many = write_rows(tmp_path / "few.jsonl", 10_000), write_rows(tmp_path / "many.jsonl", 60_000)
    save_tokenizer(train_wordpiece([text for _, text in load_text(few, streaming=True)][:1000], 300), tmp_path / "tokenizer", max_len=128)
    def peak(rows, how):
        done = subprocess.run([sys.executable, "-c", MEASURE, rows, tmp_path / "tokenizer", how], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.returncode == 0, done.stderr
        return float(done.stdout)
    streamed, more, held = peak(few, "streamed"), peak(many, "streamed"), peak(many, "held")
    print(f"{many.stat().st_size / 1e6:.0f} MB of text: {more:.0f} MB as a stream ({streamed:.0f} MB for a sixth of it), {held:.0f} MB held")
    assert more < streamed + 15 and more < held / 2


# --- the Hub ------------------------------------------------------------------------------------------------------------------

READ = """
import sys
from plmnb.core import PlmError
from plmnb.corpus import fingerprint, load_text
for call in sys.argv[1:]:
    source, _, how = call.partition(" ")
    try: data = load_text(source, streaming=how == "streaming")
    except PlmError as error: print(call, "|", type(error).__name__, str(error).replace("\\n", " "))
    else:
        texts = [text for _, text in data] if how else [text for split in data for text in data[split]["text"]]
        print(call, "|", len(texts), len(set(texts)), fingerprint(data))
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    write_rows(root / "datasets" / "someone" / "notes" / "main" / "train.jsonl", 1500)
    write_rows(root / "datasets" / "someone" / "notes" / "v2" / "train.jsonl", 1600)
    with StandInHub(root) as server: yield server


def surroundings(published, home):
    "Whose Hub is the stand-in, and whose caches are empty."
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "PLMNB_"))}
    return kept | {"PYTHONPATH": str(ROOT), "HF_ENDPOINT": published.url, "HF_HOME": str(home / "hf"), "PLMNB_HOME": str(home / "plmnb")}


def test_a_data_set_of_the_hub_held_and_streamed(published, tmp_path):
    calls = ["hub:someone/notes", "hub:someone/notes streaming", "hub:someone/notes@v2 streaming", "hub:someone/notes@v3", "hub:someone/notes@v3 streaming", "hub:someone/nothing", "hub:someone/nothing streaming"]
    done = subprocess.run([sys.executable, "-c", READ, *calls], capture_output=True, text=True, env=surroundings(published, tmp_path))
    assert done.returncode == 0, done.stderr
    said = dict(line.split(" | ") for line in done.stdout.splitlines())
    assert said[calls[0]].startswith("1500 1500 sha256:") and said[calls[1]].startswith("1500 1500 sha256:") and said[calls[2]].startswith("1600 1600 sha256:")
    assert len({said[call].split()[-1] for call in calls[:3]}) == 3
    for call in calls[3:]: assert said[call].startswith("DataError hub:someone/"), said[call]


LABELLED = """
import json, sys
from plmnb.core import PlmError
from plmnb.corpus import load_task
for call in sys.argv[1:]:
    source, _, columns = call.partition(" ")
    try: data = load_task("mood", source, **json.loads(columns or "{}"))
    except PlmError as error: print(call, "|", type(error).__name__, error)
    else: print(call, "|", {split: len(part) for split, part in data.items()}, data["train"].features["label"].names)
"""


def test_a_labelled_data_set_of_the_hub(published, tmp_path):
    "Splits as published, a missing one cut from train, columns of any name, a revision; then what is not there."
    home = published.server.root / "datasets" / "someone" / "moods"
    for revision, name in (("main", "text"), ("v2", "comment")):
        for split, n in (("train", 40), ("test", 10)):
            (home / revision).mkdir(parents=True, exist_ok=True)
            (home / revision / f"{split}.jsonl").write_text("\n".join(json.dumps({name: f"{split} text {i}", "label": "good" if i % 2 else "bad"}) for i in range(n)))
    calls = ["hub:someone/moods", 'hub:someone/moods@v2 {"text_column": "comment"}', "hub:someone/moods@v2", "hub:someone/moods@v9", "hub:someone/nobody"]
    done = subprocess.run([sys.executable, "-c", LABELLED, *calls], capture_output=True, text=True, env=surroundings(published, tmp_path))
    assert done.returncode == 0, done.stderr
    said = [line.partition(" | ")[2] for line in done.stdout.splitlines()]
    for line in said[:2]: assert line.endswith("'test': 10} ['bad', 'good']") and "'train': 3" in line, line
    assert "no column 'text'; it has comment, label" in said[2] and said[3].startswith("DataError") and said[4].startswith("DataError")


def test_offline_only_what_was_asked_for(published, tmp_path):
    "The cache holds what was read last: without a revision that is meant, and with the hash of its commit; a branch cannot be known."
    home = published.server.root / "datasets" / "someone" / "feelings"
    for revision in ("main", "v2"):
        (home / revision).mkdir(parents=True)
        for split in ("train", "test"): (home / revision / f"{split}.jsonl").write_text("\n".join(json.dumps({"text": f"{revision} {split} text {i}", "label": "good" if i % 2 else "bad"}) for i in range(40)))
    online = surroundings(published, tmp_path)
    first = subprocess.run([sys.executable, "-c", LABELLED, "hub:someone/feelings@v2"], capture_output=True, text=True, env=online)
    assert "'test': 40" in first.stdout, first.stderr
    commit = read_commit(home / "v2")[0]
    calls = ["hub:someone/feelings", f"hub:someone/feelings@{commit}", "hub:someone/feelings@v2", f"hub:someone/feelings@{read_commit(home / 'main')[0]}"]
    done = subprocess.run([sys.executable, "-c", LABELLED, *calls], capture_output=True, text=True, env=online | {"HF_HUB_OFFLINE": "1"})
    assert done.returncode == 0, done.stderr
    said = [line.partition(" | ")[2] for line in done.stdout.splitlines()]
    for line in said[:2]: assert "'test': 40" in line, line
    for line in said[2:]: assert line.startswith("DataError") and f"write @{commit}" in line, line


def test_pretraining_on_a_stream_of_the_hub(published, tmp_path):
    line = [sys.executable, "-m", "plmnb.cli", "pretrain", "--text", "hub:someone/notes", "--streaming", "--scale", "tiny", "-p", "steps", "5", "--out", "made"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=surroundings(published, tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Left out of the stream" in done.stdout and "word pairs counted" in done.stdout and (tmp_path / "made" / "model.safetensors").exists()
    before = len(published.log)
    again = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=surroundings(published, tmp_path))
    assert again.returncode == 0 and "nothing to train" in again.stdout, again.stderr
    assert not any("/resolve/" in path for _, path, _ in published.log[before:])                     # its commit says that it is the same
