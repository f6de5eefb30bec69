"A run that stops anywhere goes on as if it had not: from every step, asked to stop, in several hops; and as several processes."
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from datasets import DatasetDict

from plmnb import training
from plmnb.adaptation import continuation, continue_pretraining
from plmnb.corpus import load_text
from plmnb.hub import save_stock
from plmnb.pretraining import Recipe, pretrain
from plmnb.training import TrainConfig
from plmnb.transformer import bert_config, gpt_modern_config, modern_config

SMALL = dict(vocab_size=300, d_model=32, n_layers=1, n_heads=2, d_ff=64)
STEPS = 40
TRAIN = TrainConfig(STEPS, log_every=7, save_every=1, warmup=0.2, schedule="cosine")
# dropout, masks and pairs drawn anew, shuffling, batches in parts, a schedule
RECIPES = {"mlm": Recipe(modern_config(**SMALL, dropout=0.1), TRAIN, batch=8, neighbours=0.2),
           "mlm_nsp": Recipe(bert_config(**SMALL, dropout=0.1, nsp=True), training.dataclasses.replace(TRAIN, accumulate=2), task="mlm_nsp", batch=8),
           "clm": Recipe(gpt_modern_config(**SMALL, dropout=0.1), training.dataclasses.replace(TRAIN, accumulate=2), task="clm", batch=8, apart=True)}


@pytest.fixture(scope="module")
def few():
    data = load_text("pydoc")
    return DatasetDict({name: data[name].select(range(80)) for name in data})


def weights(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob(f"step-{STEPS:08d}/*"))} | {"result": (folder / "result.json").read_bytes()}


@pytest.fixture(scope="module", params=RECIPES)
def unbroken(request, few, tmp_path_factory):
    "An unbroken run whose checkpoint of every step is kept."
    folder, keep = tmp_path_factory.mktemp(request.param) / "run", training.save_checkpoint
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "save_checkpoint", lambda *args: keep(*args, keep=STEPS))
        made = pretrain(few, RECIPES[request.param], folder=folder, seed=3, progress=False)
    assert len(list(folder.glob("step-*"))) == STEPS and made.history[-1]["loss"] < made.history[0]["loss"]
    return request.param, folder


def test_from_every_step_to_the_same_end(unbroken, few, tmp_path, monkeypatch):
    name, whole = unbroken
    save = training.save_checkpoint                                          # how it resumes is tested here; the saves between are tested elsewhere and take the time
    monkeypatch.setattr(training, "save_checkpoint", lambda folder, step, *args: step == STEPS and save(folder, step, *args))
    for step in range(1, STEPS):
        folder = tmp_path / str(step)
        folder.mkdir()
        for file in ("run.json", "tokenizer.json", "tokenizer_config.json"): shutil.copy(whole / file, folder)
        shutil.copytree(whole / f"step-{step:08d}", folder / f"step-{step:08d}")
        torch.manual_seed(step), torch.rand(step)                            # another day
        pretrain(few, RECIPES[name], folder=folder, seed=3, progress=False)
        assert weights(folder) == weights(whole), f"{name}: another end from step {step}"
        shutil.rmtree(folder)


SCRIPT = """
import sys
from datasets import DatasetDict
from tests.test_resume import RECIPES
from plmnb.corpus import load_text
from plmnb.pretraining import pretrain
from plmnb import training
from plmnb.adaptation import continuation, continue_pretraining
import dataclasses
data, (folder, name, changes) = load_text("pydoc"), sys.argv[1:]
few = DatasetDict({split: data[split].select(range(80)) for split in data})
if "stream=" in changes: few = load_text(changes.partition("stream=")[2], streaming=True)
recipe = RECIPES[name]
model = dataclasses.replace(recipe.model, dropout=0.0) if "plain" in changes else recipe.model
train = dataclasses.replace(recipe.train, precision="fp32", log_every=1, save_every=20, accumulate=1, muon_lr=0.0 if "adamw" in changes else 0.01, adamw_lr=1e-3) if "plain" in changes else dataclasses.replace(recipe.train, save_every=10**6)
def say(history): print("step", history[-1]["step"], flush=True)
pretrain(few, dataclasses.replace(recipe, model=model, train=train), folder=folder, seed=3, progress=False, on_log=say)
"""
ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), "PYTHONWARNINGS": "ignore"}


def start(folder, name, changes="-", launcher=()):
    command = [sys.executable, *launcher, *(["-c", SCRIPT] if not launcher else [str(script(folder))]), str(folder), name, changes]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=ROOT)


def script(folder):
    path = folder.parent / "program.py"
    path.write_text(SCRIPT)
    return path


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGTERM that a program could answer")
def test_three_times_asked_to_stop(tmp_path):
    "SIGTERM in another process, three times; each saves where it is, although no step is one at which the run would save."
    whole, folder = start(tmp_path / "whole", "mlm_nsp"), tmp_path / "hops"
    for stop in (7, 14, 28):
        hop = start(folder, "mlm_nsp")
        for line in hop.stdout:
            if line.startswith(f"step {stop}"): break
        hop.send_signal(signal.SIGTERM)
        said, errors = hop.communicate(timeout=120)
        assert hop.returncode == 143, errors
        assert len(list(folder.glob("step-*"))) in (1, 2) and not (folder / "result.json").exists()
    last = start(folder, "mlm_nsp")
    said, errors = last.communicate(timeout=120)
    assert last.returncode == 0 and "Going on from step" in said, errors
    assert whole.wait(timeout=120) == 0
    assert weights(tmp_path / "whole") == weights(folder)


def history(folder):
    return json.loads((folder / "result.json").read_text())["history"]


# an optimizer makes more of a last bit than the sum did that lost it: AdamW divides small by small, and Muon rounds to bfloat16 inside (Jordan 2024)
@pytest.mark.parametrize("name,optimizer,tolerance", [("mlm", "adamw", 1e-5), ("mlm_nsp", "adamw", 1e-5), ("clm", "adamw", 1e-5), ("clm", "muon", 1e-4)])
def test_two_processes_learn_what_one_does(name, optimizer, tolerance, tmp_path):
    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    changes = f"plain {optimizer}"
    if (name, optimizer) == ("clm", "adamw"):                                # one of them from a stream, whose blocks the first process writes and both read
        load_text("pydoc")["train"].select(range(2000)).to_json(tmp_path / "rows.jsonl")
        changes += f" stream={tmp_path / 'rows.jsonl'}"
    alone = start(tmp_path / "one" / "run", name, changes)
    assert alone.wait(timeout=200) == 0, alone.stderr.read()
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    together = start(tmp_path / "two" / "run", name, changes, launcher)
    said, errors = together.communicate(timeout=200)
    assert together.returncode == 0, errors
    assert said.count(f"step {STEPS}\n") == 1                                # one of them speaks
    one, two = history(tmp_path / "one" / "run"), history(tmp_path / "two" / "run")
    assert len(one) == len(two) == STEPS
    for a, b in zip(one, two): assert abs(a["loss"] / b["loss"] - 1) < tolerance, (a, b)


def two_by_hand(folder, name, changes="-"):
    "Two processes that find each other as a launcher would tell them to."
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program = script(folder)
    return [subprocess.Popen([sys.executable, str(program), str(folder), name, changes], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
                             env={**ENVIRONMENT, "WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}) for rank in (0, 1)]


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGTERM that a program could answer")
def test_two_processes_asked_to_stop(tmp_path):
    "Both agree on a step, save there with the random generators of both, and go on bit for bit, dropout and all."
    for name in ("whole", "hops"): (tmp_path / name).mkdir()
    whole, folder = tmp_path / "whole" / "run", tmp_path / "hops" / "run"
    for process in two_by_hand(whole, "clm"): assert process.wait(timeout=200) == 0, process.stderr.read()
    first, second = two_by_hand(folder, "clm")
    for line in first.stdout:
        if line.startswith("step 7"): break
    second.send_signal(signal.SIGTERM)                                       # one of them is enough
    for process in (first, second):
        said, errors = process.communicate(timeout=200)
        assert process.returncode == 143, errors
    assert [path.name for path in folder.glob("step-*")] == ["step-00000010"] or [path.name for path in folder.glob("step-*")] == ["step-00000020"]
    again = two_by_hand(folder, "clm")
    said, errors = again[0].communicate(timeout=200)
    assert again[1].wait(timeout=200) == 0 and again[0].returncode == 0 and "Going on from step" in said, errors
    assert weights(whole) == weights(folder)


@pytest.mark.parametrize("name", ["mlm", "clm"])
def test_a_model_that_goes_on_reading_and_is_stopped(name, few, tmp_path, monkeypatch):
    "Stopped in the middle of going on, it comes to the same weights; another text, seed or model is another run."
    shape = training.dataclasses.replace(RECIPES[name].model, dropout=0.1 if name == "mlm" else 0.0)       # their decoder knows none
    pieces = pretrain(few, training.dataclasses.replace(RECIPES[name], model=shape, train=TrainConfig(2)), folder=tmp_path / "first", progress=False)
    checkpoint = save_stock(pieces.model, pieces.tokenizer, tmp_path / "checkpoint")
    go_on = lambda home, on_log=None: (monkeypatch.setenv("PLMNB_HOME", str(tmp_path / home)), continue_pretraining(checkpoint, few, scale="tiny", seed=3, progress=False, on_log=on_log, steps=8, log_every=2, save_every=1, batch=8))[1]

    def stop(history):
        if history[-1]["step"] == 4: raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): go_on("broken", stop)
    torch.rand(5)                                                            # another day
    whole, broken = go_on("whole"), go_on("broken")
    same = lambda a, b: all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))
    assert same(whole.model, broken.model) and whole.history == broken.history and not same(whole.model, pieces.model)
    folders = {continuation(*given)[1] for given in ((checkpoint, "a text"), (checkpoint, "another"), (save_stock(whole.model, whole.tokenizer, tmp_path / "second"), "a text"))}
    assert len(folders | {continuation(checkpoint, "a text", seed=1)[1]}) == 4
