"The lines that everybody writes, as they stand in the fine-tuning chapter, with stock classes and nothing of ours in the process."
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers

from plmnb.finetuning import FinetuneConfig, muon_and_adamw
from plmnb.hub import save_stock
from plmnb.tokenizer import train_wordpiece
from plmnb.transformer import MaskedLM, bert_config

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = ROOT / "nbs" / "4_finetuning" / "42_finetuning.ipynb"

BEFORE = """
import sys
from pathlib import Path
import datasets
from transformers import AutoTokenizer, BertForSequenceClassification, Trainer, TrainingArguments
folder, names, run = Path(sys.argv[2]), ["cold", "warm"], type("Run", (), {"device": "cpu"})
checkpoints, as_documented = {"bert": sys.argv[1]}, {}
rows = {"text": ["rain and snow fall", "the sun is hot"] * 24, "label": [0, 1] * 24}
chosen = datasets.Dataset.from_dict(rows)
topic = {"validation": chosen.select(range(16))}
def trainer_metrics(scored): return {"accuracy": float((scored.predictions.argmax(-1) == scored.label_ids).mean())}
"""
AFTER = """
assert "plmnb" not in sys.modules and type(model) is BertForSequenceClassification
assert trainer.state.num_train_epochs == 3 and trainer.state.global_step == 9 and 0 <= as_documented["bert"] <= 1
trainer.save_model(folder / "kept")
assert BertForSequenceClassification.from_pretrained(folder / "kept").config.num_labels == 2
print("ran to its end")
"""


def standard_lines():
    "The cell of the chapter, word by word, without the magic that keeps its log out of the page."
    cells = ["".join(cell["source"]) for cell in json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    return next(cell for cell in cells if "BertForSequenceClassification.from_pretrained(checkpoint" in cell and "TrainingArguments(output_dir" in cell).removeprefix("%%capture\n")


def test_the_chapter_writes_them_as_everybody_does():
    lines = standard_lines()
    for part in ("BertForSequenceClassification.from_pretrained(", "TrainingArguments(output_dir=", "num_train_epochs=3", "per_device_train_batch_size=16", "per_device_eval_batch_size=16",
                 "Trainer(model=model, args=args, train_dataset=", "eval_dataset=", "trainer.train()"): assert part in lines, part
    assert not re.search(r"plmnb|finetune_classifier", lines)


def test_they_run_with_stock_classes_alone(tmp_path):
    tokenizer = train_wordpiece(["rain and snow fall", "the sun is hot"] * 5, 60)
    checkpoint = save_stock(MaskedLM(bert_config(tokenizer.get_vocab_size(), d_model=16, n_layers=1, n_heads=2, d_ff=32, max_len=32)), tokenizer, tmp_path / "bert")
    program = tmp_path / "program.py"
    program.write_text(BEFORE + standard_lines() + AFTER)
    done = subprocess.run([sys.executable, str(program), str(checkpoint), str(tmp_path / "out")], capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert done.returncode == 0 and "ran to its end" in done.stdout, done.stderr[-2000:]


SHAPES = {"bert": ("AutoModelForSequenceClassification", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)),
          "modernbert": ("AutoModelForTokenClassification", dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, pad_token_id=0, global_attn_every_n_layers=1)),
          "distilbert": ("AutoModelForQuestionAnswering", dict(dim=16, n_layers=2, n_heads=2, hidden_dim=32)),
          "gpt2": ("AutoModelForCausalLM", dict(n_embd=16, n_layer=2, n_head=2)),
          "bart": ("AutoModelForSeq2SeqLM", dict(d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32))}


@pytest.mark.parametrize("kind", SHAPES)
def test_muon_takes_the_matrices_of_the_blocks_and_adamw_the_rest(kind):
    "In each family of stock classes, every weight once; and the parts go by the rates that a schedule has set."
    stock, shape = SHAPES[kind]
    model = getattr(transformers, stock).from_config(transformers.AutoConfig.for_model(kind, vocab_size=50, **shape))
    both = muon_and_adamw(model, FinetuneConfig(lr=1e-3, muon_lr=0.01))
    assert [group["lr"] for group in both.param_groups] == [0.01, 1e-3]
    names = {id(p): name for name, p in model.named_parameters()}
    inside, rest = ([names[id(p)] for p in group["params"]] for group in both.param_groups)
    assert sorted(inside + rest) == sorted(names.values())
    layers = re.compile(r"\.(layers?|h)\.\d+\.")
    assert sorted(inside) == sorted(name for name, p in model.named_parameters() if p.ndim == 2 and layers.search(name)) != []
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for p in model.parameters(): p.grad = torch.ones_like(p)
    both.load_state_dict(both.state_dict())                                   # what accelerate does when it takes an optimizer
    for group in both.param_groups: group["lr"] = 0.0
    both.step()
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
    for group in both.param_groups: group["lr"] = 1e-3
    both.step()
    assert all(not torch.equal(p, before[name]) for name, p in model.named_parameters())
