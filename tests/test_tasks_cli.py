"`plmnb finetune` on a user's files: for each task of part 5 a good file, a file in two languages, and those that people have."
import json

import pytest
from typer.testing import CliRunner

from plmnb.cli import app
from plmnb.hub import save_stock
from plmnb.tokenizer import train_wordpiece
from plmnb.transformer import bart_config, build_model, modern_config

WRITERS = ("translation", "summarization")
BOTH = (("Ada went to Norcombe.", "艾达去了诺科姆。"), ("It rained all day.", "下了一整天雨。"))


def rows_of(task, n, kind=0):
    "n good rows, every other one in another language."
    for i in range(n):
        text, other = (f"{part} {i}" for part in (BOTH[i % 2] if kind == 0 else BOTH[i % 2][::-1]))
        label = ("here", "there")[i % 3 == 0]
        yield {"sentiment": {"text": text, "label": label}, "topic": {"text": text, "label": label}, "spam": {"text": text, "label": label},
               "relations": {"sentence": f"<e1>{text}</e1> and <e2>{other}</e2>", "relation": label}, "matching": {"question": text, "sentence": other, "label": label},
               "ner": {"tokens": text.split(), "ner_tags": ["B-PER"] + ["O"] * (len(text.split()) - 1)}, "reading": {"question": f"Who {i}?", "context": text, "answers": {"text": [text.split()[0]], "answer_start": [0]}},
               "translation": {"en": text, "zh": other}, "retrieval": {"sentence1": text, "sentence2": other}, "summarization": {"document": f"{text} {other}", "summary": text}}[task]


TASKS = ("sentiment", "topic", "spam", "relations", "ner", "reading", "matching", "translation", "retrieval", "summarization")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    "A folder with two untrained models."
    folder = tmp_path_factory.mktemp("desk")
    words = train_wordpiece([" ".join(part for pair in BOTH for part in pair) + " 0 1 2 3 4 5 6 7 8 9 Who? <e1> </e1> <e2> </e2>"] * 3, 200)
    size = {"d_model": 32, "n_layers": 1, "n_heads": 2, "max_len": 64}
    for name, config in (("reader", modern_config(words.get_vocab_size(), **size)), ("writer", bart_config(words.get_vocab_size(), **size))): save_stock(build_model(config).eval(), words, folder / name)
    return folder


def write(folder, rows):
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def finetune(desk, task, *words, model=None):
    return CliRunner().invoke(app, ["finetune", "--task", task, "--model", str(desk / (model or ("writer" if task in WRITERS else "reader"))), "--scale", "tiny", "--device", "cpu", "-p", "epochs", "0.1", "-p", "min_steps", "1", *map(str, words)])


def refusal(desk, task, data, tmp_path, *words):
    "The one line that a wrong file gets; nothing is written."
    done = finetune(desk, task, "--data", data, "--out", tmp_path / "out", *words)
    lines = done.stderr.strip().splitlines()
    assert done.exit_code == 2 and len(lines) == 1 and lines[0].startswith("plmnb: ") and done.stdout == "" and not (tmp_path / "out").exists(), (done.exit_code, done.output, done.stderr)
    return lines[0]


@pytest.mark.parametrize("task", TASKS)
def test_a_good_file_in_two_languages(desk, task, tmp_path):
    done = finetune(desk, task, "--data", write(tmp_path, rows_of(task, 30)), "--out", tmp_path / "out")
    assert done.exit_code == 0, (done.output, done.stderr, done.exception)
    found = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert sum(found["rows"].values()) == 30 and (tmp_path / "out" / "config.json").is_file() and (tmp_path / "out" / "model.safetensors").is_file()


@pytest.mark.parametrize("task", TASKS)
def test_a_wrong_column(desk, task, tmp_path):
    first = next(iter(next(rows_of(task, 1))))
    rows = [{"Nr" if name == first else name: 7 if name == first else value for name, value in row.items()} for row in rows_of(task, 30)]
    asked = ("--text-column", first) if first == "text" else ()  # of a task with one text the columns are guessed unless they are named
    message = refusal(desk, task, write(tmp_path, rows), tmp_path, *asked)
    assert f"no column {first!r}" in message and "Nr" in message


@pytest.mark.parametrize("task", TASKS)
def test_an_empty_file_an_empty_value_and_a_broken_line(desk, task, tmp_path):
    (tmp_path / "data.jsonl").write_text("")
    assert "data.jsonl" in refusal(desk, task, tmp_path / "data.jsonl", tmp_path)
    rows = list(rows_of(task, 30))
    first = next(iter(rows[4]))
    rows[4][first] = [] if task == "ner" else " "
    message = refusal(desk, task, write(tmp_path, rows), tmp_path)
    assert "data.jsonl" in message and "5" in message
    with open(write(tmp_path, rows_of(task, 30)), "a") as file: file.write('{"half a row": \n')
    assert "31" in refusal(desk, task, tmp_path / "data.jsonl", tmp_path)


@pytest.mark.parametrize("task", [task for task in TASKS if set(next(rows_of(task, 1))) & {"label", "relation", "ner_tags"}])
def test_a_label_that_training_has_not(desk, task, tmp_path):
    for split, n in (("train", 24), ("dev", 6), ("test", 6)):
        rows = list(rows_of(task, n))
        if split == "dev": rows[3] |= {name: ["B-GOD"] + ["O"] * (len(rows[3]["tokens"]) - 1) if name == "ner_tags" else "elsewhere" for name in rows[3] if name in ("label", "relation", "ner_tags")}
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = finetune(desk, task, "--data", tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 0 and f"No training row is {'B-GOD' if task == 'ner' else 'elsewhere'!r}, 1 other row" in done.stderr, (done.output, done.stderr)


def test_places_that_are_none(desk, tmp_path):
    rows = list(rows_of("reading", 30))
    rows[2]["answers"] = {"text": ["nowhere"], "answer_start": [0]}
    assert "does not stand in the context" in refusal(desk, "reading", write(tmp_path, rows), tmp_path)
    rows = list(rows_of("reading", 30))
    rows[2]["answers"]["answer_start"] = [999]
    assert "999" in refusal(desk, "reading", write(tmp_path, rows), tmp_path)
    rows = list(rows_of("ner", 30))
    rows[2]["ner_tags"] = ["O"]
    assert "3" in refusal(desk, "ner", write(tmp_path, rows), tmp_path)


@pytest.mark.parametrize("task,model", [("translation", "reader"), ("sentiment", "nothing")])
def test_a_model_that_cannot(desk, task, model, tmp_path):
    done = finetune(desk, task, "--data", write(tmp_path, rows_of(task, 30)), "--out", tmp_path / "out", model=model)
    assert done.exit_code == 2 and len(done.stderr.strip().splitlines()) == 1 and not (tmp_path / "out").exists(), (done.output, done.stderr)


def test_an_unknown_task(desk, tmp_path):
    assert "no task 'speech'" in refusal(desk, "speech", write(tmp_path, rows_of("topic", 30)), tmp_path)
