"A model is given away through a server that speaks like the Hub: one commit or none, nothing that should stay, no token in a message."
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plmnb.core import PlmError
from plmnb.hub import save_stock
from plmnb.sharing import model_card
from plmnb.tokenizer import train_wordpiece
from plmnb.transformer import MaskedLM, bert_config
from stand_in_hub import StandInHub

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def model(tmp_path):
    tokenizer = train_wordpiece(["the list returns a key"] * 5, 60)
    folder = save_stock(MaskedLM(bert_config(tokenizer.get_vocab_size(), d_model=16, n_layers=1, n_heads=2, d_ff=32, max_len=16)), tokenizer, tmp_path / "model")
    model_card(folder, license="apache-2.0").save(folder / "README.md")
    (folder / "training.log").write_text("paths of mine")
    return folder


@pytest.fixture
def hub(tmp_path):
    (tmp_path / "hub").mkdir()
    with StandInHub(tmp_path / "hub") as server: yield server


def push(model, hub, *more, code=0, token="hf_writer", name="someone/given", **settings):
    clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy") and key not in ("HF_TOKEN", "HF_HUB_OFFLINE")}
    settings |= {"PYTHONPATH": str(ROOT), "HF_ENDPOINT": hub.url, "HF_HOME": str(model.parent / "home"), "OMP_NUM_THREADS": "1"} | ({"HF_TOKEN": token} if token else {})
    done = subprocess.run([sys.executable, "-m", "plmnb.cli", "push", str(model), name, *more], capture_output=True, text=True, env=clean | settings, timeout=200)
    assert done.returncode == code, done.stderr
    assert not token or token not in done.stdout + done.stderr
    return done


def test_a_model_is_pushed_and_loads_again(model, hub):
    done = push(model, hub)
    assert f"{hub.url}/someone/given/commit/" in done.stdout and "training.log" in done.stdout
    there = hub.server.root / "someone" / "given" / "main"
    assert {path.name for path in there.iterdir()} == {"README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert all((there / path.name).read_bytes() == (model / path.name).read_bytes() for path in there.iterdir())
    assert hub.server.private == {"someone/given": True} and len(hub.server.commits) == 1
    program = "from plmnb.hub import load_stock; print(load_stock('someone/given')[0].config.n_layers)"
    clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=clean | {"PYTHONPATH": str(ROOT), "HF_ENDPOINT": hub.url, "HF_HOME": str(model.parent / "other")}).stdout.strip() == "1"
    push(model, hub, "--public", name="someone/open")
    assert hub.server.private["someone/open"] is False


def test_a_dry_run_sends_nothing(model, hub):
    done = push(model, hub, "--dry-run", token="")
    assert "model.safetensors" in done.stdout and "stays  training.log" in done.stdout and hub.log == []


def test_what_is_private_stays_private(model, hub):
    push(model, hub, "--public", name="someone/open")
    refused = push(model, hub, name="someone/open", code=2)
    assert "is public, and this was to be private" in refused.stderr and len(hub.server.commits) == 1
    push(model, hub, "--public", name="someone/open")


def test_large_files_go_first_and_then_one_commit(model, hub):
    "Weights travel apart; what breaks off on that way leaves no commit."
    hub.server.large = ".safetensors"
    broken = "nothing, or all of it, has arrived: try again"
    assert broken in push(model, hub, code=2).stderr and not hub.server.commits                                 # the stand-in has no Xet
    hub.faults[:] = [["/upload/", "500", 99]]
    assert broken in push(model, hub, code=2, HF_HUB_DISABLE_XET="1").stderr and not hub.server.commits
    hub.faults.clear()
    push(model, hub, HF_HUB_DISABLE_XET="1")
    there = hub.server.root / "someone" / "given" / "main"
    assert hub.server.commits == ["someone/given"] and (there / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()


def test_what_is_refused(model, hub):
    assert "no token: make one" in push(model, hub, token="", code=2).stderr
    assert "the token is not accepted" in push(model, hub, token="hf_stranger", code=2).stderr
    assert "no name that the Hub allows" in push(model, hub, name="someone/a--b", code=2).stderr
    (model / "pytorch_model.bin").write_bytes(b"a pickle")
    assert "can run code" in push(model, hub, code=2).stderr
    (model / "pytorch_model.bin").unlink()
    (model / "README.md").unlink()
    assert "write a card first" not in push(model, hub, "--dry-run").stderr       # the verb writes one
    assert "To be filled in" in (model / "README.md").read_text() and not hub.server.commits


@pytest.mark.parametrize("planted, arrives", [([["/commit/", "500", 1]], True), ([["/commit/", "500", 99]], False), ([["repos/create", "500", 99]], False)])
def test_one_commit_or_none(planted, arrives, model, hub):
    hub.faults[:] = planted
    done = push(model, hub, code=0 if arrives else 2)
    assert len(hub.server.commits) == arrives and (arrives or "try again" in done.stderr)
    assert not (hub.server.root / "someone" / "given" / "coming").exists()
    hub.faults.clear()
    push(model, hub)
    assert (hub.server.root / "someone" / "given" / "main" / "model.safetensors").exists()


def test_the_card_of_a_pretrained_model_says_what_was_read(model):
    (model / "plmnb.json").write_text(json.dumps({"run": "modern-tiny-0", "data": "sha256:77", "scores": {"mlm_nats": 3.21987, "<i>": "x"}}))
    card = model_card(model)
    assert "sha256:77" in card.content and "mlm&#95;nats 3.21987" in card.content and "<i>" not in card.content
    (model / "plmnb.json").write_text(json.dumps({"run": "bert_nsp-tiny-0", "data": "`sha256:77`\n# Approved", "scores": {}}))
    assert "`bert_nsp-tiny-0`" in (card := model_card(model)).content and "\n# Approved" not in card.content
    (model / "plmnb.json").write_text('{"scores": [1, 2]}')
    with pytest.raises(PlmError, match="plmnb.json"): model_card(model)


@pytest.mark.parametrize("found", ["[]", "{}", '{"schema": 1}', '{"schema": 2, "task": "t", "head": "h", "way": "w", "data": {}, "rows": {}, "config": {}, "test": {"s": {"f1": [1, 2]}}}',
                                   '{"schema": 2, "task": "t", "head": "h", "way": "w", "data": {}, "rows": {}, "config": {}, "test": {"s": {"f1": [1, 1, 2]}, "other": {"em": [1, 1, 2]}}}', '{"schema": 2, "task": "t", "head": "h", "way": "w", "data": {}, "rows": {}, "config": {}, "test": {}, "classes": 5}'])
def test_scores_of_another_form_are_refused(found, model):
    (model / "scores.json").write_text(found)
    with pytest.raises(PlmError, match="scores.json"): model_card(model)


def test_names_on_the_card_stay_names(model):
    (model / "scores.json").write_text(json.dumps({"schema": 2, "task": "a\nlicense: mit", "head": "sequence", "way": "<b>", "data": {"train": "sha256:1", "test": "sha256:2"}, "rows": {"train": 3, "test": 2},
                                                   "classes": ["</td><script>", "|x|"], "config": {"lr": 1.0}, "validation": {}, "test": {"fine-tuned": {"accuracy": [0.5, 0.1, 0.9]}}, "test_read_before": 0}))
    card = model_card(model, license="apache-2.0")
    assert card.data.license == "apache-2.0" and "<script>" not in card.content and "<b>" not in card.content and "0.500 (0.100 to 0.900)" in card.content
