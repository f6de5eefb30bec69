"""Print what becomes of bad inputs: each kind × every loader and verb that it can reach, refused by name and remedy or rightly taken.

`python3 bootstrap.py bad-inputs`, or some of it: `.venv/bin/python tests/bad_inputs.py pipe checkpoint`. Exit code 1 if a cell fails.
"""
import atexit
import gzip
import io
import json
import math
import os
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from plmnb import adaptation, checkpoint, claims, cleaning, cli, core, corpus, exercises, finetuning, heads, hub, pretraining, sharing, tokenizer, training, transfer, transformer, world
from plmnb.suite import benchmarks, grading, publish, report, runner
from plmnb.tasks import classification, retrieval, summarization
from trials import Cell, plmnb, show

# A good input of each sort. What is spoiled must be good before: `tests/test_bad_inputs.py` reads each of them.

SENTENCES = [f"the list number {i} returns a key of the tuple that holds {i + 3} values" for i in range(40)]
CLAIM = {"name": "test/own/number", "value": 2.0, "unit": "points", "better": "higher", "data": "", "seeds": 1, "values": [2.0], "tolerance": 0.1, "scale": "tiny", "device": "cpu", "seed": 0,
         "environment": {"python": "3", "packages": {}}}
REFERENCE = {"unit": "points", "better": "higher", "runs": {"tiny/cpu": {"value": 2.0, "tolerance": 0.1, "seeds": 1, "data": "", "notebook": ""}}}
SCORES = {"schema": 2, "task": "topic", "head": "sequence", "way": "full", "data": {"test": "sha256:0"}, "rows": {"test": 3}, "config": {}, "test": {}, "classes": ["a", "b"]}


def lines(rows): return "".join(json.dumps(row) + "\n" for row in rows)
def labelled(n=40): return [{"text": text, "label": f"class {i % 2}"} for i, text in enumerate(SENTENCES[:n])]
def as_csv(rows): return "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n"


def put(folder, name, content):
    "A file, with the folders above it."
    path = Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def as_parquet(rows):
    import pyarrow, pyarrow.parquet
    file = io.BytesIO()
    pyarrow.parquet.write_table(rows if isinstance(rows, pyarrow.Table) else pyarrow.Table.from_pylist(rows), file)
    return file.getvalue()


def scratch():
    "A folder that goes when the process ends."
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def models():
    "Three models, made once: model, which fills gaps, gpt, which writes, and sorter, which knows two classes."
    root = scratch()
    for name, train, config, size in (("model", tokenizer.train_wordpiece, transformer.bert_config, 80), ("gpt", tokenizer.train_byte_bpe, transformer.gpt_modern_config, 300)):
        pieces = train(SENTENCES, size)
        hub.save_stock(transformer.build_model(config(pieces.get_vocab_size(), d_model=16, n_layers=1, n_heads=2, d_ff=32, max_len=32)), pieces, root / name)
    finetuning.save_tuned(finetuning.build_classifier(root / "model", ["a", "b"]), finetuning.load_tokenizer_of(root / "model"), 32, root / "sorter")
    return root


def notebook(*sources, version=4):
    first = {"cell_type": "code", "id": "dials", "metadata": {"tags": ["parameters"]}, "execution_count": None, "outputs": [], "source": 'scale = "auto"\nseed = 0\ndevice = "auto"'}
    return json.dumps({"nbformat": version, "nbformat_minor": 5, "metadata": {}, "cells": [first, *({**first, "id": f"c{i}", "metadata": {}, "source": source} for i, source in enumerate(sources))]})


def model_at(folder):
    for name in ("model", "gpt", "sorter"): shutil.copytree(models() / name, folder / name)
    for name, content in (("README.md", "a card"), ("scores.json", json.dumps(SCORES)), ("plmnb.json", '{"scores": {}, "data": "sha256:0", "run": "x"}')): put(folder, f"model/{name}", content)


@cache
def reader():
    "What a shelf needs to read texts."
    from transformers import AutoModel
    return AutoModel.from_pretrained(models() / "model").eval(), finetuning.load_tokenizer_of(models() / "model"), finetuning.FinetuneConfig(max_len=32)


def summarizer_at(folder):
    pieces = tokenizer.train_wordpiece(SENTENCES, 80)
    model = transformer.build_model(transformer.bart_config(pieces.get_vocab_size(), d_model=16, n_layers=1, n_heads=2, max_len=32))
    summarization.Summarizer(summarization.with_pointer(model), pieces).save(folder / "teller")


def shelf_at(folder): retrieval.Shelf(SENTENCES[:4], *reader()).save(folder / "shelf")


def checkpoint_at(folder):
    import torch
    for step in (1, 2): checkpoint.save_checkpoint(folder / "run", step, {"weight": torch.full((2,), float(step))}, {"history": []})


def run_at(folder, name="run", book="nbs/1_part/10_good.ipynb"):
    "Results as plmnb run writes them, and the notebook that was run."
    place = book.removeprefix("nbs/")
    executed = json.loads(notebook("1"))
    executed["metadata"]["papermill"] = {"parameters": {"scale": "laptop"}}
    for cell in executed["cells"]: cell["execution_count"] = 1
    put(folder, f"{name}/executed/{place}", json.dumps(executed))
    runner.write_results(folder / name, [runner.Outcome(book, "ok", 1.0, claims=[CLAIM | {"notebook": book}], executed=f"executed/{place}")], dials=runner.Dials("tiny", "cpu"), started=0.0, seconds=1.0)
    put(folder, book, notebook("1"))
    put(folder, "results/claims.json", json.dumps({"schema": 1, "claims": {"test/own/number": REFERENCE}}))


def two_runs_at(folder): run_at(folder); run_at(folder, "other", "nbs/1_part/11_more.ipynb")
def ledger_at(folder): put(folder, "results/claims.json", json.dumps({"schema": 1, "claims": {"test/own/number": REFERENCE}}))
def book_at(folder): put(folder, "bad.ipynb", notebook("1 + 1"))
def books_at(folder): put(folder, "given/ada.ipynb", notebook("1 + 1")); put(folder, "given/bob.ipynb", notebook("2"))
def reads_at(folder): put(folder, "home/test_reads.jsonl", lines([{"data": "sha256:0", "when": "2026-01-01 10:00", "why": "to see"}]))
def front_page_at(folder): put(folder, "nbs/index.ipynb", json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": [f"<!-- {name} -->\n<!-- /{name} -->\n" for name in ("chapters", "tasks", "sets", "results")]}]}))
def labels_at(folder): put(folder, "labels.csv", as_csv(labelled())); model_at(folder)


# What may lie in the place of a file.

def in_place(make):
    def spoil(path): path.unlink(missing_ok=True); make(path)
    return spoil


def changed(change): return lambda path: path.write_bytes(change(path.read_bytes()))
def amid(more): return changed(lambda content: content[:len(content) // 2] + more + content[len(content) // 2:])
def holding(text): return lambda path: path.write_text(text)


ABSENT, FOLDER, NOWHERE, CIRCLE, PIPE, UNREAD = NODES = ("a path where nothing is", "a folder in place of a file", "a link that leads nowhere", "a link to itself", "a pipe into which nobody writes", "a file that the system does not read")
EMPTY, WHITE, NUL, UTF16, LATIN, HALF, CHANCE, CUT = BYTES = ("an empty file", "white space alone", "NUL bytes", "UTF-16", "Latin-1", "half a surrogate pair, as bytes", "bytes of chance", "a file that breaks off")
LIST, NUMBER, NULL, OTHER, DEEP, LONG = JSON = ("JSON: a list", "JSON: a number", "JSON: null", "JSON: another object", "JSON: nested too deep", "JSON: a number of 5,000 digits")
FILES = {
    ABSENT: in_place(lambda path: None),
    FOLDER: in_place(Path.mkdir),
    NOWHERE: in_place(lambda path: path.symlink_to("nowhere")),
    CIRCLE: in_place(lambda path: path.symlink_to(path.name)),
    PIPE: in_place(os.mkfifo),
    UNREAD: in_place(lambda path: path.symlink_to("/proc/self/mem")),                                  # no permission stops root; this does
    EMPTY: holding(""),
    WHITE: holding(" \n\t\n  \n"),
    NUL: amid(b"\0\0\0\0"),
    UTF16: changed(lambda content: content.decode("latin-1").encode("utf-16")),
    LATIN: amid(b"\xe9"),
    HALF: amid(b"\xed\xa0\x80"),
    CHANCE: lambda path: path.write_bytes(bytes((i * 197 + i // 7 * 31) % 256 for i in range(1, 4000))),
    CUT: changed(lambda content: content[:len(content) * 3 // 5]),
    LIST: holding("[]"),
    NUMBER: holding("7"),
    NULL: holding("null"),
    OTHER: holding('{"some": "thing"}'),
    DEEP: holding('{"a":' * 100_000),
    LONG: holding('{"a": ' + "1" * 5000 + "}"),
}


@dataclass(frozen=True)
class Place:
    "A loader or verb that opens a file."
    name: str
    lay: object   # (folder): all that it needs, good
    file: str     # the file that is spoiled
    run: object   # (folder) → a result
    takes: dict = field(default_factory=dict) # kind → whether (result, folder) is right, for what is taken
    names: tuple = () # what a refusal must name; (): the name of the file
    writes: tuple = () # patterns of what is new, where it is taken
    leaves: tuple = () # kinds that it does not look at: they are a good input here


def every(right, *but): return {kind: right for kind in FILES if kind not in but}
def fine(result, folder): return True
def nothing(result, folder): return not result
def well(result, folder): return result.code == 0
def failed_by_name(result, folder): return result.code == 1 and "bad.ipynb" in result.out and "failed" in result.out


def newest(folder):
    "The newest checkpoint that is intact, and what was said of the others."
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        return checkpoint.latest_checkpoint(folder / "run").name, " ".join(str(warning.message) for warning in said)


def one_before(result, folder): return result[0] == "step-00000001" and "step-00000002" in result[1] and "passed over" in result[1]
def unreadable(result, folder): return [(grade.submission, grade.result) for grade in result] == [("ada", "unreadable")]
def classifier(folder): return finetuning.build_classifier(folder / "model", ["a", "b"])


LABELS = ("--data", "labels.csv", "--text-column", "text", "--label-column", "label", "--scale", "tiny", "--device", "cpu", "--out", "out")
TEXT = ("--text", "labels.csv", "--scale", "tiny", "--device", "cpu", "--out", "out")
STEP = "run/step-00000002"
HASHED = tuple(kind for kind in FILES if kind not in NODES) # of a file whose bytes are hashed, not read
RUN = ("run", "bad.ipynb", "--scale", "tiny", "--device", "cpu", "--out", "out")


def verb(*words): return lambda folder: plmnb(*words)


PLACES = [
    Place("claims.load_ledger", ledger_at, "results/claims.json", lambda d: claims.load_ledger(d / "results/claims.json"), {ABSENT: lambda found, d: found == {"schema": 1, "claims": {}}}),
    Place("claims.accept", ledger_at, "results/claims.json", lambda d: claims.accept([CLAIM], d / "results/claims.json"), {ABSENT: lambda found, d: found == ["test/own/number"]}, writes=("results/claims.json",)),
    Place("claims.read_claims", lambda d: put(d, "claims.jsonl", lines([CLAIM] * 3)), "claims.jsonl", lambda d: claims.read_claims(d / "claims.jsonl"), {EMPTY: nothing}),
    Place("exercises.progress", lambda d: put(d, "home/progress.json", '{"schema": 1, "solved": {"attention": [1]}}'), "home/progress.json", lambda d: exercises.progress(), {ABSENT: nothing}),
    Place("tokenizer.load_tokenizer", model_at, "model/tokenizer.json", lambda d: tokenizer.load_tokenizer(d / "model")),
    *(Place(f"checkpoint.load_checkpoint, {name}", checkpoint_at, f"{STEP}/{name}", lambda d: checkpoint.load_checkpoint(d / STEP)) for name in ("manifest.json", "state.json", "tensors.safetensors")),
    *(Place(f"checkpoint.latest_checkpoint, {name}", checkpoint_at, f"{STEP}/{name}", newest, every(one_before)) for name in ("manifest.json", "tensors.safetensors")),
    Place("hub.read_config", model_at, "model/config.json", lambda d: hub.read_config(d / "model")),
    Place("hub.model_folder", model_at, "model/config.json", lambda d: hub.model_folder(d / "model"), {OTHER: lambda found, d: found == d / "model"}, names=("model",)),
    Place("hub.load_stock, config.json", model_at, "model/config.json", lambda d: hub.load_stock(d / "model")),
    Place("hub.load_stock, tokenizer.json", model_at, "model/tokenizer.json", lambda d: hub.load_stock(d / "model")),
    Place("hub.load_stock, model.safetensors", model_at, "model/model.safetensors", lambda d: hub.load_stock(d / "model"), names=("model",)),
    Place("hub.tensors_in", model_at, "model/model.safetensors", lambda d: hub.tensors_in(d / "model")),
    Place("finetuning.load_tokenizer_of, tokenizer.json", model_at, "model/tokenizer.json", lambda d: finetuning.load_tokenizer_of(d / "model"), names=("model",)),
    Place("finetuning.load_tokenizer_of, tokenizer_config.json", model_at, "model/tokenizer_config.json", lambda d: finetuning.load_tokenizer_of(d / "model"), {ABSENT: fine, OTHER: fine}, names=("model",)),
    Place("finetuning.build_classifier, config.json", model_at, "model/config.json", classifier, names=("model",)),
    Place("finetuning.build_classifier, model.safetensors", model_at, "model/model.safetensors", classifier, names=("model",)),
    *(Place(f"tasks.classification.load_classifier, {name}", model_at, f"sorter/{name}", lambda d: classification.load_classifier(d / "sorter"), names=("sorter",)) for name in ("config.json", "tokenizer.json", "model.safetensors")),
    *(Place(f"tasks.retrieval.open_shelf, {name}", shelf_at, f"shelf/{name}", lambda d: retrieval.open_shelf(d / "shelf", *reader()), names=("shelf",)) for name in ("shelf.json", "texts.jsonl", "vectors.safetensors")),
    Place("tasks.summarization.load_summarizer", summarizer_at, "teller/pointer.safetensors", lambda d: summarization.load_summarizer(d / "teller"), {ABSENT: lambda found, d: not isinstance(found.model, summarization.CopyingLM)}),
    Place("adaptation.continuation", model_at, "model/tokenizer.json", lambda d: adaptation.continuation(d / "model", "sha256:0", scale="tiny"), leaves=HASHED),
    Place("sharing.model_card, config.json", model_at, "model/config.json", lambda d: sharing.model_card(d / "model"), {OTHER: fine}),
    Place("sharing.model_card, scores.json", model_at, "model/scores.json", lambda d: sharing.model_card(d / "model"), {ABSENT: fine}),
    Place("sharing.model_card, plmnb.json", model_at, "model/plmnb.json", lambda d: sharing.model_card(d / "model"), {ABSENT: fine, OTHER: fine}),
    Place("sharing.pack_folder, model.safetensors", model_at, "model/model.safetensors", lambda d: sharing.pack_folder(d / "model")),
    Place("sharing.pack_folder, README.md", model_at, "model/README.md", lambda d: sharing.pack_folder(d / "model"), leaves=HASHED),
    Place("heads.Sealed", reads_at, "home/test_reads.jsonl", lambda d: sealed().read_before(), {ABSENT: nothing, EMPTY: nothing}),
    Place("runner.read_notebook", book_at, "bad.ipynb", lambda d: runner.read_notebook(d / "bad.ipynb")),
    Place("runner.read_results", run_at, "run/outcomes.json", lambda d: runner.read_results(d / "run")),
    Place("runner.merge_results, outcomes.json", two_runs_at, "run/outcomes.json", lambda d: runner.merge_results([d / "run", d / "other"], d / "out")),
    Place("runner.merge_results, executed copy", two_runs_at, "run/executed/1_part/10_good.ipynb", lambda d: runner.merge_results([d / "run", d / "other"], d / "out"), leaves=HASHED),
    Place("runner.changed_since_green, record", lambda d: (book_at(d), put(d, "home/green.json", "{}")), "home/green.json", lambda d: runner.changed_since_green([d / "bad.ipynb"]), every(lambda found, d: found == [d / "bad.ipynb"])),
    Place("report.write_report, outcomes.json", run_at, "run/outcomes.json", lambda d: report.write_report(d / "run")),
    Place("report.write_report, executed copy", run_at, "run/executed/1_part/10_good.ipynb", lambda d: report.write_report(d / "run")),
    Place("publish.publish, executed copy", run_at, "run/executed/1_part/10_good.ipynb", lambda d: publish.publish(d / "run", d)),
    Place("publish.publish, notebook", run_at, "nbs/1_part/10_good.ipynb", lambda d: publish.publish(d / "run", d)),
    Place("publish.publish, ledger", run_at, "results/claims.json", lambda d: publish.publish(d / "run", d), leaves=(ABSENT,)),
    Place("publish.copy_course, record", lambda d: put(d, "copy/plmnb-course.json", "{}"), "copy/plmnb-course.json", lambda d: publish.copy_course(d / "copy", small_course()), every(lambda found, d: found["new"] == ["nbs/index.ipynb"], FOLDER),
          writes=("copy/nbs", "copy/nbs/*", "copy/plmnb-course.json")),
    Place("grading.grade_all", lambda d: put(d, "given/ada.ipynb", notebook("1")), "given/ada.ipynb", lambda d: grading.grade_all(d / "given", progress=False), every(unreadable, ABSENT, FOLDER), names=("given",)),
    Place("benchmarks.read_bench", lambda d: put(d, "bench/race.json", '{"arena": {}}'), "bench/race.json", lambda d: benchmarks.read_bench(d / "bench"), {ABSENT: nothing, OTHER: fine}),
    Place("cli.earlier_seconds, of plmnb doctor", lambda d: run_at(d, "runs/one"), "runs/one/outcomes.json", lambda d: cli.earlier_seconds("tiny", "cpu"), every(nothing)),
    Place("pretraining.claim_folder", lambda d: put(d, "pre/run.json", '{"seed": 0}'), "pre/run.json", lambda d: pretraining.claim_folder(d / "pre", {"seed": 0}), {ABSENT: fine, OTHER: fine}, writes=("pre/run.json",)),

    Place("plmnb run, notebook", book_at, "bad.ipynb", verb(*RUN), every(failed_by_name, ABSENT, FOLDER, NOWHERE, CIRCLE, PIPE) | {UNREAD: lambda told, d: told.code == 1 and "cannot be read" in told.out}, writes=("out", "out/*", "home", "home/*")),
    Place("plmnb run, ledger", lambda d: (put(d, "nbs/1_part/10_good.ipynb", notebook("1")), ledger_at(d)), "results/claims.json", verb("run", "good", "--scale", "tiny", "--device", "cpu", "--out", "out"), leaves=(ABSENT,)),
    Place("plmnb report", run_at, "run/outcomes.json", verb("report", "run")),
    Place("plmnb report merge", two_runs_at, "other/outcomes.json", verb("report", "merge", "run", "other", "--out", "out")),
    Place("plmnb verify", run_at, "run/outcomes.json", verb("verify", "run")),
    Place("plmnb verify, ledger", lambda d: (put(d, "nbs/1_part/10_good.ipynb", notebook("1")), run_at(d), ledger_at(d)), "results/claims.json", verb("verify", "run"), {ABSENT: well}),
    Place("plmnb accept, outcomes.json", run_at, "run/outcomes.json", verb("accept", "run")),
    Place("plmnb accept, ledger", run_at, "results/claims.json", verb("accept", "run"), {ABSENT: well}, writes=("results/claims.json",)),
    Place("plmnb publish, executed copy", run_at, "run/executed/1_part/10_good.ipynb", verb("publish", "run")),
    Place("plmnb readme, front page", front_page_at, "nbs/index.ipynb", verb("readme", ".")),
    Place("plmnb readme, ledger", lambda d: (front_page_at(d), ledger_at(d)), "results/claims.json", verb("readme", "."), {ABSENT: well}, writes=("README.md", "nbs/index.ipynb")),
    Place("plmnb grade", books_at, "given/ada.ipynb", verb("grade", "given", "--out", "grades.csv"), every(lambda told, d: told.code == 0 and (d / "grades.csv").read_text().count("unreadable") == 2, ABSENT, FOLDER, NOWHERE), leaves=(ABSENT, FOLDER, NOWHERE), writes=("grades.csv",)),
    Place("plmnb progress", lambda d: put(d, "home/progress.json", '{"schema": 1, "solved": {}}'), "home/progress.json", verb("progress"), {ABSENT: well}),
    Place("plmnb pretrain --text", lambda d: put(d, "labels.csv", as_csv(labelled())), "labels.csv", verb("pretrain", *TEXT)),
    Place("plmnb pretrain --model", labels_at, "model/config.json", verb("pretrain", "--model", "model", *TEXT)),
    Place("plmnb pretrain --out", lambda d: (put(d, "labels.csv", as_csv(labelled())), put(d, "out/plmnb.json", '{"run": "x"}')), "out/plmnb.json", verb("pretrain", *TEXT), names=("out",), leaves=(ABSENT,)),
    Place("plmnb finetune --data", labels_at, "labels.csv", verb("finetune", *LABELS, "--model", "model")),
    Place("plmnb finetune --model, config.json", labels_at, "model/config.json", verb("finetune", *LABELS, "--model", "model"), names=("model",)),
    Place("plmnb finetune --model, tokenizer.json", labels_at, "model/tokenizer.json", verb("finetune", *LABELS, "--model", "model"), names=("model",)),
    Place("plmnb finetune --model, model.safetensors", labels_at, "model/model.safetensors", verb("finetune", *LABELS, "--model", "model"), names=("model",)),
    Place("plmnb fill", model_at, "model/config.json", verb("fill", "--model", "model", "a [MASK]")),
    Place("plmnb fill, model.safetensors", model_at, "model/model.safetensors", verb("fill", "--model", "model", "a [MASK]"), names=("model",)),
    Place("plmnb write", model_at, "gpt/tokenizer.json", verb("write", "--model", "gpt", "a list")),
    Place("plmnb push", model_at, "model/config.json", verb("push", "model", "someone/given", "--dry-run"), {OTHER: well}),
    Place("plmnb bench", lambda d: (put(d, "out/.bench", ""), put(d, "out/race.json", '{"arena": {}}')), "out/race.json", verb("bench", "race", "--scale", "tiny", "--device", "cpu", "--out", "out"), names=("race",), leaves=(ABSENT,)),
]


def sealed():
    from datasets import Dataset
    return heads.Sealed(Dataset.from_list(labelled(3)))


@cache
def small_course():
    return put(scratch(), "nbs/index.ipynb", notebook("1")).parent


def file_cells():
    "A cell for each kind of file at each place."
    for place in PLACES:
        for kind, spoil in FILES.items():
            if kind in place.leaves: continue
            def lay(folder, place=place, spoil=spoil): place.lay(folder); spoil(folder / place.file)
            yield Cell(kind, place.name, place.run, lay, place.names or (Path(place.file).name,), place.takes.get(kind), place.writes)


# Tables and texts of a user: what is wrong with them, and where.

ROWS = 'text,label\n' + "".join(f'"{text}",class {i % 2}\n' for i, text in enumerate(SENTENCES))
MANY = 100_000 # paragraphs of ten lines


def texts_of(data): return sorted(text for part in data.values() for text in part["text"])
def all_texts(data, d): return texts_of(data) == sorted(SENTENCES)
def long_line(n): return "a word of many " * (n // 15)


def compressed(content): return gzip.compress(content.encode())


TABLES = { # kind → (name of the file, content, what a refusal must name beside the file, or how to see that it was read rightly)
    "a byte-order mark": ("texts.txt", "\n\n".join(SENTENCES).encode("utf-8-sig"), all_texts),
    "lines that end as on Windows": ("texts.txt", "\r\n\r\n".join(SENTENCES), all_texts),
    "a line of 4 MB": ("texts.txt", "\n\n".join([*SENTENCES, long_line(4_000_000)]), lambda data, d: max(map(len, texts_of(data))) > 3_900_000 and len(texts_of(data)) == 41),
    "a line of 10 MB": ("texts.txt", "one\n\n" + long_line(10_000_000) + "\n", ("line 3", "break it at sentences")),
    "25 MB without a line end": ("texts.txt", "one\n\n" + "x" * 25_000_000, ("line 3", "break it at sentences")),
    "a million short lines": ("texts.txt", "".join(f"{i} lines\n" * 9 + "\n" for i in range(MANY)), lambda data, d: len(texts_of(data)) == MANY and sum(map(len, texts_of(data))) == sum(9 * (len(str(i)) + 7) - 1 for i in range(MANY))),
    "NUL in the fifth line": ("texts.txt", "\n\n".join([*SENTENCES[:2], "a\0b", *SENTENCES[3:]]), ("line 5", "save it as UTF-8")),
    "Latin-1 in the third line": ("texts.txt", "one\n\ncaf\xe9\n\ntwo".encode("latin-1"), ("line 3", "save the file as UTF-8")),
    "UTF-16 text": ("texts.txt", "\n\n".join(SENTENCES).encode("utf-16"), ("line 1", "UTF-8")),
    "a picture called text": ("texts.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ("line 1", "save the file as UTF-8")),
    "two texts": ("texts.txt", "one\n\ntwo", ("at least 3",)),
    "one text, forty times": ("texts.txt", "\n\n".join(SENTENCES[:1] * 40), ("at least 3",)),
    "a kind of file that nobody reads": ("texts.docx", "PK", ("use .txt",)),
    "only called .gz": ("texts.txt.gz", "\n\n".join(SENTENCES), ("compress it again",)),
    "a .gz that breaks off": ("texts.txt.gz", compressed("\n\n".join(SENTENCES))[:-20], ("compress it again",)),
    "a .gz with a turned bit": ("texts.txt.gz", compressed("\n\n".join(SENTENCES))[:60] + b"\xff" + compressed("\n\n".join(SENTENCES))[61:], ("compress it again",)),
    "a JSON line that breaks off": ("texts.jsonl", lines(labelled(3)) + '{"text": "no e', ("line 4", "write one object a line")),
    "a JSON line that is a list": ("texts.jsonl", lines(labelled(3)) + '["text"]\n', ("line 4", "not an object")),
    "a JSON line that is a number": ("texts.jsonl", lines(labelled(3)) + "7\n", ("line 4", "not an object")),
    "a JSON line nested too deep": ("texts.jsonl", lines(labelled(3)) + "[" * 100_000 + "\n", ("line 4", "write one object a line")),
    "a JSON line with 5,000 digits": ("texts.jsonl", lines(labelled(3)) + '{"text": ' + "1" * 5000 + "}\n", ("line 4",)),
    "half a surrogate pair in JSON": ("texts.jsonl", lines([*labelled(3), {"text": "half \ud800 a pair", "label": "class 0"}]), ("row 4", "surrogate")),
    "a JSON line without the column": ("texts.jsonl", lines([*labelled(3), {"txt": "a"}]), ("row 4", "no column 'text'")),
    "null for a text": ("texts.jsonl", lines([*labelled(3), {"text": None, "label": "class 0"}]), ("row 4", "fill or drop the row")),
    "a number for a text": ("texts.jsonl", lines([*labelled(3), {"text": 7, "label": "class 0"}]), ("row 4", "fill or drop the row")),
    "a list for a text": ("texts.jsonl", lines([*labelled(3), {"text": ["a"], "label": "class 0"}]), ("row 4", "fill or drop the row")),
    "a quote that is not closed": ("texts.csv", 'text,label\none,a\ntwo,b\n"three,a\nfour,b\n', ("line 4", "check the quotes")),
    "more cells than the header": ("texts.csv", ROWS + "a,b,c\n", ("line 42", "quote fields")),
    "fewer cells than the header": ("texts.csv", ROWS + "a\n", ("line 42", "quote fields")),
    "two columns of one name": ("texts.csv", "text,text,label\na,b,c\n" * 3, ("line 1", "'text'", "name")),
    "a header alone": ("texts.csv", "text,label\n", ("no rows",)),
    "an empty table": ("texts.csv", "", ("empty",)),
    "another header": ("texts.csv", ROWS.replace("text,label", "words,kind"), ("'words', 'kind'",)),
    "empty cells alone": ("texts.csv", "text,label\n" + " ,class 1\n" * 30, ("column 'text'",)),
    "a cell of 6 MB": ("texts.csv", ROWS + '"' + ("x" * 99 + "\n") * 60_000 + '",class 0\n', ("line 42", "check the quotes")),
    "a Parquet file without a byte": ("texts.parquet", b"", ("write it again",)),
    "a Parquet file that breaks off": ("texts.parquet", as_parquet(labelled())[:-30], ("write it again",)),
    "a Parquet file with a damaged page": ("texts.parquet", as_parquet(labelled())[:20] + b"\xff" * 60 + as_parquet(labelled())[80:], ("write it again",)),
    "a table called Parquet": ("texts.parquet", ROWS, ("write it again",)),
    "a Parquet file without rows": ("texts.parquet", as_parquet(labelled())[:0] or b"", ("write it again",)),
    "bytes for a text, in Parquet": ("texts.parquet", as_parquet([{"text": b"\xff\xfe", "label": "a"}] * 30), ("row 1", "fill or drop the row")),
    "a missing text, in Parquet": ("texts.parquet", as_parquet([*labelled(3), {"text": None, "label": "a"}]), ("row 4", "fill or drop the row")),
}


def stream(d, name): return [text for _, text in corpus.TextStream(d / name)]
def finetune_line(name): return ("finetune", "--data", name, "--text-column", "text", "--label-column", "label", *LABELS[6:], "--model", "model")


READERS = { # place → (folder, name of the file) → a result
    "corpus.load_text": lambda d, name: corpus.load_text(d / name),
    "corpus.TextStream": stream,
    "corpus.load_task": lambda d, name: corpus.load_task("topic", d / name),
    "corpus.likely_columns": lambda d, name: corpus.likely_columns(d / name),
    "plmnb pretrain --text": lambda d, name: plmnb("pretrain", "--text", name, *TEXT[2:]),
    "plmnb pretrain --text --streaming": lambda d, name: plmnb("pretrain", "--text", name, *TEXT[2:], "--streaming"),
    "plmnb finetune --data": lambda d, name: plmnb(*finetune_line(name)),
}


def table_cells():
    "Each table and text at each place that it reaches."
    for kind, (name, content, wanted) in TABLES.items():
        for place, read in READERS.items():
            plain, taken = name.startswith("texts.txt"), callable(wanted)
            if plain and place in ("corpus.load_task", "corpus.likely_columns", "plmnb finetune --data"): continue     # plain text has no labels
            if taken and place != "corpus.load_text": continue                                                          # a good text would be trained on
            if kind in ("two texts", "one text, forty times") and "load_text" not in place and place != "plmnb pretrain --text": continue # enough for a stream
            if place == "corpus.likely_columns" and (any("row" in word or "column" in word for word in wanted) or kind in ("another header", "a million short lines")): continue # it looks at columns, not at what they hold
            def lay(d, name=name, content=content, place=place):
                if place.startswith("plmnb fine"): model_at(d)
                put(d, name, content)
            yield Cell(kind, place, lambda d, read=read, name=name: read(d, name), lay, () if taken else (name, *wanted), wanted if taken else None)


# Labels, spans and choices: rows of a task that do not fit together.

def topic(**third): return [{**row, **third} if i == 2 else row for i, row in enumerate(labelled())]
def ner(**third): return [{"tokens": ["Ann", str(i), "sings"], "ner_tags": ["B-PER", "O", "O"]} | (third if i == 2 else {}) for i in range(40)]
def choice(**third): return [{"question": text, "choices": ["yes", "no"], "label": i % 2} | (third if i == 2 else {}) for i, text in enumerate(SENTENCES)]
def several(**third): return [{"text": text, "labels": ["a"] if i % 2 else ["a", "b"]} | (third if i == 2 else {}) for i, text in enumerate(SENTENCES)]
def price(**third): return [{"text": text, "number": i * 10} | (third if i == 2 else {}) for i, text in enumerate(SENTENCES)]
def pair(**third): return [{"question": text, "sentence": text, "label": str(i % 2)} | (third if i == 2 else {}) for i, text in enumerate(SENTENCES)]


def squad(**third):
    row = lambda i: {"context": f"The key of room {i} lies in box {i + 3}.", "question": f"Where is the key of room {i}?", "answers": {"text": [f"box {i + 3}"], "answer_start": [len(f"The key of room {i} lies in ")]}}
    return [row(i) | (third if i == 2 else {}) for i in range(40)]


def answers(*starts, text=("box 5",)): return {"answers": {"text": list(text), "answer_start": list(starts)}}
def together(data, d): return all(len({split for split, part in data.items() if text in part["text"]}) == 1 for text in SENTENCES)


TASKS = { # kind → (task, rows, what a refusal must name beside the file, or how to see that it was read rightly)
    "one class alone": ("topic", [{"text": text, "label": "the same"} for text in SENTENCES], ("'the same'", "at least two classes")),
    "a missing label": ("topic", topic(label=None), ("row 3", "no label in column 'label'")),
    "NaN for a label": ("topic", topic(label=math.nan), ("row 3", "no label in column 'label'")),
    "white space for a label": ("topic", topic(label=" \t"), ("row 3", "no label in column 'label'")),
    "a broken number for a label": ("topic", topic(label=0.37), ("row 3", "0.37", "regression")),
    "a list for a label": ("topic", topic(label=["a", "b"]), ("row 3", "column 'label'", "multilabel")),
    "an object for a label": ("topic", topic(label={"a": 1}), ("row 3", "column 'label'", "write a word")),
    "rows given twice": ("topic", labelled() * 2, together),
    "ids given twice": ("topic", [row | {"id": 1} for row in labelled()], lambda data, d: sum(map(len, data.values())) == 40),
    "labels that are whole numbers": ("topic", [row | {"label": float(i % 3)} for i, row in enumerate(labelled())], lambda data, d: data["train"].features["label"].names == ["0", "1", "2"]),
    "two rows": ("topic", labelled(2), ("at least 3",)),
    "fewer tags than words": ("ner", ner(ner_tags=["O"]), ("row 3", "3 words, 1 tags")),
    "more tags than words": ("ner", ner(ner_tags=["O"] * 5), ("row 3", "3 words, 5 tags")),
    "tags that are not IOB": ("ner", ner(ner_tags=["PERSON", "O", "O"]), ("row 3", "'PERSON'", "'B-KIND'")),
    "a tag without a kind": ("ner", ner(ner_tags=["B-", "O", "O"]), ("row 3", "'B-'", "'B-KIND'")),
    "a missing tag": ("ner", ner(ner_tags=["B-PER", None, "O"]), ("row 3", "'ner_tags'")),
    "a number for tags": ("ner", ner(ner_tags=7), ("row 3", "'ner_tags'", "list")),
    "a number for words": ("ner", ner(tokens=7), ("row 3", "'tokens'", "list")),
    "no words": ("ner", ner(tokens=[], ner_tags=[]), ("row 3", "0 words")),
    "an answer that is not in the text": ("reading", squad(**answers(0)), ("row 3", "does not stand in the context at 0")),
    "a span outside of the text": ("reading", squad(**answers(10_000)), ("row 3", "does not stand in the context at 10000")),
    "a span before the text": ("reading", squad(**answers(-3)), ("row 3", "does not stand in the context at -3")),
    "an empty answer": ("reading", squad(**answers(0, text=[""])), ("row 3", "does not stand in the context at 0")),
    "more answers than places": ("reading", squad(**answers(27, text=["box 5", "box"])), ("row 3", "2 texts, 1 places")),
    "an answer without a place": ("reading", squad(answers={"text": ["box 5"]}), ("row 3", "'answers'", "answer_start")),
    "a word for a place": ("reading", squad(**answers("here")), ("row 3", "'answers'", "answer_start")),
    "a text for answers": ("reading", squad(answers="box 5"), ("row 3", "'answers'", "answer_start")),
    "a number for answers": ("reading", squad(answers=5), ("row 3", "'answers'", "answer_start")),
    "a label that is no choice": ("choice", choice(label="perhaps"), ("row 3", "'perhaps'", "no such choice")),
    "a number beyond the choices": ("choice", choice(label=2), ("row 3", "'2'", "no such choice")),
    "one choice": ("choice", choice(choices=["yes"], label=0), ("row 3", "1 choices")),
    "ragged rows of choices": ("choice", [row | {"choices": ["yes", "no", "perhaps"][:2 + i % 2]} for i, row in enumerate(choice())], ("train", "2 to 3 choices")),
    "a number for choices": ("choice", choice(choices=3), ("row 3", "'choices'", "list")),
    "a number for labels": ("multilabel", several(labels=3), ("row 3", "'labels'", "list")),
    "a missing one among labels": ("multilabel", several(labels=["a", None]), ("row 3", "'labels'")),
    "a word for a number": ("regression", price(number="much"), ("row 3", "'much'", "no finite number")),
    "an infinite number": ("regression", price(number=math.inf), ("row 3", "inf", "no finite number")),
    "a list for a number": ("regression", price(number=[1]), ("row 3", "no finite number")),
    "half a pair": ("matching", pair(sentence=None), ("row 3", "'sentence'")),
    "a number for half a pair": ("matching", pair(sentence=7), ("row 3", "'sentence'", "fill or drop the row")),
}


def task_cells():
    "Each task's rows where they are read, and where they are trained on: told by the first to look, before anything is learnt."
    for kind, (task, rows, wanted) in TASKS.items():
        taken = callable(wanted)
        lay = lambda d, rows=rows: (put(d, "rows.jsonl", lines(rows)), model_at(d))
        ragged = "train" in wanted if not taken else False                                                             # may be answered, but not trained on
        names = () if taken else wanted if ragged else ("rows.jsonl", *wanted)
        if not ragged: yield Cell(kind, "corpus.load_task", lambda d, task=task: corpus.load_task(task, d / "rows.jsonl"), lay, names, wanted if taken else None)
        if not taken: yield Cell(kind, "plmnb finetune --task", lambda d, task=task: plmnb("finetune", "--data", "rows.jsonl", "--task", task, *LABELS[6:], "--model", "model"), lay, names)


# Numbers and names that cannot be meant.

def tuned(**settings): return lambda: finetuning.FinetuneConfig(**settings)
def trained(**settings): return lambda: training.TrainConfig(**{"steps": 1, **settings})
def adapted(**settings): return lambda: pretraining.adapt(pretraining.recipe_for("modern", "tiny"), settings)
def preset(**settings): return lambda: heads.head_preset("topic", small_tokenizer(), scale="tiny", **settings)
def shaped(**settings): return lambda: transformer.modern_config(**{"vocab_size": 100, **settings})
def dials(**settings): return lambda: runner.Dials(**settings)
def set_p(name, value): return {"plmnb pretrain -p": ("pretrain", "-p", name, value, *TEXT), "plmnb finetune -p": ("finetune", "-p", name, value, *LABELS, "--model", "model")}
def pretrain_p(name, value): return {"plmnb pretrain -p": ("pretrain", "-p", name, value, *TEXT)}
def finetune_p(name, value): return {"plmnb finetune -p": ("finetune", "-p", name, value, *LABELS, "--model", "model")}


@cache
def small_tokenizer(): return finetuning.load_tokenizer_of(models() / "model")


VERBS = {"plmnb run": ("run", "bad.ipynb", "--out", "out"), "plmnb pretrain": ("pretrain", "--text", "labels.csv", "--out", "out"), "plmnb finetune": ("finetune", *LABELS[:6], "--model", "model", "--out", "out"),
         "plmnb fill": ("fill", "--model", "model", "a [MASK]"), "plmnb write": ("write", "--model", "gpt", "a list"), "plmnb bench": ("bench", "growth", "--out", "out")}


def each_verb(*words, but=()): return {verb: (*line, *words) for verb, line in VERBS.items() if verb not in but}


VALUES = { # kind → (what a refusal must name, {place: a call, or the words of a line})
    "a batch of 0": (("batch=0",), {"FinetuneConfig": tuned(batch=0), "adapt": adapted(batch=0), "head_preset": preset(batch=0), **set_p("batch", 0)}),
    "half a batch": (("batch=1.5",), {"FinetuneConfig": tuned(batch=1.5), "adapt": adapted(batch=1.5), "head_preset": preset(batch=1.5), **set_p("batch", 1.5)}),
    "a word for the batch": (("batch='many'",), {"FinetuneConfig": tuned(batch="many"), "adapt": adapted(batch="many"), "head_preset": preset(batch="many"), **set_p("batch", "many")}),
    "a rate of inf": (("lr=inf",), {"FinetuneConfig": tuned(lr=math.inf), "TrainConfig": trained(adamw_lr=math.inf), "FinetuneConfig, Muon": tuned(muon_lr=math.inf), "adapt": adapted(muon_lr=math.inf), **finetune_p("lr", "inf"), **pretrain_p("adamw_lr", "inf")}),
    "a rate of NaN": (("lr=nan",), {"FinetuneConfig": tuned(lr=math.nan), "FinetuneConfig, Muon": tuned(muon_lr=math.nan), "TrainConfig": trained(muon_lr=math.nan), "adapt": adapted(adamw_lr=math.nan), **finetune_p("lr", "NaN"), **pretrain_p("muon_lr", "NaN")}),
    "a negative rate": (("lr=-",), {"FinetuneConfig": tuned(lr=-1e-3), "FinetuneConfig, Muon": tuned(muon_lr=-1.0), "TrainConfig": trained(adamw_lr=-1.0), "adapt": adapted(muon_lr=-1.0), **finetune_p("lr", "-0.001"), **pretrain_p("muon_lr", "-1")}),
    "a word for the rate": (("lr='fast'",), {"FinetuneConfig": tuned(lr="fast"), "TrainConfig": trained(adamw_lr="fast"), "adapt": adapted(muon_lr="fast"), **finetune_p("lr", "fast"), **pretrain_p("adamw_lr", "fast")}),
    "0 epochs": (("epochs=0",), {"FinetuneConfig": tuned(epochs=0), "head_preset": preset(epochs=0), **finetune_p("epochs", 0)}),
    "a negative decay": (("weight_decay=-1",), {"FinetuneConfig": tuned(weight_decay=-1.0), "TrainConfig": trained(weight_decay=-1.0), **set_p("weight_decay", -1)}),
    "a warm-up of 2": (("warmup=2",), {"FinetuneConfig": tuned(warmup=2), "TrainConfig": trained(warmup=2), **set_p("warmup", 2)}),
    "a window of 0": (("max_len=0",), {"FinetuneConfig": tuned(max_len=0), "TransformerConfig": shaped(max_len=0), "save_tokenizer": lambda: tokenizer.save_tokenizer(tokenizer.load_tokenizer(models() / "model"), "out", max_len=0), **finetune_p("max_len", 0)}),
    "a window longer than the model": (("max_len=4000",), {"heads.finetune": lambda: heads.room_of(small_tokenizer(), finetuning.FinetuneConfig(max_len=4000)), **finetune_p("max_len", 4000)}),
    "a stride as long as the window": (("stride=62",), {"FinetuneConfig": tuned(stride=62), **finetune_p("stride", 62)}),
    "a negative patience": (("patience=-1",), {"FinetuneConfig": tuned(patience=-1), **finetune_p("patience", -1)}),
    "0 steps": (("steps=0",), {"TrainConfig": trained(steps=0), "adapt": adapted(steps=0), **pretrain_p("steps", 0)}),
    "steps without end": (("steps=inf",), {"TrainConfig": trained(steps=math.inf), "adapt": adapted(steps=math.inf), **pretrain_p("steps", "inf")}),
    "a block of 1": (("block=1",), {"adapt": adapted(block=1), **pretrain_p("block", 1)}),
    "a mask rate of 1": (("mask_rate=1",), {"adapt": adapted(mask_rate=1.0), **pretrain_p("mask_rate", 1)}),
    "an odd width": (("d_model=33",), {"TransformerConfig": shaped(d_model=33), "adapt": adapted(d_model=33), **pretrain_p("d_model", 33)}),
    "0 heads": (("n_heads=0",), {"TransformerConfig": shaped(n_heads=0), "adapt": adapted(n_heads=0), **pretrain_p("n_heads", 0)}),
    "no room for the alphabet": (("vocab_size=6",), {"train_wordpiece": lambda: tokenizer.train_wordpiece(SENTENCES, 6), "train_byte_bpe": lambda: tokenizer.train_byte_bpe(SENTENCES, 6)}),
    "0 pieces": (("vocab_size=0",), {"train_wordpiece": lambda: tokenizer.train_wordpiece(SENTENCES, 0), "TransformerConfig": shaped(vocab_size=0), **pretrain_p("vocab_size", 0)}),
    "a seed of -1": (("seed=-1", "4294967295"), {"start_run": lambda: core.start_run("tiny", -1), "seed_everything": lambda: core.seed_everything(-1), "Dials": dials(seed=-1), "WorldConfig": lambda: world.WorldConfig(seed=-1), "FinetuneConfig": tuned(seed=-1), **each_verb("--seed", -1, but=["plmnb bench"])}),
    "a seed of 2 to the 40": (("seed=1099511627776", "4294967295"), {"start_run": lambda: core.start_run("tiny", 2**40), "Dials": dials(seed=2**40), "WorldConfig": lambda: world.WorldConfig(seed=2**40), "FinetuneConfig": tuned(seed=2**40), **each_verb("--seed", 2**40, but=["plmnb bench"])}),
    "half a seed": (("seed=0.5",), {"start_run": lambda: core.start_run("tiny", 0.5), "Dials": dials(seed=0.5), "WorldConfig": lambda: world.WorldConfig(seed=0.5), "FinetuneConfig": tuned(seed=0.5), **finetune_p("seed", 0.5)}),
    "an unknown device": (("'tpu'", "'cuda'"), {"resolve_device": lambda: core.resolve_device("tpu"), "Dials": dials(device="tpu"), **each_verb("--device", "tpu")}),
    "an unknown scale": (("'huge'", "'laptop'"), {"resolve_scale": lambda: core.resolve_scale("huge"), "Dials": dials(scale="huge"), "recipe_for": lambda: pretraining.recipe_for("modern", "huge"), "finetune_preset": lambda: finetuning.finetune_preset("huge"),
                         "arena_for": lambda: benchmarks.arena_for("huge"), "transfer_plan": lambda: transfer.transfer_plan("huge"), "adaptation.next_recipe": lambda: adaptation.next_recipe(transformer.modern_config(100), "huge"), **each_verb("--scale", "huge")}),
    "an unknown task": (("'poetry'", "ner"), {"head_preset": lambda: heads.head_preset("poetry", small_tokenizer()), "as_task": lambda: heads.as_task("poetry", {}), "plmnb finetune": ("finetune", *LABELS, "--task", "poetry", "--model", "model")}),
    "an unknown shape": (("'t5'", "'bert'"), {"recipe_for": lambda: pretraining.recipe_for("t5"), "plmnb pretrain": (*VERBS["plmnb pretrain"], "--shape", "t5")}),
    "an unknown way": (("magic", "lora"), {"plmnb finetune": (*VERBS["plmnb finetune"], "--way", "magic")}),
    "an unknown setting": (("'speed'",), {"adapt": adapted(speed=1), "head_preset": preset(speed=1), "TransformerConfig.from_dict": lambda: transformer.TransformerConfig.from_dict({"vocab_size": 1, "speed": 1}), **set_p("speed", 1)}),
    "an unknown column for the text": (("'body'", "'text'", "labels.csv"), {"load_text": lambda: corpus.load_text("labels.csv", column="body"), "load_task": lambda: corpus.load_task("topic", "labels.csv", text_column="body"), "plmnb pretrain": (*VERBS["plmnb pretrain"], "--column", "body"), "plmnb finetune": ("finetune", "--data", "labels.csv", "--text-column", "body", "--label-column", "label", "--model", "model", "--out", "out")}),
    "an unknown column for the label": (("'kind'", "'label'", "labels.csv"), {"load_task": lambda: corpus.load_task("topic", "labels.csv", label_column="kind"), "plmnb finetune": ("finetune", "--data", "labels.csv", "--text-column", "text", "--label-column", "kind", "--model", "model", "--out", "out")}),
    "a column of another task": (("'tags'",), {"load_task": lambda: corpus.load_task("topic", "labels.csv", columns={"tags": "label"}), "plmnb finetune": (*VERBS["plmnb finetune"], "--column", "tags=label")}),
    "an unknown dial of the world": (("'weather'", "people"), {"parse_source": lambda: world.parse_source("world:weather=1"), "load_text": lambda: corpus.load_text("world:weather=1"), "load_task": lambda: corpus.load_task("spam", "world:weather=1"), "plmnb pretrain": ("pretrain", "--text", "world:weather=1", "--out", "out"), "plmnb finetune": ("finetune", "--data", "world:weather=1", "--out", "out")}),
    "a world of 3 people": (("people=3",), {"WorldConfig": lambda: world.WorldConfig(people=3), "load_text": lambda: corpus.load_text("world:people=3"), "plmnb pretrain": ("pretrain", "--text", "world:people=3", "--out", "out")}),
    "a bias of NaN": (("bias=nan",), {"WorldConfig": lambda: world.WorldConfig(bias=math.nan), "parse_source": lambda: world.parse_source("world:bias=nan"), "plmnb finetune": ("finetune", "--data", "world:bias=nan", "--out", "out")}),
    "a task that the source has not": (("'ner'",), {"load_task": lambda: corpus.load_task("ner"), "plmnb finetune": ("finetune", "--task", "ner", "--model", "model", "--scale", "tiny", "--out", "out")}),
    "less than no retries": (("retries=-1",), {"run_notebooks": lambda: runner.run_notebooks(["bad.ipynb"], "out", retries=-1), "plmnb run": (*VERBS["plmnb run"], "--retries", -1)}),
    "no time for a cell": (("cell_timeout=",), {"runner.Dials, none": lambda: runner.Dials(cell_timeout=0), "runner.Dials, NaN": lambda: runner.Dials(cell_timeout=math.nan), "runner.Dials, a word": lambda: runner.Dials(cell_timeout="soon"), "plmnb run": (*VERBS["plmnb run"], "--cell-timeout", 0)}),
    "0 jobs": (("jobs=0",), {"run_notebooks": lambda: runner.run_notebooks(["bad.ipynb"], "out", jobs=0), "plmnb run": (*VERBS["plmnb run"], "--jobs", 0)}),
    "a timeout of 0": (("timeout=0",), {"Dials": dials(timeout=0), "plmnb run": (*VERBS["plmnb run"], "--timeout", 0)}),
    "a timeout of NaN": (("timeout=nan",), {"Dials": dials(timeout=math.nan), "plmnb run": (*VERBS["plmnb run"], "--timeout", "nan")}),
    "a share that is none": (("3/2",), {"shard": lambda: runner.shard(["a"], "3/2"), "plmnb run": (*VERBS["plmnb run"], "--shard", "3/2")}),
    "an empty share": (("5/9",), {"shard": lambda: runner.shard(["a"], "5/9"), "plmnb run": (*VERBS["plmnb run"], "--shard", "5/9")}),
    "a share in words": (("the second",), {"shard": lambda: runner.shard(["a"], "the second"), "plmnb run": (*VERBS["plmnb run"], "--shard", "the second")}),
    "an unknown chapter": (("'no_such'",), {"find_notebooks": lambda: runner.find_notebooks("no_such"), "plmnb run": ("run", "no_such", "--out", "out")}),
    "an unknown parameter": (("'m'",), {"run_notebooks": lambda: runner.run_notebooks(["bad.ipynb"], "out", parameters={"m": 1}), "plmnb run": (*VERBS["plmnb run"], "-p", "m", 3)}),
    "a parameter that is code": (("not a Python name",), {"run_notebooks": lambda: runner.run_notebooks(["bad.ipynb"], "out", parameters={"n = 1; import os": 1}), "plmnb run": (*VERBS["plmnb run"], "-p", "n = 1; import os=3")}),
    "a parameter without a value": (("-p n",), {"plmnb run": (*VERBS["plmnb run"], "-p", "n")}),
    "0 rounds": (("rounds=0",), {"plan_bench": lambda: benchmarks.plan_bench([], "cpu", 1, 0), "plmnb bench": (*VERBS["plmnb bench"], "--rounds", 0)}),
    "NaN minutes": (("minutes=nan",), {"plan_bench": lambda: benchmarks.plan_bench([], "cpu", math.nan, 1), "plmnb bench": (*VERBS["plmnb bench"], "--minutes", "nan")}),
    "an unknown benchmark": (("'beauty'", "race"), {"plan_bench": lambda: benchmarks.plan_bench(["beauty"], "cpu", 1, 1), "plmnb bench": ("bench", "beauty", "--out", "out")}),
    "0 seconds to judge": (("seconds=0",), {"Limits": lambda: grading.Limits(0), "plmnb grade": ("grade", "given", "--seconds", 0)}),
    "NaN seconds to judge": (("seconds=nan",), {"Limits": lambda: grading.Limits(math.nan), "plmnb grade": ("grade", "given", "--seconds", "nan")}),
    "no memory to judge": (("memory=",), {"Limits": lambda: grading.Limits(1, 0), "plmnb grade": ("grade", "given", "--memory", -1)}),
    "memory without end": (("memory=inf",), {"Limits": lambda: grading.Limits(1, math.inf), "plmnb grade": ("grade", "given", "--memory", "inf")}),
    "0 guesses": (("k=0",), {"fill": lambda: pretraining.fill(*hub.load_stock("model"), "a [MASK]", 0), "plmnb fill": (*VERBS["plmnb fill"], "-k", 0)}),
    "no gap": (("[MASK]",), {"fill": lambda: pretraining.fill(*hub.load_stock("model"), "a list"), "plmnb fill": ("fill", "--model", "model", "a list")}),
    "a sentence longer than the model": (("tokens", "32"), {"fill": lambda: pretraining.fill(*hub.load_stock("model"), "a [MASK] " * 40), "plmnb fill": ("fill", "--model", "model", "a [MASK] " * 40), "continue_text": lambda: pretraining.continue_text(*hub.load_stock("gpt"), "a list " * 40), "plmnb write": ("write", "--model", "gpt", "a list " * 40)}),
    "a model of the other kind": (("model",), {"fill": lambda: pretraining.fill(*hub.load_stock("gpt"), "a [MASK]"), "continue_text": lambda: pretraining.continue_text(*hub.load_stock("model"), "a"), "plmnb fill": ("fill", "--model", "gpt", "a [MASK]"), "plmnb write": ("write", "--model", "model", "a")}),
    "a negative temperature": (("temperature=-1",), {"continue_text": lambda: pretraining.continue_text(*hub.load_stock("gpt"), "a", temperature=-1.0), "plmnb write": (*VERBS["plmnb write"], "--temperature", -1)}),
    "a temperature of NaN": (("temperature=nan",), {"continue_text": lambda: pretraining.continue_text(*hub.load_stock("gpt"), "a", temperature=math.nan), "plmnb write": (*VERBS["plmnb write"], "--temperature", "nan")}),
    "a negative number of tokens": (("tokens=-1",), {"continue_text": lambda: pretraining.continue_text(*hub.load_stock("gpt"), "a", -1), "plmnb write": (*VERBS["plmnb write"], "--tokens", -1)}),
    "a step before the first": (("step=-1",), {"save_checkpoint": lambda: checkpoint.save_checkpoint("out", -1, {}, {})}),
    "no checkpoint to keep": (("keep=0",), {"save_checkpoint": lambda: checkpoint.save_checkpoint("out", 1, {}, {}, keep=0)}),
    "bounds that nothing meets": (("min_words=5",), {"CleanConfig": lambda: cleaning.CleanConfig(min_words=5, max_words=3)}),
    "a share above 1": (("=2",), {"CleanConfig": lambda: cleaning.CleanConfig(repeated=2), "WorldConfig": lambda: world.WorldConfig(bias=2)}),
    "budgets that fall": (("budgets=(200, 60)",), {"TransferPlan": lambda: transfer.TransferPlan((200, 60))}),
    "a name that is none": (("not a name!",), {"hub_name": lambda: hub.hub_name("not a name!"), "fetch": lambda: hub.fetch("not a name!"), "load_stock": lambda: hub.load_stock("not a name!"), "build_classifier": lambda: finetuning.build_classifier("not a name!", ["a", "b"]), "load_tokenizer_of": lambda: finetuning.load_tokenizer_of("not a name!"), "load_classifier": lambda: classification.load_classifier("not a name!"),
                            "plmnb fill": ("fill", "--model", "not a name!", "a [MASK]"), "plmnb write": ("write", "--model", "not a name!", "a"), "plmnb finetune": ("finetune", *LABELS, "--model", "not a name!"), "plmnb pretrain": (*VERBS["plmnb pretrain"], "--model", "not a name!"), "plmnb push": ("push", "model", "not a name!", "--dry-run")}),
    "a data set that is no name": (("hub:",), {"load_text": lambda: corpus.load_text("hub:one"), "load_task": lambda: corpus.load_task("topic", "hub:one"), "TextStream": lambda: corpus.TextStream("hub:one"), "plmnb pretrain": ("pretrain", "--text", "hub:one", "--out", "out"), "plmnb finetune": ("finetune", "--data", "hub:one", "--model", "model", "--out", "out")}),
    "a name with NUL": (("b",), {"load_text": lambda: corpus.load_text("a\0b.txt"), "load_task": lambda: corpus.load_task("topic", "a\0b.csv"), "TextStream": lambda: corpus.TextStream("a\0b.txt"), "read_claims": lambda: claims.read_claims("a\0b.json"), "read_results": lambda: runner.read_results("a\0b"),
                               "find_notebooks": lambda: runner.find_notebooks("a\0b.ipynb"), "load_tokenizer": lambda: tokenizer.load_tokenizer("a\0b"), "load_stock": lambda: hub.load_stock("a\0b"), "grade_all": lambda: grading.grade_all("a\0b"), "copy_course": lambda: publish.copy_course("a\0b", small_course())}),
}
LONG = "x" * 5000
VALUES["a name longer than the system allows"] = (("xxx",), {"load_text": lambda: corpus.load_text(LONG + ".txt"), "load_task": lambda: corpus.load_task("topic", LONG + ".csv"), "TextStream": lambda: corpus.TextStream(LONG + ".txt"), "read_claims": lambda: claims.read_claims(LONG), "read_results": lambda: runner.read_results(LONG),
    "find_notebooks": lambda: runner.find_notebooks(LONG + ".ipynb"), "load_tokenizer": lambda: tokenizer.load_tokenizer(LONG), "load_stock": lambda: hub.load_stock(LONG), "grade_all": lambda: grading.grade_all(LONG), "copy_course": lambda: publish.copy_course(LONG, small_course()),
    "plmnb pretrain": ("pretrain", "--text", LONG + ".txt", "--out", "out"), "plmnb finetune": ("finetune", "--data", LONG + ".csv", "--out", "out"), "plmnb report": ("report", LONG), "plmnb grade": ("grade", LONG), "plmnb course": ("course", LONG), "plmnb fill": ("fill", "--model", LONG, "a [MASK]"),
    "plmnb run": ("run", LONG + ".ipynb"), "plmnb run --out": (*VERBS["plmnb run"][:2], "--out", LONG), "plmnb pretrain --out": ("pretrain", "--text", "labels.csv", "--out", LONG), "plmnb finetune --out": ("finetune", *LABELS[:6], "--model", "model", "--out", LONG), "plmnb push": ("push", LONG, "a/b"), "plmnb accept": ("accept", LONG), "plmnb publish": ("publish", LONG), "plmnb readme": ("readme", LONG)})


def without_gpu():
    "Asking for cuda where PyTorch finds none."
    import torch
    if torch.cuda.is_available(): return {}
    return {"resolve_device": lambda: core.resolve_device("cuda"), "start_run": lambda: core.start_run("tiny", 0, "cuda"), "Dials": dials(device="cuda"), **each_verb("--device", "cuda")}


def desk_at(folder): labels_at(folder); book_at(folder); books_at(folder)


def value_cells():
    "Each value at each dial."
    for kind, (names, places) in [*VALUES.items(), ("cuda where there is none", (("'cuda'", "'cpu'"), without_gpu()))]:
        for place, act in places.items():
            yield Cell(kind, place, (lambda d, words=act: plmnb(*words)) if isinstance(act, tuple) else (lambda d, act=act: act()), desk_at, names)


# Where a result cannot go.

def stone(d): put(d, "out", "of stone")
def theirs(d): put(d, "out/thesis.txt", "two years of work")


OUTS = { # kind → (what lies there, what is given, what a refusal must name)
    "--out is a file": (stone, "out", ("out", "is no folder")),
    "--out inside of a file": (stone, "out/deeper/still", ("out", "is no folder")),
    "--out holds something else": (theirs, "out", ("out", "not empty")),
    "--out where nobody may write": (lambda d: None, "/proc/plmnb", ("/proc",)),
    "--out is a link that leads nowhere": (lambda d: (d / "out").symlink_to("/proc/nowhere"), "out", ("o",)),
    "--out is a pipe": (lambda d: os.mkfifo(d / "out"), "out", ("out",)),
}
WRITERS = { # place → (line without what is given, whether it takes a folder that holds something else)
    "plmnb run --out": (("run", "bad.ipynb", "--scale", "tiny", "--device", "cpu", "--out"), False), "plmnb report merge --out": (("report", "merge", "run", "other", "--out"), False), "plmnb pretrain --out": (("pretrain", "--text", "labels.csv", "--scale", "tiny", "--device", "cpu", "--out"), False),
    "plmnb finetune --out": (("finetune", *LABELS[:6], "--model", "model", "--scale", "tiny", "--device", "cpu", "--out"), False), "plmnb bench --out": (("bench", "growth", "--scale", "tiny", "--device", "cpu", "--out"), False), "plmnb course": (("course",), True), "plmnb lab": (("lab",), True),
    "plmnb grade --out": (("grade", "empty", "--out"), None)}


def out_cells():
    "Each bad place for a result at each verb that writes one; and at the functions below them."
    for kind, (lay, given, names) in OUTS.items():
        for place, (words, mixed) in WRITERS.items():
            if "something else" in kind and mixed is not False or place == "plmnb grade --out" and kind in ("--out is a file", "--out is a pipe", "--out is a link that leads nowhere"): continue # a copy of the course may lie beside other things, a table takes the place of a file
            def before(d, lay=lay): desk_at(d); two_runs_at(d); put(d, "empty/ada.ipynb", "{"); lay(d)
            said = names[:1] if mixed is not False else names
            yield Cell(kind, place, lambda d, words=words, given=given: plmnb(*words, given), before, said)
        if kind == "--out holds something else": continue
        path = lambda d, given=given: Path(given) if given.startswith("/") else d / given
        for name, act in {"tokenizer.save_tokenizer": lambda p: tokenizer.save_tokenizer(tokenizer.load_tokenizer(models() / "model"), p, max_len=8), "checkpoint.save_checkpoint": lambda p: checkpoint.save_checkpoint(p, 1, {}, {}),
                          "hub.save_stock": lambda p: hub.save_stock(*hub.load_stock(models() / "model"), p), "publish.copy_course": lambda p: publish.copy_course(p, small_course()), "runner.run_notebooks": lambda p: runner.run_notebooks(["bad.ipynb"], p, scale="tiny", device="cpu"),
                          "runner.merge_results": lambda p: runner.merge_results(["run", "other"], p), "grading.save_grades": lambda p: grading.save_grades([], p / "grades.csv"), "finetuning.save_tuned": lambda p: finetuning.save_tuned(small_model(), small_tokenizer(), 8, p)}.items():
            yield Cell(kind, name, lambda d, act=act, path=path: act(path(d)), lambda d, lay=lay: (desk_at(d), two_runs_at(d), lay(d)), names[:1])


@cache
def small_model(): return finetuning.build_classifier(models() / "model", ["a", "b"])


# Folders that are no model, or not the right one.

def emptied(d, *kept):
    for path in (d / "model").iterdir():
        if path.name not in kept: path.unlink()


def with_config(**changes):
    def spoil(d): put(d, "model/config.json", json.dumps(json.loads((d / "model/config.json").read_text()) | changes))
    return spoil


def other_tokenizer(d): hub.save_tokenizer(tokenizer.train_wordpiece([*SENTENCES, "völlig andere zeichen: äöüßéèñ" * 3], 200), d / "model", max_len=32)
def no_model(d): shutil.rmtree(d / "model"); put(d, "model", "a file")


MODELS = { # kind → (how the folder is spoiled, kinds of places at which it is told)
    "an empty folder": (emptied, "code card pieces"),
    "a config alone": (lambda d: emptied(d, "config.json"), "code card pieces"),
    "no weights": (lambda d: (d / "model/model.safetensors").unlink(), "code card pieces"),
    "a pickle for weights": (lambda d: (d / "model/model.safetensors").rename(d / "model/pytorch_model.bin"), "code card pieces"),
    "an index of parts that are not there": (lambda d: ((d / "model/model.safetensors").unlink(), put(d, "model/model.safetensors.index.json", '{"weight_map": {"a": "model-00001-of-00002.safetensors"}}')), "code card pieces"),
    "a config of a family that nobody knows": (with_config(model_type="gpt9"), "code"),
    "a config of another width": (with_config(hidden_size=32), "code"),
    "a config of a billion layers": (with_config(num_hidden_layers=10**9), "code"),
    "a config with words for numbers": (with_config(hidden_size="wide"), "code"),
    "a config with code of its own": (with_config(auto_map={"AutoModel": "x.Y"}), "code pieces"),
    "more pieces than rows": (other_tokenizer, "own"),
    "no tokenizer": (lambda d: [(d / "model" / name).unlink() for name in ("tokenizer.json", "tokenizer_config.json")], "own pieces"),
    "a file in place of the folder": (no_model, "code card pieces"),
}
OPENERS = { # place → (which kinds it sees, what it does)
    "hub.load_stock": ("code own", lambda d: hub.load_stock(d / "model")),
    "finetuning.build_classifier": ("code", classifier),
    "finetuning.load_tokenizer_of": ("pieces", lambda d: finetuning.load_tokenizer_of(d / "model")),
    "tasks.classification.load_classifier": ("code", lambda d: classification.load_classifier(d / "model")),
    "sharing.model_card": ("card", lambda d: sharing.model_card(d / "model")),
    "sharing.pack_folder": ("card", lambda d: sharing.pack_folder(d / "model")),
    "adaptation.continuation": ("own", lambda d: adaptation.continue_pretraining(d / "model", corpus.load_text(d / "labels.csv"), scale="tiny")),
    "plmnb fill": ("code own", verb("fill", "--model", "model", "a [MASK]")),
    "plmnb pretrain --model": ("code own", verb("pretrain", "--model", "model", *TEXT)),
    "plmnb finetune --model": ("code", verb("finetune", *LABELS, "--model", "model")),
    "plmnb push": ("card", verb("push", "model", "someone/given", "--dry-run")),
}


def model_cells():
    "Each folder that is no model at each place that opens one."
    for kind, (spoil, told) in MODELS.items():
        for place, (sees, act) in OPENERS.items():
            if set(told.split()) & set(sees.split()): yield Cell(kind, place, act, lambda d, spoil=spoil: (labels_at(d), spoil(d)), ("model",))


def cells(): return [*file_cells(), *table_cells(), *task_cells(), *value_cells(), *out_cells(), *model_cells()]


def main(*words):
    warnings.simplefilter("ignore")
    return 0 if show([cell for cell in cells() if all(word in str(cell) for word in words)], "kind of input") else 1


if __name__ == "__main__": sys.exit(main(*sys.argv[1:]))
