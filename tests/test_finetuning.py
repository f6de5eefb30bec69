"The lines that everybody writes, as they stand in the fine-tuning chapter, with stock classes and nothing of ours in the process."
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
