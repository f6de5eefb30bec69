"""Print what becomes of hostile files: each is refused with a typed error or shown harmlessly, no code of it runs, and nothing outside of its folder is touched.

`python3 bootstrap.py hostile-files`, or some of it: `.venv/bin/python tests/hostile_files.py pickle push`. Exit code 1 if a cell fails.
A payload that is opened naively writes the file `fired`; the canary and the secret lie outside of the folders that are read.
"""
import gzip
import hashlib
import io
import json
import pickle
import re
import shutil
import struct
import sys
import tarfile
import warnings
import zipfile
from functools import cache
from types import SimpleNamespace

from bad_inputs import CLAIM, LABELS, SENTENCES, TEXT, as_csv, as_parquet, checkpoint_at, classifier, labelled, labels_at, model_at, notebook, put, run_at, small_course, two_runs_at, verb, with_config
from plmnb import adaptation, checkpoint, claims, cli, corpus, exercises, finetuning, hub, sharing, tokenizer
from plmnb.suite import grading, publish, report, runner
from plmnb.tasks import classification
from trials import Cell, plmnb, show

SECRET = "the key of the safe is 7"
LABEL = "<img src=x onerror=alert(1)></td><script>alert(2)</script>"
ANSI = "\x1b[2J\x1b]0;gone\x07\x9b31m"
FORMULA = "=cmd|' /C calc'!A0"


class Payload:
    "Whoever unpickles it makes the file `fired`."
    def __init__(self, folder): self.path = str(folder / "fired")
    def __reduce__(self): return open, (self.path, "w")


def pickled(d): return pickle.dumps(Payload(d))


def torch_saved(d):
    import torch
    file = io.BytesIO()
    torch.save({"weight": Payload(d)}, file)
    return file.getvalue()


def outside(d): put(d, "canary.txt", "alive"); put(d, "secret.txt", "\n\n".join(f"{SECRET}, says text {i}" for i in range(5)))
def at(lay, *more): return lambda d: (outside(d), lay(d), *(step(d) for step in more))
def file(name, content): return lambda d: put(d, name, content(d) if callable(content) else content)
def gone(name): return lambda d: (d / name).unlink()
def link(name, target): return lambda d: ((d / name).parent.mkdir(parents=True, exist_ok=True), (d / name).unlink(missing_ok=True), (d / name).symlink_to(target))
def edited(name, **changes): return lambda d: put(d, name, json.dumps(json.loads((d / name).read_text()) | changes))


# Where a hostile file may be opened: place → what is done.

def read_model(d): return hub.load_stock(d / "model")[0].config.d_model == 16


WEIGHTS = {"hub.load_stock": read_model, "hub.tensors_in": lambda d: bool(hub.tensors_in(d / "model")), "hub.model_folder": lambda d: hub.model_folder(d / "model"), "finetuning.build_classifier": classifier, "adaptation.continuation": lambda d: adaptation.continuation(d / "model", "sha256:0", scale="tiny"),
           "sharing.model_card": lambda d: sharing.model_card(d / "model"), "plmnb fill": verb("fill", "--model", "model", "a [MASK]"), "plmnb finetune --model": verb("finetune", *LABELS, "--model", "model"), "plmnb pretrain --model": verb("pretrain", "--model", "model", *TEXT)}
SORTER = {"tasks.classification.load_classifier": lambda d: classification.load_classifier(d / "sorter")}
GIVEN_AWAY = {"sharing.pack_folder": lambda d: sharing.pack_folder(d / "model"), "plmnb push": verb("push", "model", "someone/given", "--dry-run")}
OPENED = {name: WEIGHTS[name] for name in ("hub.load_stock", "hub.tensors_in", "hub.model_folder", "finetuning.build_classifier", "sharing.model_card", "plmnb fill")} | {"finetuning.load_tokenizer_of": lambda d: finetuning.load_tokenizer_of(d / "model"), "tokenizer.load_tokenizer": lambda d: tokenizer.load_tokenizer(d / "model")}
CONFIGS = {name: WEIGHTS[name] for name in ("hub.load_stock", "hub.model_folder", "finetuning.build_classifier", "plmnb fill", "plmnb finetune --model", "plmnb pretrain --model")} | {"hub.read_config": lambda d: hub.read_config(d / "model"), "finetuning.load_tokenizer_of": lambda d: finetuning.load_tokenizer_of(d / "model")}
HEADS = {name: WEIGHTS[name] for name in ("hub.load_stock", "hub.tensors_in", "finetuning.build_classifier", "plmnb fill", "sharing.model_card")} | {"sharing.pack_folder": GIVEN_AWAY["sharing.pack_folder"]}
TEXTS = {"corpus.load_text": lambda d: corpus.load_text(d / "data"), "corpus.TextStream": lambda d: list(corpus.TextStream(d / "data")), "corpus.load_task": lambda d: corpus.load_task("topic", d / "data"), "plmnb pretrain --text": verb("pretrain", "--text", "data", *TEXT[2:]), "plmnb finetune --data": verb("finetune", "--data", "data", *LABELS[2:], "--model", "model")}
TAKEN_TEXTS = {name: TEXTS[name] for name in ("corpus.load_text", "corpus.TextStream")}
RESULTS = {"runner.read_results": lambda d: runner.read_results(d / "run"), "runner.merge_results": lambda d: runner.merge_results([d / "run", d / "other"], d / "out"), "report.write_report": lambda d: report.write_report(d / "run"), "publish.publish": lambda d: publish.publish(d / "run", d),
           "plmnb report": verb("report", "run"), "plmnb report merge": verb("report", "merge", "run", "other", "--out", "out"), "plmnb accept": verb("accept", "run"), "plmnb publish": verb("publish", "run")}


def told_harmlessly(told, d): return told.code == 0 and not any(not c.isprintable() and c != "\n" for c in told.out)
def fine(result, d): return getattr(result, "code", 0) == 0
def no_secret(data, d): return len(data_texts := texts_in(data)) > 3 and not any(SECRET in text for text in data_texts)
def texts_in(data): return [text for part in data.values() for text in part["text"]] if hasattr(data, "values") else [text for _, text in data]


# Archives, heads of safetensors, tables.

def zipped(*names):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names: archive.writestr(name, "fired")
    return held.getvalue()


def tarred(*members): # (name, kind, where a link leads)
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, target, 0
            archive.addfile(info, io.BytesIO())
    return held.getvalue()


def head(entries, body=b"\0" * 64, length=None):
    "A file of safetensors: the length of its head, the head, the numbers."
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(begin, end, shape=(4,), dtype="F32"): return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


SAFETENSORS = {
    "a head longer than the file": head({}, length=2**40),
    "a head as long as a number can say": head({}, length=2**64 - 1),
    "a head of 200 MB, by its own account": head({"a": tensor(0, 16)}, length=200_000_000),
    "tensors that overlap": head({"a": tensor(0, 16), "b": tensor(8, 24)}, b"\0" * 24),
    "a tensor before the file": head({"a": tensor(-16, 0)}),
    "a tensor behind the file": head({"a": tensor(0, 2**40, (2**38,))}),
    "a tensor that ends before it begins": head({"a": tensor(32, 16)}),
    "a shape larger than any memory": head({"a": tensor(0, 16, (2**31, 2**31, 2**31))}, b"\0" * 16),
    "a hole between tensors": head({"a": tensor(0, 16), "b": tensor(32, 48)}),
    "a name given twice": head(b'{"a": ' + json.dumps(tensor(0, 16)).encode() + b', "a": ' + json.dumps(tensor(16, 32)).encode() + b"}", b"\0" * 32),
    "a kind of number that nobody knows": head({"a": tensor(0, 16, dtype="PICKLE")}, b"\0" * 16),
    "a head nested too deep": head(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a head that is a list": head([1, 2, 3]),
    "a head without an end": head(b'{"a": {"dtype": "F32", "shape": [4'),
}


def with_digest(name, content): # of a file in the newest checkpoint, named rightly in its manifest
    def lay(d):
        put(d, f"run/step-00000002/{name}", content(d) if callable(content) else content)
        manifest = json.loads((d / "run/step-00000002/manifest.json").read_text())
        manifest["files"][name] = "sha256:" + hashlib.sha256((d / "run/step-00000002" / name).read_bytes()).hexdigest()
        put(d, "run/step-00000002/manifest.json", json.dumps(manifest))
    return lay


def read_checkpoint(d): return checkpoint.load_checkpoint(d / "run/step-00000002")


def extended(d):
    "A column whose type says that a pickle has to be opened for it."
    import pyarrow
    kind = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": pickled(d)}
    return as_parquet(pyarrow.table([pyarrow.array(SENTENCES)], schema=pyarrow.schema([pyarrow.field("text", pyarrow.string(), metadata=kind)], metadata={b"pandas": b'{"index_columns": ["__import__(\'os\').abort()"]}'})))


# Names of files, and texts that somebody will look at.

NAMES = {"a line end in a name": "a\nb", "control signs in a name": f"a{ANSI}b", "HTML in a name": "<img src=x onerror=alert(1)>", "an option for a name": "--out=canary.txt", "a formula for a name": FORMULA.replace("/", ""), "letters from right to left in a name": "a\u202egpj.exe", "a name of 240 signs": "n" * 240, "quotes and braces in a name": "'\"`{scale}$(touch fired);&|"}


def failed_safely(result, d):
    "A notebook of such a name is named in the report, and nothing else happens."
    from bs4 import BeautifulSoup
    outcome = runner.run_notebooks([path for path in (d / "books").iterdir()], d / "out", scale="tiny", device="cpu", progress=runner.Terminal(held := io.StringIO()))[0]
    page = BeautifulSoup(report.write_report(d / "out").read_text(encoding="utf-8"), "html.parser")
    spoken = all(c.isprintable() or c == "\n" for c in held.getvalue())
    return outcome.status == "failed" and spoken and not page.select("script, img, iframe") and not [name for element in page.find_all(True) for name in element.attrs if name.startswith("on")]


def graded_safely(told, d):
    table = (d / "grades.csv").read_text()
    return told_harmlessly(told, d) and not any(cell.startswith(("=", "+", "-", "@")) for line in table.splitlines() for cell in line.split(",")) and "unreadable" in table


def printed(call):
    "What a part of the command line prints."
    from contextlib import redirect_stdout
    with redirect_stdout(io.StringIO()) as held: call()
    return held.getvalue()


def harmless_print(text, d): return text.strip() != "" and all(c.isprintable() or c == "\n" for c in text)


def shown_results():
    tuned = SimpleNamespace(names=[LABEL, ANSI, FORMULA], head="sequence")
    cli.print_finetuned({"train": 3}, tuned, [{"when": ANSI}], {"fine-tuned": {"accuracy": (0.5, 0.4, 0.6)}, ANSI: {"accuracy": (0.5, 0.4, 0.6)}}, "out")


def card_shows(card, d):
    prose = re.sub("`[^`]*`", "", card.content) # what stands between marks of code is shown as it is
    return "<script>" not in prose and "<img" not in prose and "\x1b" not in card.content and card.data.license is None


def page_shows(path, d):
    from bs4 import BeautifulSoup
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    return not page.select("script, img, iframe") and LABEL in page.get_text()


def ledger_of(name, unit): return json.dumps({"schema": 1, "claims": {name: {"unit": unit, "better": "higher", "runs": {"laptop/cpu": {"value": 2.0, "tolerance": 0.1, "seeds": 1, "data": "", "notebook": ""}}}}})
def outcome(**changes):
    def lay(d):
        path = d / "run/outcomes.json"
        found = json.loads(path.read_text())
        found["outcomes"][0] |= changes
        path.write_text(json.dumps(found))
    return lay


def claimed(**changes): return outcome(claims=[CLAIM | {"notebook": "nbs/1_part/10_good.ipynb"} | changes])
def scores(**changes):
    found = {"schema": 2, "task": "topic", "head": "sequence", "way": "full", "data": {"test": "sha256:0"}, "rows": {"test": 3}, "config": {}, "test": {"fine-tuned": {"accuracy": [0.5, 0.4, 0.6]}}, "classes": ["a", "b"]}
    return file("model/scores.json", json.dumps(found | changes))


def folder_of_notes(d): put(d, "data/notes.txt", "\n\n".join(SENTENCES))
@cache
def bomb(line, first=b""): return gzip.compress(first + line * 600_000) # 60 MB in 60 KB


CASES = [ # (kind, what lies there, {place: what is done}, None: refused; or how to see that it is harmless)
    # pickles under every name that a library opens
    ("pickle: weights in pytorch_model.bin", at(labels_at, gone("model/model.safetensors"), file("model/pytorch_model.bin", torch_saved)), WEIGHTS | GIVEN_AWAY, None),
    ("pickle: weights of a classifier", at(labels_at, gone("sorter/model.safetensors"), file("sorter/pytorch_model.bin", torch_saved)), SORTER, None),
    ("pickle: beside the weights", at(labels_at, *(file(f"model/{name}", torch_saved) for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth", "scaler.pt"))), OPENED, fine),
    ("pickle: given away with the weights", at(labels_at, file("model/training_args.bin", torch_saved)), GIVEN_AWAY, None),
    ("pickle: called safetensors", at(labels_at, file("model/model.safetensors", pickled)), HEADS, None),
    ("pickle: an archive of torch called safetensors", at(labels_at, file("model/model.safetensors", torch_saved)), HEADS, None),
    ("pickle: a part that the index names", at(labels_at, gone("model/model.safetensors"), file("model/pytorch_model-00001-of-00001.bin", torch_saved), file("model/model.safetensors.index.json", '{"weight_map": {"a": "pytorch_model-00001-of-00001.bin"}}')), WEIGHTS, None),
    ("pickle: called tokenizer.json", at(labels_at, file("model/tokenizer.json", pickled)), {name: OPENED[name] for name in ("hub.load_stock", "hub.model_folder", "finetuning.build_classifier", "finetuning.load_tokenizer_of", "tokenizer.load_tokenizer", "plmnb fill")}, None),
    ("pickle: beside the tokenizer", at(labels_at, *(file(f"model/{name}", pickled) for name in ("tokenizer.pkl", "tokenizer.model", "vocab.pkl", "spiece.model"))), OPENED, fine),
    ("pickle: the tensors of a checkpoint", at(checkpoint_at, with_digest("tensors.safetensors", torch_saved)), {"checkpoint.load_checkpoint": read_checkpoint}, None),
    ("pickle: the state of a checkpoint", at(checkpoint_at, with_digest("state.json", pickled)), {"checkpoint.load_checkpoint": read_checkpoint}, None),
    ("pickle: beside a checkpoint", at(checkpoint_at, *(file(f"run/step-00000002/{name}", torch_saved) for name in ("optimizer.pt", "rng_state.pth", "trainer_state.pkl"))), {"checkpoint.load_checkpoint": read_checkpoint, "checkpoint.latest_checkpoint": lambda d: checkpoint.latest_checkpoint(d / "run").name}, lambda found, d: found[0]["weight"].tolist() == [2, 2] if isinstance(found, tuple) else found == "step-00000002"),
    *((f"pickle: data in {name}", at(file(f"data{name}", pickled), model_at), {"corpus.load_text": lambda d, name=name: corpus.load_text(d / f"data{name}"), "corpus.load_task": lambda d, name=name: corpus.load_task("topic", d / f"data{name}"), "plmnb pretrain --text": verb("pretrain", "--text", f"data{name}", *TEXT[2:]), "plmnb finetune --data": verb("finetune", "--data", f"data{name}", *LABELS[2:], "--model", "model")}, None)
      for name in (".pkl", ".npy", ".pt", ".bin", ".parquet", ".txt", ".jsonl", ".txt.gz")),
    ("pickle: progress, ledger and results", at(run_at, file("home/progress.json", pickled), file("results/claims.json", pickled), file("run/outcomes.json", pickled)), {"exercises.progress": lambda d: exercises.progress(), "claims.load_ledger": lambda d: claims.load_ledger(d / "results/claims.json"), **{name: RESULTS[name] for name in ("runner.read_results", "report.write_report", "plmnb report", "plmnb accept")}, "plmnb progress": verb("progress")}, None),
    ("pickle: a notebook", at(file("given/ada.ipynb", pickled)), {"runner.read_notebook": lambda d: runner.read_notebook(d / "given/ada.ipynb")}, None),
    # configs that name code
    ("config: auto_map", at(labels_at, file("model/x.py", "open('fired', 'w')"), with_config(auto_map={"AutoConfig": "x.Config", "AutoModel": "x.Model"})), CONFIGS, None),
    ("config: auto_map of the tokenizer", at(labels_at, file("model/x.py", "open('fired', 'w')"), edited("model/tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Slow", "x.Fast"]})), CONFIGS, None),
    ("config: a pipeline of its own", at(labels_at, with_config(custom_pipelines={"mine": {"impl": "x.Pipe"}})), CONFIGS, None),
    ("config: trust_remote_code", at(labels_at, file("model/x.py", "open('fired', 'w')"), with_config(trust_remote_code=True)), {name: CONFIGS[name] for name in ("hub.load_stock", "hub.model_folder", "finetuning.build_classifier", "plmnb fill")}, fine),
    ("config: a class by its path", at(labels_at, with_config(architectures=["os.system", "../x.Model"])), {name: CONFIGS[name] for name in ("hub.load_stock", "hub.model_folder", "finetuning.build_classifier", "plmnb fill")}, fine),
    ("config: a type that is a path", at(labels_at, with_config(model_type="../../x")), {name: CONFIGS[name] for name in ("hub.load_stock", "hub.read_config", "finetuning.build_classifier", "plmnb fill", "plmnb finetune --model", "plmnb pretrain --model")}, None),
    ("config: a kernel from elsewhere", at(labels_at, with_config(attn_implementation="someone/kernel", _attn_implementation="someone/kernel")), {name: CONFIGS[name] for name in ("hub.model_folder", "finetuning.build_classifier", "finetuning.load_tokenizer_of", "plmnb finetune --model", "plmnb pretrain --model")}, None),
    ("config: a kernel that nobody is told of", at(labels_at, with_config(attn_implementation="someone/kernel", _attn_implementation="someone/kernel")), {name: CONFIGS[name] for name in ("hub.load_stock", "hub.read_config", "plmnb fill")}, fine),
    ("config: weights that want a package", at(labels_at, with_config(quantization_config={"quant_method": "gptq", "bits": 4})), {name: WEIGHTS[name] for name in ("finetuning.build_classifier", "plmnb finetune --model")}, None),
    ("config: the name of another place", at(labels_at, with_config(_name_or_path="../secret", name_or_path="/etc")), {name: CONFIGS[name] for name in ("hub.load_stock", "hub.model_folder", "finetuning.build_classifier", "plmnb fill")}, fine),
    ("config: a tokenizer's class by its path", at(labels_at, edited("model/tokenizer_config.json", tokenizer_class="os.system")), {name: CONFIGS[name] for name in ("hub.load_stock", "hub.model_folder", "plmnb fill", "finetuning.load_tokenizer_of")}, fine),
    ("config: an adapter of another model", at(labels_at, file("model/adapter_config.json", '{"peft_type": "LORA", "base_model_name_or_path": "../sorter", "auto_mapping": {"parent_library": "os", "base_model_class": "system"}}')), {name: WEIGHTS[name] for name in ("hub.load_stock", "hub.model_folder", "finetuning.build_classifier", "plmnb fill", "plmnb finetune --model")}, None),
    ("config: a template for talks", at(labels_at, edited("model/tokenizer_config.json", chat_template="{{ ''.__class__.__mro__[1].__subclasses__() }}")), {name: CONFIGS[name] for name in ("hub.load_stock", "finetuning.load_tokenizer_of", "plmnb fill")}, fine),
    # folders of data
    ("data: a loading script", at(folder_of_notes, file("data/data.py", "open('fired', 'w')"), file("data/__init__.py", "open('fired', 'w')")), TAKEN_TEXTS, no_secret),
    ("data: YAML that makes objects", at(folder_of_notes, file("data/README.md", "---\nconfigs: !!python/object/apply:builtins.open ['fired', 'w']\n---\n"), file("data/dataset_infos.json", pickled)), TAKEN_TEXTS, no_secret),
    ("data: a link to a secret", at(folder_of_notes, link("data/more.txt", "../secret.txt"), labels_at), {name: TEXTS[name] for name in ("corpus.load_text", "corpus.TextStream", "plmnb pretrain --text")}, None),
    ("data: a link to a folder", at(folder_of_notes, file("private/secret.txt", SECRET), link("data/deep", "../private")), TAKEN_TEXTS, no_secret),
    ("data: a Parquet file with an extension type", at(lambda d: put(d, "data/x.parquet", extended(d))), TAKEN_TEXTS, no_secret),
    ("data: a bomb in gzip", at(file("data/x.txt.gz", lambda d: bomb(b"x" * 99 + b"\n")), model_at), {name: TEXTS[name] for name in ("corpus.load_text", "corpus.TextStream", "plmnb pretrain --text")}, None),
    ("data: a bomb in gzip, as a table", at(file("data/x.csv.gz", lambda d: bomb(b"x" * 90 + b",class 1\n", b"text,label\n")), model_at), {name: TEXTS[name] for name in ("corpus.load_task", "plmnb finetune --data")}, None),
    ("data: a zip with ..", at(file("data.zip", zipped("../fired", "/fired", "..\\fired"))), {"corpus.load_text": lambda d: corpus.load_text(d / "data.zip"), "corpus.load_task": lambda d: corpus.load_task("topic", d / "data.zip"), "plmnb pretrain --text": verb("pretrain", "--text", "data.zip", *TEXT[2:])}, None),
    ("data: a tar with links and absolute names", at(file("data/data.tar", tarred(("../fired", tarfile.REGTYPE, ""), ("/tmp/fired", tarfile.REGTYPE, ""), ("in", tarfile.SYMTYPE, "../.."), ("in/fired", tarfile.REGTYPE, ""), ("hard", tarfile.LNKTYPE, "../secret.txt")))), {"corpus.load_text": TEXTS["corpus.load_text"], "corpus.TextStream": TEXTS["corpus.TextStream"], "plmnb pretrain --text": TEXTS["plmnb pretrain --text"]}, None),
    ("data: a tar called .txt.gz", at(file("data.txt.gz", gzip.compress(tarred(("../fired", tarfile.REGTYPE, ""))))), {"corpus.load_text": lambda d: corpus.load_text(d / "data.txt.gz")}, None),
    ("data: a name of the Hub that climbs", at(model_at), {"corpus.load_text": lambda d: corpus.load_text("hub:../.."), "corpus.load_task": lambda d: corpus.load_task("topic", "hub:../../secret"), "hub.load_stock": lambda d: hub.load_stock("../../x"), "hub.fetch": lambda d: hub.fetch("hub:../.."), "plmnb fill": verb("fill", "--model", "../../x", "a [MASK]"), "plmnb push": verb("push", "model", "../..", "--dry-run")}, None),
    # heads of safetensors
    *((f"safetensors: {kind}", at(labels_at, file("model/model.safetensors", content)), HEADS, None) for kind, content in SAFETENSORS.items()),
    *((f"safetensors: {kind}", at(checkpoint_at, with_digest("tensors.safetensors", content)), {"checkpoint.load_checkpoint": read_checkpoint}, None) for kind, content in SAFETENSORS.items()),
    ("safetensors: an index that climbs", at(labels_at, gone("model/model.safetensors"), file("model/model.safetensors.index.json", '{"weight_map": {"a": "../sorter/model.safetensors", "b": "/etc/passwd"}}')), WEIGHTS, None),
    # links out of the folder
    ("link: a card that is one", at(labels_at, gone("model/README.md"), link("model/README.md", "../canary.txt")), GIVEN_AWAY, None),
    ("link: a card that would be written elsewhere", at(labels_at, gone("model/README.md"), link("model/README.md", "../fired")), GIVEN_AWAY, None),
    ("link: a secret among what is given away", at(labels_at, link("model/vocab.txt", "../secret.txt")), GIVEN_AWAY, None),
    ("link: the folder of a report", at(run_at, file("mine/x", "mine"), lambda d: (shutil.rmtree(d / "run/executed"), (d / "run/executed").symlink_to("../mine"))), {name: RESULTS[name] for name in ("report.write_report", "publish.publish", "plmnb report")}, None),
    ("link: an executed copy", at(two_runs_at, link("run/executed/1_part/10_good.ipynb", "../../../secret.txt")), RESULTS, None),
    ("link: the folder of a copied course", at(lambda d: ((d / "copy").mkdir(), (d / "mine").mkdir()), link("copy/nbs", "../mine")), {"publish.copy_course": lambda d: publish.copy_course(d / "copy", small_course()), "plmnb course": verb("course", "copy")}, None),
    ("link: the table of grades", at(file("given/ada.ipynb", "{}"), link("grades.csv", "canary.txt")), {"plmnb grade": verb("grade", "given", "--out", "grades.csv")}, None),
    # results and ledgers that somebody else has written
    *((f"results: {kind}", at(two_runs_at, outcome(**changes)), RESULTS, None) for kind, changes in {"a copy that climbs": {"executed": "../secret.txt"}, "a copy with an absolute name": {"executed": "/etc/passwd"}, "a notebook that climbs": {"notebook": "../../fired.ipynb"}, "a notebook with an absolute name": {"notebook": "/tmp/fired.ipynb"}, "a number for a name": {"executed": 7}, "a state that nobody knows": {"status": "<b>fine</b>"}}.items()),
    *((f"results: {kind}", at(two_runs_at, claimed(**changes)), {name: RESULTS[name] for name in ("plmnb accept",)}, None) for kind, changes in {"a claim that is HTML": {"name": LABEL}, "a claim whose unit is HTML": {"unit": LABEL}, "a claim whose unit breaks a table": {"unit": "a | b\n# c"}, "a claim without a number": {"value": None}, "a claim of NaN": {"value": float("nan")}}.items()),
    ("results: HTML in an error", at(run_at, outcome(status="failed", error={"cell": 1, "source": LABEL, "name": "Error", "message": LABEL, "traceback": LABEL})), {"report.write_report": RESULTS["report.write_report"]}, page_shows),
    ("ledger: HTML and bars in its table", at(lambda d: None), {"claims.ledger_table": lambda d: claims.ledger_table(json.loads(ledger_of(f"a/b/{LABEL}|x", "u|<b>\n")))}, lambda table, d: "<" not in table and len(table.splitlines()) == 3 and table.splitlines()[2].count("|") == 6),
    # names of files
    *((f"name: {kind}", at(file(f"data/{name}.txt", "\n\n".join(SENTENCES))), TAKEN_TEXTS, no_secret) for kind, name in NAMES.items()),
    *((f"name: {kind}", at(file(f"data/{name}.txt", b"\xff")), {"corpus.load_text": TEXTS["corpus.load_text"], "plmnb pretrain --text": TEXTS["plmnb pretrain --text"]}, None) for kind, name in NAMES.items()),
    *((f"name: {kind}", at(file(f"books/{name[:200]}.ipynb", "{}")), {"runner.run_notebooks": lambda d: None}, failed_safely) for kind, name in NAMES.items()),
    *((f"name: {kind}", at(file(f"given/{name}.ipynb", "{}")), {"plmnb grade": verb("grade", "given", "--out", "grades.csv")}, graded_safely) for kind, name in NAMES.items()),
    *((f"name: {kind}", at(model_at, file(f"model/{name}", "x")), {"plmnb push": GIVEN_AWAY["plmnb push"]}, told_harmlessly) for kind, name in NAMES.items()),
    # texts that somebody will look at
    ("text: labels on the terminal", at(lambda d: None), {"cli.print_finetuned": lambda d: printed(shown_results), "cli.print_table": lambda d: printed(lambda: cli.print_table([[ANSI, LABEL], [FORMULA, ANSI]]))}, harmless_print),
    ("text: texts on the terminal", at(model_at), {"cli.show_gaps": lambda d: printed(lambda: cli.show_gaps(*hub.load_stock(d / "model"), [f"the list{ANSI} returns a {ANSI} key"])), "cli.show_writing": lambda d: printed(lambda: cli.show_writing(*hub.load_stock(d / "gpt"), [f"the{ANSI} list returns"]))}, harmless_print),
    ("text: pieces on the terminal", at(model_at, lambda d: put(d, "model/tokenizer.json", (d / "model/tokenizer.json").read_text().replace('"list"', json.dumps("li" + ANSI)))), {"plmnb fill": lambda d: plmnb("fill", "--model", "model", "-k", 200, "a [MASK]")}, told_harmlessly),
    ("text: columns on the terminal", at(model_at, lambda d: put(d, "labels.csv", f"a{ANSI},b{ANSI},c\n" + "x y z,u v w,1\n" * 30)), {"plmnb finetune": verb("finetune", "--data", "labels.csv", "--model", "model", "--out", "out"), "plmnb pretrain": verb("pretrain", "--text", "labels.csv", "--out", "out")}, None),
    *((f"text: HTML on a card, {kind}", at(model_at, scores(**changes)), {"sharing.model_card": lambda d: sharing.model_card(d / "model")}, card_shows) for kind, changes in {"classes": {"classes": [LABEL, "|x|", ANSI]}, "task": {"task": f"a\nlicense: mit {LABEL}"}, "way": {"way": LABEL}, "settings": {"config": {LABEL: LABEL}}, "data": {"data": {LABEL: f"`{LABEL}`"}}, "metrics": {"test": {"fine-tuned": {LABEL: [0, 0, 0]}}}}.items()),
    ("text: YAML on a card", at(model_at, with_config(model_type="x\nlicense: mit\nmalicious: !!python/object/apply:os.system ['touch fired']")), {"sharing.model_card": lambda d: sharing.model_card(d / "model")}, card_shows),
    ("text: formulas in the table of grades", at(lambda d: None), {"grading.as_csv": lambda d: grading.as_csv([grading.Grade(FORMULA, "+1", "right", "@SUM(1)"), grading.Grade("\t=1", "-1", "wrong", "\r=2")])}, lambda table, d: not any(cell.lstrip('"').startswith(("=", "+", "-", "@")) for line in table.splitlines() for cell in line.split(","))),
    # notebooks
    ("notebook: a kernel that is a path", at(lambda d: put(d, "bad.ipynb", json.dumps(json.loads(notebook("1")) | {"metadata": {"kernelspec": {"name": "../../fired", "language": "python", "display_name": LABEL}}}))), {"runner.read_notebook": lambda d: runner.read_notebook(d / "bad.ipynb")[0]}, lambda book, d: book.metadata.kernelspec["name"] == "python3" and LABEL not in str(book.metadata)),
    ("notebook: another language", at(lambda d: put(d, "bad.ipynb", json.dumps(json.loads(notebook("touch fired")) | {"metadata": {"language_info": {"name": "bash"}}}))), {"runner.read_notebook": lambda d: runner.read_notebook(d / "bad.ipynb")}, None),
    ("notebook: outputs that run", at(lambda d: run_at(d), lambda d: put(d, "run/executed/1_part/10_good.ipynb", json.dumps(executed_with(LABEL)))), {"report.write_report": RESULTS["report.write_report"]}, lambda path, d: harmless_page(d / "run/executed/1_part/10_good.html") and harmless_page(path)),
    ("notebook: an exercise that is a path", at(lambda d: None), {"exercises.find_check": lambda d: exercises.find_check("../../fired.1"), "exercises.check": lambda d: exercises.check("os.system.1", 7)}, None),
    ("notebook: a module that is code", at(lambda d: put(d, "given/ada.ipynb", notebook("#| default_exp os; open('fired', 'w')"))), {"grading.answers_in": lambda d: grading.answers_in(d / "given/ada.ipynb").module}, lambda module, d: module == ""),
]
RIGHT = {"plmnb grade": ("grades.csv",), "runner.run_notebooks": ("out", "out/*", "out/*/*", "home/*", "home"), "report.write_report": ("run/*", "run/*/*", "run/*/*/*")} # what is written where it is right


def executed_with(text):
    "An executed notebook that shows the text in every way in which a notebook can."
    book = json.loads(notebook("1"))
    shown = [{"output_type": "display_data", "metadata": {}, "data": {kind: [text]}} for kind in ("text/html", "text/markdown", "text/latex", "image/svg+xml", "application/javascript", "text/plain")] + [{"output_type": "stream", "name": "stdout", "text": [text]}]
    for cell in book["cells"]: cell.update(execution_count=1, outputs=shown, metadata={"tags": ["report", "headline"]})
    book["cells"].append({"cell_type": "markdown", "id": "x", "metadata": {}, "source": f"# {text}\n[here](javascript:alert(1))"})
    return book


def harmless_page(path):
    from bs4 import BeautifulSoup
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    return not page.select("script, iframe, object, embed, base, form") and all(image["src"].startswith("data:image/") for image in page.select("img")) and not [1 for element in page.find_all(True) for name, value in element.attrs.items() if name.startswith("on") or str(value).startswith("javascript:")]


def cells():
    "A cell for each hostile file at each place that opens it."
    found = []
    for kind, lay, places, harmless in CASES:
        for place, act in places.items(): found.append(Cell(kind, place, act, lay, (), harmless, RIGHT.get(place, ()) if harmless else ()))
    return found


def main(*words):
    warnings.simplefilter("ignore")
    return 0 if show([cell for cell in cells() if all(word in str(cell) for word in words)], "hostile file") else 1


if __name__ == "__main__": sys.exit(main(*sys.argv[1:]))
