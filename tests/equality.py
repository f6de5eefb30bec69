"""Every score of the course beside the library that papers use: `python tests/equality.py` prints the table, on 1,000 random inputs each and on the degenerate ones; `--inputs N` looks longer."""
import argparse
import math
import warnings

import numpy as np

from plmnb import errors, metrics, textmetrics
from plmnb.ideal import chrf

WORDS = ["the", "cat", "sat", "on", "mat", "2,500", "U.S.", "don't", "(so", "said)", "-", "x-ray", "10-year", "a&b", "时间", "end.", "?!", "$5", "it's,", "An", "house"]
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def two_columns(rng): # labels and predictions, often degenerate
    n, c = int(rng.integers(1, 30)), int(rng.integers(1, 6))
    return rng.choice(c, n, p=rng.dirichlet(np.full(c, 0.5))), rng.choice(c, n, p=rng.dirichlet(np.full(c, 0.5)))


def text(rng, low=1): return " ".join(rng.choice(WORDS, rng.integers(low, 9)))
def corpus(rng, n=3): return [text(rng, 0) for _ in range(n)], [[text(rng) for _ in range(2)] for _ in range(n)]
def tagged(rng): return [[list(rng.choice(TAGS, n)) for n in rng.integers(1, 8, 3)] for _ in range(1)][0]


def scikit(name, **more):
    import sklearn.metrics
    return lambda y, p: getattr(sklearn.metrics, name)(y, p, **more)


def averaged(which):
    def theirs(y, p):
        import sklearn.metrics
        return [sklearn.metrics.precision_recall_fscore_support(y, p, average=average, zero_division=0)[which] for average in ("macro", "micro", "weighted")]
    return theirs


def seqeval_f1(strict):
    def theirs(right, made):
        from seqeval.metrics import f1_score, v1
        from seqeval.scheme import IOB2
        if strict: return v1.precision_recall_fscore_support(right, made, average="micro", scheme=IOB2, zero_division=0)[2]
        return f1_score(right, made, zero_division=0)
    return theirs


def changed(rng):
    right = tagged(rng)
    right[0][0] = "B-PER" # seqeval knows no data without a name
    return right, [[tag if rng.random() < 0.6 else str(rng.choice(TAGS)) for tag in row] for row in right]


def squad(answers, references):
    from torchmetrics.text import SQuAD
    found = SQuAD()([{"prediction_text": a, "id": str(i)} for i, a in enumerate(answers)], [{"answers": {"answer_start": [0] * len(r), "text": r}, "id": str(i)} for i, r in enumerate(references)])
    return [float(found["exact_match"]) / 100, float(found["f1"]) / 100]


def sacre(name, **more):
    def theirs(said, right):
        import sacrebleu
        return getattr(sacrebleu, name)(said, list(map(list, zip(*right))), **more).score
    return theirs


def rouge_of(a, b):
    from torchmetrics.text import ROUGEScore
    found = ROUGEScore(rouge_keys=("rouge1", "rouge2", "rougeL"), use_stemmer=False)(a, b)
    return [float(found[f"{name}_fmeasure"]) for name in ("rouge1", "rouge2", "rougeL")]


def retrieved(scores, relevant):
    import torch
    from sklearn.metrics import ndcg_score
    from torchmetrics.functional.retrieval import retrieval_recall, retrieval_reciprocal_rank
    preds, target = torch.tensor(scores + 1), torch.tensor(relevant)
    return [float(retrieval_reciprocal_rank(preds, target)), float(retrieval_recall(preds, target, top_k=2)), float(ndcg_score(relevant[None].astype(int), scores[None]))]


def a_list(rng):
    relevant = rng.random(n := int(rng.integers(2, 12))) < 0.4
    relevant[rng.integers(n)] = True
    return rng.permutation(n).astype(float), relevant


def believed(rng):
    n, c = int(rng.integers(1, 60)), int(rng.integers(2, 6))
    return rng.integers(0, c, n), rng.dirichlet(np.full(c, 0.7), n)


def calibration_of(y, p):
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error
    return float(multiclass_calibration_error(torch.tensor(p), torch.tensor(y), p.shape[1], n_bins=10, norm="l1"))


def numbers(rng): return rng.integers(0, 6, n := int(rng.integers(3, 30))) / 2 + np.arange(n) % 2, rng.normal(size=n).round(1) + np.arange(n) % 3


def number_oracles(y, p):
    from scipy import stats
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
    return [mean_absolute_error(y, p), root_mean_squared_error(y, p), r2_score(y, p), stats.pearsonr(y, p).statistic, stats.spearmanr(y, p).statistic]


def sets(rng):
    n, c = int(rng.integers(1, 9)), 4
    return [np.flatnonzero(rng.random(c) < rng.random()).tolist() for _ in range(n)], [np.flatnonzero(rng.random(c) < rng.random()).tolist() for _ in range(n)]


def set_oracles(y, p):
    from sklearn.metrics import accuracy_score, f1_score
    y, p = metrics.label_sets(y, 4), metrics.label_sets(p, 4)
    return [f1_score(y, p, average="micro", zero_division=0), f1_score(y, p, average="macro", zero_division=0), accuracy_score(y, p)]


def coins(rng): return rng.integers(0, 2, n := int(rng.integers(1, 40))), rng.integers(0, 2, n), rng.integers(0, 2, n)


def binomial(y, a, b):
    from scipy.stats import binomtest
    wins, losses = int(((a == y) & (b != y)).sum()), int(((a != y) & (b == y)).sum())
    return binomtest(wins, wins + losses).pvalue if wins + losses else 1.0


three = lambda metric: lambda y, p: [metric(y, p, average=average) for average in ("macro", "micro", "weighted")]
one, none = (np.array([0]), np.array([0])), (np.array([0, 0, 0]), np.array([1, 1, 1]))
ROWS = [ # our function, its oracle, random inputs, degenerate inputs, largest difference that is allowed
    ("accuracy", metrics.accuracy, "sklearn.accuracy_score", scikit("accuracy_score"), two_columns, [one, none], 1e-12),
    ("precision (macro, micro, weighted)", three(metrics.precision), "sklearn", averaged(0), two_columns, [one, none], 1e-12),
    ("recall (macro, micro, weighted)", three(metrics.recall), "sklearn", averaged(1), two_columns, [one, none], 1e-12),
    ("f1 (macro, micro, weighted)", three(metrics.f1), "sklearn", averaged(2), two_columns, [one, none], 1e-12),
    ("matthews", metrics.matthews, "sklearn.matthews_corrcoef", scikit("matthews_corrcoef"), two_columns, [one, none], 1e-12),
    ("mcnemar", lambda y, a, b: metrics.mcnemar(y, a, b)[2], "scipy.binomtest", binomial, coins, [(np.array([1]),) * 3], 1e-9),
    ("set_scores", lambda y, p: list(metrics.set_scores(y, p, 4).values()), "sklearn", set_oracles, sets, [([[]], [[]]), ([[0]], [[]])], 1e-12),
    ("number_scores", lambda y, p: list(metrics.number_scores(y, p).values()), "sklearn, scipy", number_oracles, numbers, [], 1e-9),
    ("calibration_error", errors.calibration_error, "torchmetrics", calibration_of, believed, [(np.array([0]), np.array([[1.0, 0.0]]))], 1e-6),
    ("entity_f1", textmetrics.entity_f1, "seqeval, lenient", seqeval_f1(False), changed, [([["B-PER"]], [["O"]])], 1e-12),
    ("entity_f1 (strict)", lambda y, p: textmetrics.entity_f1(y, p, strict=True), "seqeval, IOB2", seqeval_f1(True), changed, [([["B-PER"]], [["I-PER"]])], 1e-12),
    ("answer_scores (EM, F1)", lambda a, r: list(textmetrics.answer_scores(a, r).values()), "torchmetrics.SQuAD", squad, lambda rng: ([f"house {text(rng)}" for _ in range(2)], [[f"cat {text(rng)}" for _ in range(2)] for _ in range(2)]), [(["x"], [["x", "y"]])], 1e-6),
    ("bleu (13a)", textmetrics.bleu, "sacrebleu", sacre("corpus_bleu"), corpus, [([""], [["a", "b"]]), (["the"], [["the", "the"]])], 1e-9),
    ("bleu (characters)", lambda a, r: textmetrics.bleu(a, r, tokenizer="char"), "sacrebleu", sacre("corpus_bleu", tokenize="char"), corpus, [(["时间"], [["时间", "时"]])], 1e-9),
    ("chrf", lambda a, r: 100 * chrf(a, [row[0] for row in r]), "sacrebleu", lambda a, r: sacre("corpus_chrf")(a, [row[:1] for row in r]), corpus, [(["a"], [["b"]])], 1e-9),
    ("rouge (1, 2, L)", lambda a, b: list(textmetrics.rouge(a, b).values()), "torchmetrics.ROUGEScore", rouge_of, lambda rng: (text(rng), text(rng)), [("", "the"), ("the", "the")], 1e-6),
    ("reciprocal_rank, recall_at, ndcg", lambda s, r: [textmetrics.reciprocal_rank(s, r), textmetrics.recall_at(s, r, 2), textmetrics.ndcg(s, r)], "torchmetrics, sklearn", retrieved, a_list, [(np.array([1.0, 0.0]), np.array([True, True]))], 1e-6),
]


def compared(n:int, seed:int=0):
    "(name, oracle, inputs, largest difference, allowed) of each row."
    for name, ours, called, theirs, draw, degenerate, allowed in ROWS:
        rng = np.random.default_rng([seed, len(name)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore") # libraries warn of 0/0
            inputs = [*degenerate, *(draw(rng) for _ in range(n))]
            gap = max(float(np.abs(np.asarray(ours(*given), float) - np.asarray(theirs(*given), float)).max()) for given in inputs)
        assert not math.isnan(gap), name
        yield name, called, len(inputs), gap, allowed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000)
    wrong = 0
    print(f"{'score':36} {'oracle':26} {'inputs':>7} {'difference':>11}")
    for name, called, n, gap, allowed in compared(parser.parse_args().inputs):
        print(f"{name:36} {called:26} {n:7,} {gap:11.0e}" + (f"   more than {allowed:.0e}" if gap > allowed else ""), flush=True)
        wrong += gap > allowed
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__": main()
