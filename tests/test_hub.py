"What the hub chapter cannot show in one process: drawn shapes by the hundred, planted bugs, a server, two processes, a kill."
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from plmnb import hub
from plmnb.core import rng_state
from plmnb.hub import HubError, from_stock, load_stock, our_config, save_stock, stock_config, to_stock
from plmnb.tokenizer import train_wordpiece
from plmnb.transformer import bart_config, bert_config, build_model, gpt2_config, gpt_modern_config, modern_config
from stand_in_hub import StandInHub

ROOT = Path(__file__).parents[1]
SENTENCES = ["the tuple is a list that does not change", "the value of a key is found by its hash", "return the value of the key"]


FAMILIES = sorted(hub.NAMES)


@st.composite
def configs(draw, families=st.sampled_from(FAMILIES)):
    family, heads, layers = draw(families), draw(st.sampled_from([1, 2, 3, 4])), draw(st.integers(1, 5))
    flag, activation, base = draw(st.booleans()), draw(st.sampled_from(["gelu", "gelu_tanh", "relu", "silu"])), draw(st.sampled_from([100.0, 1e4, 1.6e5]))
    common = dict(vocab_size=draw(st.integers(5, 80)), d_model=heads * draw(st.sampled_from([2, 4, 8, 16])), n_heads=heads, n_layers=layers, d_ff=draw(st.integers(1, 50)),
                  max_len=draw(st.integers(1, 50)), tied=draw(st.booleans()), eps=draw(st.sampled_from([1e-12, 1e-6, 1e-5, 1e-3])), dropout=draw(st.sampled_from([0.0, 0.1])))
    if family == "bert": return bert_config(**common, segments=draw(st.integers(1, 3)), nsp=flag)
    if family == "gpt2": return gpt2_config(**common, activation=activation)
    if family == "bart": return bart_config(**common | {"eps": 1e-5, "tied": True}, activation=activation, embedding_scale=flag)
    if family in ("llama", "qwen3"):
        shared = draw(st.sampled_from([0, *(n for n in range(1, heads) if heads % n == 0)]))
        return gpt_modern_config(**common | {"dropout": 0.0}, qk_norm=family == "qwen3", bias=flag and family == "llama", kv_heads=shared, rope_base=base, activation=activation)
    every = draw(st.integers(1, layers))
    local = dict(global_every=every, window=draw(st.integers(1, 20)), local_rope_base=draw(st.sampled_from([100.0, 1e4]))) if every > 1 else {}
    return modern_config(**common, **local, bias=flag, rope_base=base)


def model_of(config, seed=0):
    torch.manual_seed(seed)
    model = build_model(config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters(): p.normal_(1 if "norm" in name and "weight" in name else 0, 0.1 if p.ndim == 2 else 0.3)
    return model


def outputs(model, stock, length, lengths=None):
    "Pairs (our scores, theirs) at real tokens; `lengths` of three rows, None: no padding and no mask at all."
    config = model.config
    ids = torch.randint(config.vocab_size, (3, length))
    real = None if lengths is None else (torch.arange(length) < torch.tensor(lengths)[:, None]).long()
    kept = torch.ones_like(ids).bool() if real is None else real.bool()
    if config.kind == "decoder": pairs = [(model(ids, real), stock(input_ids=ids, attention_mask=real).logits)]
    elif config.kind == "seq2seq":
        source = torch.randint(config.vocab_size, (3, config.max_len))
        seen = None if real is None else (torch.arange(config.max_len) < torch.randint(1, config.max_len + 1, (3, 1))).long()
        pairs = [(model(source, ids, seen, real), stock(input_ids=source, attention_mask=seen, decoder_input_ids=ids, decoder_attention_mask=real).logits)]
    else:
        segments = torch.randint(config.segments, (3, length)) if config.segments else None
        theirs = stock(input_ids=ids, attention_mask=real, **({} if segments is None else {"token_type_ids": segments}))
        pairs = [(model(ids, attention_BT=real, segments_BT=segments), theirs.prediction_logits if config.nsp else theirs.logits)]
        if config.nsp: return [(pairs[0][0][kept], pairs[0][1][kept]), (model.pair_scores(model.encoder(ids, real, segments)), theirs.seq_relationship_logits)]
    return [(ours[kept], theirs[kept]) for ours, theirs in pairs]


@torch.no_grad()
def difference(model, stock, length, lengths=None):
    "Largest difference of a score."
    return max(float((ours - theirs).abs().max()) for ours, theirs in outputs(model, stock, length, lengths))


@pytest.mark.parametrize("family", FAMILIES)
@given(st.data(), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_same_scores_and_every_bit_there_and_back(family, data, seed):
    config = data.draw(configs(st.just(family)))
    model = model_of(config, seed)
    before = rng_state()
    stock = to_stock(model)
    again = from_stock(stock)
    assert rng_state() == before and hub.family_of(config) == family
    assert again.config == config and all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), model.state_dict().values()))
    for length in {1, (config.max_len + 1) // 2, config.max_len}:
        assert difference(model, stock, length) < 1e-5
        assert difference(model, stock, length, [length, data.draw(st.integers(1, length)), data.draw(st.integers(1, length))]) < 1e-5


@given(configs())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_configs_survive_json(config):
    theirs = stock_config(config)
    theirs.architectures = [hub.class_of(config).__name__] # as `save_pretrained` writes it
    assert our_config(type(theirs).from_dict(theirs.to_dict())) == config


@pytest.mark.parametrize("family", FAMILIES)
def test_our_file_is_theirs_and_theirs_is_ours(family, tmp_path):
    "Saved by ours, opened by `AutoModel…`, taken back and saved again: the same bytes, and the same bytes when they save it."
    presets = {"bert": bert_config, "modernbert": modern_config, "gpt2": gpt2_config, "llama": partial(gpt_modern_config, qk_norm=False), "qwen3": gpt_modern_config, "bart": bart_config}
    auto = {"encoder": transformers.AutoModelForMaskedLM, "decoder": transformers.AutoModelForCausalLM, "seq2seq": transformers.AutoModelForSeq2SeqLM}
    for changes in ({}, {"tied": False}) if family != "bart" else ({},): # without ties BART keeps three tables of pieces
        model = model_of(presets[family](60, d_model=32, n_layers=2, n_heads=2, d_ff=40, max_len=48, **changes))
        weights = lambda folder: (folder / "model.safetensors").read_bytes()
        first = folder_of(model, tmp_path / "first")
        theirs = auto[model.config.kind].from_pretrained(first)
        theirs.save_pretrained(tmp_path / "theirs")
        assert weights(folder_of(from_stock(theirs), tmp_path / "second")) == weights(first) == weights(tmp_path / "theirs")
        loaded, _ = load_stock(first)
        assert loaded.config == model.config and difference(loaded, theirs, 48) < 1e-5


def swapped(table, a, b): return table | {a: table[b], b: table[a]}


PLANTED = {
    "query and key exchanged": ("bert", {"bert": hub.BERT_NAMES | {"encoder.blocks.#.attention.qkv": " ".join(hub.BERT_NAMES["encoder.blocks.#.attention.qkv"].split()[i] for i in (1, 0, 2))}}),
    "norms exchanged, post": ("bert", {"bert": swapped(hub.BERT_NAMES, "encoder.blocks.#.norm_attention", "encoder.blocks.#.norm_feed_forward")}),
    "embedding's norm exchanged with the head's": ("bert", {"bert": swapped(hub.BERT_NAMES, "encoder.embedding.norm", "norm")}),
    "final norm exchanged with the head's": ("modernbert", {"modernbert": swapped(hub.MODERN_NAMES, "encoder.norm", "norm")}),
    "halves of the gated network exchanged": ("qwen3", {"qwen3": hub.LLAMA_NAMES | {"decoder.blocks.#.feed_forward.inner": "model.layers.#.mlp.up_proj model.layers.#.mlp.gate_proj"}}),
    "norms of queries and keys exchanged": ("qwen3", {"qwen3": swapped(hub.LLAMA_NAMES, "decoder.blocks.#.attention.q_norm", "decoder.blocks.#.attention.k_norm")}),
    "norms exchanged, pre": ("gpt2", {"gpt2": swapped(hub.GPT2_NAMES, "decoder.blocks.#.norm_attention", "decoder.blocks.#.norm_feed_forward")}),
    "self- and cross-attention exchanged": ("bart", {"bart": swapped(hub.BART_NAMES, "decoder.blocks.#.attention.out", "decoder.blocks.#.cross.out")}),
    "positions of encoder and decoder exchanged": ("bart", {"bart": swapped(hub.BART_NAMES, "encoder.embedding.positions", "decoder.embedding.positions")}),
}
WRONG_SETTINGS = {"bert": {"layer_norm_eps": 1e-5, "hidden_act": "gelu_new"},
                  "modernbert": {"norm_eps": 1e-3, "hidden_activation": "silu", "classifier_activation": "relu", "layer_types": ["full_attention", "sliding_attention"],
                                 "rope_parameters": {kind: {"rope_type": "default", "rope_theta": 160_000.0} for kind in ("full_attention", "sliding_attention")}},
                  "gpt2": {"layer_norm_epsilon": 1e-3, "activation_function": "gelu", "scale_attn_by_inverse_layer_idx": True},
                  "qwen3": {"rms_norm_eps": 1e-2, "hidden_act": "gelu", "rope_parameters": {"rope_type": "default", "rope_theta": 160_000.0}},
                  "bart": {"activation_function": "relu", "scale_embedding": True}}


@pytest.fixture
def models():
    shape = dict(d_model=32, n_layers=2, n_heads=2, max_len=48)
    presets = {"bert": bert_config, "modernbert": modern_config, "gpt2": gpt2_config, "qwen3": gpt_modern_config, "bart": bart_config}
    return {family: model_of(preset(60, **shape, d_ff=32)) for family, preset in presets.items()}


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_table_is_caught(name, models):
    family, tables = PLANTED[name]
    with patch.dict(hub.NAMES, tables): stock = to_stock(models[family])
    assert difference(models[family], to_stock(models[family]), 48) < 1e-5 < 1e-3 < difference(models[family], stock, 48)


@pytest.mark.parametrize("family,field", [(family, field) for family, fields in WRONG_SETTINGS.items() for field in fields])
def test_a_wrong_setting_is_caught(family, field, models):
    right = stock_config

    def wrong(config):
        theirs = right(config).to_dict() | {field: WRONG_SETTINGS[family][field]}
        return type(right(config)).from_dict(theirs | ({"local_attention": 8} if field == "layer_types" else {}))

    with patch.object(hub, "stock_config", wrong): stock = to_stock(models[family])
    assert difference(models[family], stock, 48) > 2e-5


def test_training_agrees_too(models):
    "The same loss and the same gradients, in the order of our parameters."
    for model in models.values():
        stock = to_stock(model)
        ids, labels = torch.randint(1, 60, (4, 20)), torch.randint(60, (4, 20)) # no [PAD]: as an input, their classes do not train it
        decoder = {"decoder_input_ids": ids.flip(1)} if model.config.kind == "seq2seq" else {}
        scores = model.train()(ids, *decoder.values())
        torch.nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten()).backward()
        theirs = stock.train()(input_ids=ids, **decoder).logits   # their `labels` would be shifted in a model that writes
        torch.nn.functional.cross_entropy(theirs.flatten(0, 1), labels.flatten()).backward()
        for ours, other in zip(model.parameters(), from_gradients(stock).parameters()): assert torch.allclose(ours.grad, other, atol=1e-6)


def from_gradients(stock):
    "The stock model's gradients under our names: they move as weights do."
    with torch.no_grad():
        for p in stock.parameters(): p.copy_(0 if p.grad is None else p.grad)
    return from_stock(stock)


def old_style(folder, stock):
    "Files as of 2018: gamma and beta, tied tensors stored twice, a buffer that is no longer stored."
    from safetensors.torch import save_file
    state = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t.clone() for name, t in stock.state_dict().items()}
    save_file(state | {"bert.embeddings.position_ids": torch.arange(48)[None]}, folder / "model.safetensors", metadata={"format": "pt"})


def folder_of(model, target):
    return save_stock(model, train_wordpiece(SENTENCES * 5, 60), target)


def test_old_names_shards_and_half_precision(models, tmp_path):
    model = models["bert"]
    folder = folder_of(model, tmp_path / "old")
    old_style(folder, to_stock(model))
    same = lambda other: all(torch.equal(a, b) for a, b in zip(other.state_dict().values(), model.state_dict().values()))
    assert same(load_stock(folder)[0])
    (folder / "model.safetensors").unlink()
    to_stock(model).save_pretrained(folder, max_shard_size="10KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1 and same(load_stock(folder)[0])
    for path in folder.glob("model*"): path.unlink()
    to_stock(model).half().save_pretrained(folder)
    loaded = load_stock(folder)[0]
    assert loaded.bias.dtype == torch.float32 and torch.equal(loaded.bias, model.bias.half().float())


def test_configs_as_published(tmp_path):
    "The two best-known configs, in the words of the years they were written in."
    import json
    common = {"hidden_size": 768, "num_hidden_layers": 22, "num_attention_heads": 12, "vocab_size": 50368, "intermediate_size": 1152}
    modern = common | {"model_type": "modernbert", "architectures": ["ModernBertForMaskedLM"], "global_attn_every_n_layers": 3, "global_rope_theta": 160000.0, "local_attention": 128,
                       "local_rope_theta": 10000.0, "max_position_embeddings": 8192, "norm_eps": 1e-05, "classifier_pooling": "mean", "position_embedding_type": "absolute",
                       "layer_norm_eps": 1e-05, "tie_word_embeddings": True, "torch_dtype": "float32", "transformers_version": "4.47.0.dev0", "pad_token_id": 50283}
    bert = common | {"model_type": "bert", "architectures": ["BertForMaskedLM"], "gradient_checkpointing": False, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "layer_norm_eps": 1e-12,
                     "max_position_embeddings": 512, "position_embedding_type": "absolute", "transformers_version": "4.6.0.dev0", "type_vocab_size": 2, "use_cache": True}
    sizes = dict(d_model=768, n_layers=22, n_heads=12, d_ff=1152)
    for values, expected in ((modern, modern_config(50368, **sizes, max_len=8192, global_every=3, window=64, rope_base=160000.0)), (bert, bert_config(50368, **sizes, max_len=512, dropout=0.1))):
        (tmp_path / "config.json").write_text(json.dumps(values))
        assert hub.read_config(tmp_path) == expected


def test_only_sizes_of_a_config_reach_transformers(models, tmp_path):
    import json
    folder = folder_of(models["modernbert"], tmp_path / "m")
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | {"attn_implementation": "someone/kernel", "_attn_implementation": "someone/kernel", "quantization_config": {"quant_method": "gptq"}, "dtype": "float16"}))
    model, _ = load_stock(folder)
    assert model.bias.dtype == torch.float32 and difference(model, to_stock(models["modernbert"]), 20) < 1e-5


LOAD = """
import sys
from plmnb.hub import HubError, load_stock
for call in sys.argv[1:]:
    name, _, revision = call.partition("@")
    try:
        model, tokenizer = load_stock(name, revision=revision or None)
        print(call, "loaded", float(model.bias[0]), tokenizer.get_vocab_size())
    except HubError as error: print(call, "HubError", error)
"""


def in_a_process(code, *arguments, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy") and name not in ("HF_TOKEN", "HF_HUB_OFFLINE")}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**clean, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **{name: str(value) for name, value in environment.items()}})


def said(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out.strip()


@pytest.fixture
def published(models, tmp_path):
    "One model in two revisions, one that names code, one without safetensors, on a server."
    root = tmp_path / "hub"
    for revision, bias in (("main", 1.0), ("v2", 2.0)):
        with torch.no_grad(): models["bert"].bias.fill_(bias)
        folder_of(models["bert"], root / "someone" / "bert" / revision)
    good = root / "someone" / "bert" / "main"
    (good / "modeling.py").write_text("raise SystemExit('foreign code ran')")
    (good / "pytorch_model.bin").write_bytes(b"a pickle")
    for name in ("coded", "pickled"): shutil.copytree(good, root / "someone" / name / "main")
    config = root / "someone" / "coded" / "main" / "config.json"
    config.write_text(config.read_text().replace("{", '{"auto_map": {"AutoModel": "modeling.Model"},', 1))
    (root / "someone" / "pickled" / "main" / "model.safetensors").unlink()
    with StandInHub(root) as server: yield server


def test_from_the_hub(published, tmp_path):
    wanted = {"someone/bert": "loaded 1.0 ", "someone/bert@v2": "loaded 2.0 ", "someone/bert@v3": "HubError someone/bert, revision v3: it has no such revision",
              "someone/nobody": "HubError someone/nobody: the Hub has no such public model", "someone/coded": "auto_map", "someone/pickled": "no model.safetensors"}
    lines = said(in_a_process(LOAD, *wanted, HF_ENDPOINT=published.url, HF_HOME=tmp_path / "home")).splitlines()
    assert len(lines) == len(wanted)
    for line, (call, words) in zip(lines, wanted.items()): assert line.startswith(call) and words in line, line
    fetched = {path.rsplit("/", 1)[1] for method, path, status in published.log if method == "GET" and "/resolve/" in path and status == 200}
    assert "modeling.py" not in fetched and "pytorch_model.bin" not in fetched
    assert not any("coded" in path and path.endswith("safetensors") for _, path, _ in published.log)   # refused before the weights were fetched


def test_offline_and_unreachable(published, tmp_path):
    at = dict(HF_ENDPOINT=published.url, HF_HOME=tmp_path / "home")
    assert "loaded 1.0" in said(in_a_process(LOAD, "someone/bert", **at))
    published.__exit__()
    cached, offline = in_a_process(LOAD, "someone/bert", "someone/bert@v2", **at), in_a_process(LOAD, "someone/bert", "someone/bert@v2", **at, HF_HUB_OFFLINE=1)
    for process in (cached, offline):
        first, second = said(process).splitlines()
        assert "loaded 1.0" in first and "someone/bert, revision v2: the Hub cannot be reached, and the model is not in the cache" in second


FOLDER = """
import os, sys
from plmnb.hub import HubError, commit_of, model_folder, origin_of
for call in sys.argv[1:]:
    try:
        folder = model_folder(call)
        assert origin_of(folder) == "someone/bert@" + commit_of(folder), origin_of(folder)
        print(call, "at", commit_of(folder)[:6], sorted(path.name for path in folder.iterdir()), (folder / "model.safetensors").stat().st_size)
    except HubError as error: print(call, "HubError", error)
"""


@pytest.mark.parametrize("planted, words", [
    ([["model.safetensors", "500", 2]], "at"), ([["model.safetensors", "cut", 1]], "at"), ([["config.json", "500", 1]], "at"), ([["/revision/", "500", 2]], "at"),
    ([["config.json", "500", 99]], "cannot be reached"), ([["/config.json", "wrong", 1]], "are not those that the Hub has"), ([["/tree/", "500", 99]], "cannot be reached"), ([["model.safetensors", "wrong", 1]], "are not those that the Hub has"), ([["model.safetensors", "slow", 99]], "")], ids=lambda value: str(value)[:40])
def test_a_fault_on_the_way_leaves_nothing_half_done(planted, words, published, tmp_path):
    "Whatever happens to the first call, the second gives the right bytes."
    published.faults[:] = planted
    at = dict(HF_ENDPOINT=published.url, HF_HOME=tmp_path / "home", HF_HUB_DOWNLOAD_TIMEOUT=1, HF_HUB_ETAG_TIMEOUT=1, HF_TOKEN="hf_secret")
    first = said(in_a_process(FOLDER, "hub:someone/bert", **at)).splitlines()[-1]
    assert words in first and "hf_secret" not in first and ("HubError" in first) == (words != "at"), first
    published.faults.clear()
    second = said(in_a_process(FOLDER, "hub:someone/bert", **at)).splitlines()[-1]
    assert " at " in second and second.endswith(str((published.server.root / "someone" / "bert" / "main" / "model.safetensors").stat().st_size))
    snapshot = next((tmp_path / "home").rglob("model.safetensors"))
    assert snapshot.read_bytes() == (published.server.root / "someone" / "bert" / "main" / "model.safetensors").read_bytes()


def test_gated_revisions_code_and_the_token(published, tmp_path):
    published.server.gated["someone/bert"] = "hf_reader"
    at = dict(HF_ENDPOINT=published.url, HF_HOME=tmp_path / "home")
    assert "it is gated: accept its terms" in said(in_a_process(FOLDER, "someone/bert", **at))
    wrong = said(in_a_process(FOLDER, "someone/bert", **at, HF_TOKEN="hf_stranger"))
    assert "gated" in wrong and "hf_stranger" not in wrong
    assert " at " in said(in_a_process(FOLDER, "someone/bert@v2", **at, HF_TOKEN="hf_reader")) and "Bearer hf_reader" in published.server.tokens
    published.server.gated.clear()
    lines = said(in_a_process(FOLDER, "hub:someone/coded", "hub:someone/pickled@main", "hub:someone/bert@v9", "hub:bert", **at)).splitlines()
    for line, words in zip(lines, ("auto_map", "no model.safetensors", "no such revision", "no name of a model")): assert words in line
    commit = said(in_a_process(FOLDER, "someone/bert", **at)).split(" at ")[1][:6]
    published.__exit__()
    assert commit in said(in_a_process(FOLDER, "someone/bert", **at, HF_HUB_OFFLINE=1))


PRETRAIN = """
import sys
from plmnb.core import rng_state
from plmnb.hub import load_stock, pretrained_checkpoint
before = rng_state()
print(pretrained_checkpoint(sys.argv[2], text=sys.argv[1], scale="tiny", device="cpu", progress=False), flush=True)
assert rng_state() == before
"""


@pytest.fixture
def text(tmp_path):
    import random
    draw = random.Random(0)
    words = "the a of list tuple key value returns raises file error when if item each new old name path".split()
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(" ".join(draw.choices(words, k=40)) for _ in range(120)))
    return path


def test_one_process_trains_and_the_others_wait(text, tmp_path):
    said_by = [said(p) for p in [in_a_process(PRETRAIN, text, "bert", PLMNB_HOME=tmp_path / "home") for _ in range(2)]]
    assert len({lines.splitlines()[-1] for lines in said_by}) == 1
    assert sum("Waiting" in lines or "Found" in lines for lines in said_by) == 1
    assert said(in_a_process(PRETRAIN, text, "bert", PLMNB_HOME=tmp_path / "home")).splitlines()[:-1] == [f"Found {Path(said_by[0].splitlines()[-1]).parent.name}."]
    folder = Path(said_by[0].splitlines()[-1])
    assert type(transformers.AutoModelForMaskedLM.from_pretrained(folder)).__name__ == "BertForMaskedLM"
    assert transformers.AutoTokenizer.from_pretrained(folder)("the list").input_ids[0] == 2


def test_a_killed_run_goes_on_to_the_same_weights(text, tmp_path):
    whole = in_a_process(PRETRAIN, text, "modern", PLMNB_HOME=tmp_path / "whole")
    killed = in_a_process(PRETRAIN, text, "modern", PLMNB_HOME=tmp_path / "killed")
    deadline = time.monotonic() + 200
    while not list((tmp_path / "killed").glob("pretrained/*/step-*")) and killed.poll() is None: assert time.monotonic() < deadline; time.sleep(0.02)
    killed.kill()
    killed.communicate()
    unbroken = said(whole).splitlines()[-1]
    *before, folder = said(in_a_process(PRETRAIN, text, "modern", PLMNB_HOME=tmp_path / "killed")).splitlines()
    assert any(line.startswith(("Going on with", "Found")) for line in before)   # Found: it was killed after its last step
    assert (Path(folder) / "model.safetensors").read_bytes() == (Path(unbroken) / "model.safetensors").read_bytes()


def test_an_unsupported_class_is_refused(models):
    with pytest.raises(HubError, match="load the model as BertForMaskedLM, ModernBertForMaskedLM, .* or BartForConditionalGeneration"):
        from_stock(transformers.BertForSequenceClassification(stock_config(models["bert"].config)))
