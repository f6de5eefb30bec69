"""Print what becomes of bad inputs: each kind × every loader and verb that it can reach, refused by name and remedy or rightly taken.

`python3 bootstrap.py bad-inputs`, or some of it: `.venv/bin/python tests/bad_inputs.py pipe checkpoint`. Exit code 1 if a cell fails.
"""
import dataclasses
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
from functools import cache, partial
from pathlib import Path

from plmnb import adaptation, checkpoint, claims, cleaning, core, corpus, exercises, finetuning, heads, hub, pretraining, sharing, tokenizer, training, transfer, transformer, tuning, world
from plmnb.suite import benchmarks, grading, publish, report, runner
from plmnb.tasks import classification
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


@cache
def models():
    "Two models, made once: model, which fills gaps, and gpt, which writes."
    root = Path(tempfile.mkdtemp())
    for name, train, config, size in (("model", tokenizer.train_wordpiece, transformer.bert_config, 80), ("gpt", tokenizer.train_byte_bpe, transformer.gpt_modern_config, 300)):
        pieces = train(SENTENCES, size)
        hub.save_stock(transformer.build_model(config(pieces.get_vocab_size(), d_model=16, n_layers=1, n_heads=2, d_ff=32, max_len=32)), pieces, root / name)
    return root


def notebook(*sources, version=4):
    first = {"cell_type": "code", "id": "dials", "metadata": {"tags": ["parameters"]}, "execution_count": None, "outputs": [], "source": 'scale = "auto"\nseed = 0\ndevice = "auto"'}
    return json.dumps({"nbformat": version, "nbformat_minor": 5, "metadata": {}, "cells": [first, *({**first, "id": f"c{i}", "metadata": {}, "source": source} for i, source in enumerate(sources))]})


def model_at(folder):
    for name in ("model", "gpt"): shutil.copytree(models() / name, folder / name)
    for name, content in (("README.md", "a card"), ("scores.json", json.dumps(SCORES)), ("plmnb.json", '{"scores": {}, "data": "sha256:0", "run": "x"}')): put(folder, f"model/{name}", content)


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
def front_page_at(folder): put(folder, "nbs/index.ipynb", json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": [f"<!-- {name} -->\n<!-- /{name} -->\n" for name in ("chapters", "results")]}]}))
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
    CUT: changed(lambda content: content[:len(content) * 2 // 3]),
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
    Place("tasks.classification.load_classifier", model_at, "model/config.json", lambda d: classification.load_classifier(d / "model"), names=("model",)),
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
    Place("publish.publish, ledger", run_at, "results/claims.json", lambda d: publish.publish(d / "run", d), names=("claim",)),
    Place("publish.copy_course, record", lambda d: put(d, "copy/plmnb-course.json", "{}"), "copy/plmnb-course.json", lambda d: publish.copy_course(d / "copy", small_course()), every(lambda found, d: found["new"] == ["index.ipynb"], FOLDER, CIRCLE, NOWHERE),
          writes=("copy/nbs", "copy/nbs/*", "copy/plmnb-course.json")),
    Place("grading.grade_all", lambda d: put(d, "given/ada.ipynb", notebook("1")), "given/ada.ipynb", lambda d: grading.grade_all(d / "given", progress=False), every(unreadable, ABSENT, FOLDER, NOWHERE), names=("given",)),
    Place("benchmarks.read_bench", lambda d: put(d, "bench/race.json", '{"arena": {}}'), "bench/race.json", lambda d: benchmarks.read_bench(d / "bench"), {ABSENT: nothing, OTHER: fine}),
    Place("pretraining.claim_folder", lambda d: put(d, "pre/run.json", '{"seed": 0}'), "pre/run.json", lambda d: pretraining.claim_folder(d / "pre", {"seed": 0}), {ABSENT: fine, OTHER: fine}, writes=("pre/run.json",)),

    Place("plmnb run, notebook", book_at, "bad.ipynb", verb(*RUN), every(failed_by_name, ABSENT, FOLDER, NOWHERE, CIRCLE, PIPE), writes=("out", "out/*", "home", "home/*")),
    Place("plmnb run, ledger", lambda d: (put(d, "nbs/1_part/10_good.ipynb", notebook("1")), ledger_at(d)), "results/claims.json", verb("run", "good", "--scale", "tiny", "--device", "cpu", "--out", "out"), leaves=(ABSENT,)),
    Place("plmnb report", run_at, "run/outcomes.json", verb("report", "run")),
    Place("plmnb report merge", two_runs_at, "other/outcomes.json", verb("report", "merge", "run", "other", "--out", "out")),
    Place("plmnb accept, outcomes.json", run_at, "run/outcomes.json", verb("accept", "run")),
    Place("plmnb accept, ledger", run_at, "results/claims.json", verb("accept", "run"), {ABSENT: well}, writes=("results/claims.json",)),
    Place("plmnb publish, executed copy", run_at, "run/executed/1_part/10_good.ipynb", verb("publish", "run")),
    Place("plmnb readme, front page", front_page_at, "nbs/index.ipynb", verb("readme", ".")),
    Place("plmnb readme, ledger", lambda d: (front_page_at(d), ledger_at(d)), "results/claims.json", verb("readme", "."), {ABSENT: well}, writes=("README.md",)),
    Place("plmnb grade", books_at, "given/ada.ipynb", verb("grade", "given", "--out", "grades.csv"), every(lambda told, d: told.code == 0 and (d / "grades.csv").read_text().count("unreadable") == 1, ABSENT, FOLDER, NOWHERE), leaves=(ABSENT, FOLDER, NOWHERE), writes=("grades.csv",)),
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
    Place("plmnb bench", lambda d: (put(d, "out/.bench", ""), put(d, "out/race.json", '{"arena": {}}')), "out/race.json", verb("bench", "race", "--scale", "tiny", "--device", "cpu", "--out", "out"), leaves=(ABSENT,)),
]


def sealed():
    from datasets import Dataset
    return heads.Sealed(Dataset.from_list(labelled(3)))


@cache
def small_course():
    return put(Path(tempfile.mkdtemp()), "nbs/index.ipynb", notebook("1")).parent


def file_cells():
    "A cell for each kind of file at each place."
    for place in PLACES:
        for kind, spoil in FILES.items():
            if kind in place.leaves: continue
            def lay(folder, place=place, spoil=spoil): place.lay(folder); spoil(folder / place.file)
            yield Cell(kind, place.name, place.run, lay, place.names or (Path(place.file).name,), place.takes.get(kind), place.writes)


def cells(): return [*file_cells()]


def main(*words):
    warnings.simplefilter("ignore")
    return 0 if show([cell for cell in cells() if all(word in str(cell) for word in words)], "kind of input") else 1


if __name__ == "__main__": sys.exit(main(*sys.argv[1:]))
