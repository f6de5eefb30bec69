"Oracles of chapter 22: losses of torch and 🤗 transformers, the collators and tokenizers of 🤗, scikit-learn, and chi-square tests of SciPy."
import math

import numpy as np
import scipy.stats
import torch
import torch.nn.functional as F
import torchmetrics.functional.text
from hypothesis import strategies as st
from sklearn.metrics import log_loss
from tokenizers import Tokenizer, models
from transformers import DataCollatorForLanguageModeling, DataCollatorWithFlattening, PreTrainedTokenizerFast
from transformers.loss.loss_utils import ForCausalLMLoss, ForMaskedLMLoss
from transformers.models.bart.modeling_bart import shift_tokens_right
from transformers.models.clip import modeling_clip
from transformers.trainer_pt_utils import LabelSmoother

from . import SEEDS, compare, differing, generator, oracle, tensors

UNPROVED = {"EmptyTargetError": "an error; its case is in the chapter"}
SPECIAL, MASK, VOCABULARY = 5, 4, 200
WORDS = {**{name: i for i, name in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])}, **{f"w{i}": i for i in range(SPECIAL, VOCABULARY)}}
SMALL = st.integers(1, 6)


def surprise(p): return -math.log10(max(p, 1e-300))


def draw_labels(draw, shape, V, holes=True):
    "Token ids below V, some of them −100 where `holes`, not all."
    labels = torch.randint(V, shape, generator=generator(draw))
    if not holes: return labels
    labels[torch.rand(shape, generator=generator(draw)) < draw(st.sampled_from([0.0, 0.5]))] = -100
    labels[0, 0] = 0
    return labels


@oracle("objectives.mlm_loss", by="🤗 ForMaskedLMLoss")
def mlm_by_transformers(m, draw, dtype):
    M, V = draw(SMALL), draw(SMALL)
    [scores], labels = tensors(draw, dtype, (M, V)), torch.randint(V, (M,), generator=generator(draw))
    ours = [m.objectives.mlm_loss(scores, labels), m.objectives.mlm_loss(scores, labels, reduction="sum") / M]
    return compare(ours, [ForMaskedLMLoss(scores, labels, V)] * 2, [scores])


@oracle("objectives.mlm_loss", by="sklearn.metrics.log_loss")
def mlm_by_sklearn(m, draw, dtype):
    M, V = draw(SMALL), draw(st.integers(2, 6))
    [scores], labels = tensors(draw, dtype, (M, V)), torch.randint(V, (M,), generator=generator(draw))
    theirs = log_loss(labels, scores.detach().double().softmax(-1), labels=range(V))
    return compare(m.objectives.mlm_loss(scores, labels).double(), torch.tensor(theirs))


@oracle("objectives.chunked_loss", by="F.cross_entropy of F.linear")
def chunks_by_torch(m, draw, dtype):
    M, D, V = draw(SMALL), draw(SMALL), draw(SMALL)
    hidden, weight, bias = tensors(draw, dtype, (M, D), (V, D), (V,))
    labels, bias = torch.randint(V, (M,), generator=generator(draw)), bias if draw(st.booleans()) else None
    ours = m.objectives.chunked_loss(hidden, weight, labels, bias_V=bias, chunk=draw(SMALL))
    return compare(ours, F.cross_entropy(F.linear(hidden, weight, bias), labels), [hidden, weight] + ([] if bias is None else [bias]))


@oracle("objectives.perplexity", "objectives.mlm_loss", by="torchmetrics perplexity")
def perplexity_by_torchmetrics(m, draw, dtype):
    M, V = draw(SMALL), draw(SMALL)
    [scores], labels = tensors(draw, dtype, (M, V)), torch.randint(V, (M,), generator=generator(draw))
    ours = m.objectives.perplexity(m.objectives.mlm_loss(scores, labels))
    return compare(torch.as_tensor(ours).float(), torchmetrics.functional.text.perplexity(scores[None], labels[None]).float())


@oracle("objectives.bits", "objectives.bits_per_character", by="scipy.stats.entropy, base 2")
def bits_by_scipy(m, draw, dtype):
    shares = np.random.default_rng(draw(SEEDS)).dirichlet(np.ones(draw(SMALL)))
    tokens, characters = draw(st.integers(1, 100)), draw(st.integers(1, 500))
    nats, theirs = scipy.stats.entropy(shares), scipy.stats.entropy(shares, base=2)
    ours = [m.objectives.bits(nats), m.objectives.bits_per_character(nats, tokens, characters)]
    return compare([torch.tensor(float(x)) for x in ours], [torch.tensor(float(x)) for x in (theirs, theirs * tokens / characters)])


@oracle("objectives.nsp_loss", by="🤗 ForMaskedLMLoss with two words, sklearn.metrics.log_loss")
def nsp_by_sklearn(m, draw, dtype):
    B = draw(st.integers(2, 6))
    [scores], labels = tensors(draw, dtype, (B, 2)), torch.randint(2, (B,), generator=generator(draw))
    values, gradients = compare(m.objectives.nsp_loss(scores, labels), ForMaskedLMLoss(scores, labels, 2), [scores])
    theirs = torch.tensor(log_loss(labels, scores.detach().double().softmax(-1), labels=[0, 1]))
    return max(values, compare(m.objectives.nsp_loss(scores, labels).double(), theirs)[0]), gradients


@oracle("objectives.causal_loss", by="🤗 ForCausalLMLoss")
def causal_by_transformers(m, draw, dtype):
    B, T, V = draw(SMALL), draw(st.integers(2, 6)), draw(SMALL)
    [scores], ids = tensors(draw, dtype, (B, T, V)), torch.randint(V, (B, T), generator=generator(draw))
    real = torch.arange(T) < torch.randint(2, T + 1, (B, 1), generator=generator(draw)) if draw(st.booleans()) else None
    labels = ids if real is None else ids.masked_fill(~real, -100)
    n = int((labels[:, 1:] != -100).sum())
    ours = [m.objectives.causal_loss(scores, ids, attention_BT=real), m.objectives.causal_loss(scores, ids, attention_BT=real, reduction="sum") / n]
    return compare(ours, [ForCausalLMLoss(scores, labels, V)] * 2, [scores])


@oracle("objectives.next_tokens", by="🤗 DataCollatorWithFlattening, one place later")
def next_by_collator(m, draw, dtype):
    row = draw(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=4))
    pad = draw(st.integers(0, 3))
    theirs = DataCollatorWithFlattening(return_tensors="pt")([{"input_ids": ids} for ids in row])["labels"]
    ids = torch.tensor([sum(row, []) + [0] * pad])
    documents = torch.tensor([[i for i, part in enumerate(row) for _ in part] + [-1] * pad])
    both = draw(st.sampled_from([{}, {"attention_BT": documents >= 0}]))
    return differing(m.objectives.next_tokens(ids, documents_BT=documents, **both), F.pad(theirs, (0, pad + 1), value=-100)[:, 1:])


@oracle("objectives.causal_loss", "objectives.next_tokens", by="🤗 ForCausalLMLoss on packed documents")
def packed_causal_by_transformers(m, draw, dtype):
    row = draw(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=1, max_size=4).filter(lambda row: max(map(len, row)) > 1))
    batch = DataCollatorWithFlattening(return_tensors="pt")([{"input_ids": ids} for ids in row])
    [scores] = tensors(draw, dtype, (*batch["input_ids"].shape, 6))
    documents = torch.tensor([[i for i, part in enumerate(row) for _ in part]])
    return compare(m.objectives.causal_loss(scores, batch["input_ids"], documents_BT=documents), ForCausalLMLoss(scores, batch["labels"], 6), [scores])


@oracle("objectives.shift_right", by="🤗 shift_tokens_right of BART")
def shift_by_bart(m, draw, dtype):
    labels, pad, start = draw_labels(draw, (draw(SMALL), draw(SMALL)), 9), draw(st.integers(0, 9)), draw(st.integers(0, 9))
    return differing(m.objectives.shift_right(labels, start_id=start, pad_id=pad), shift_tokens_right(labels, pad, start))


@oracle("objectives.seq2seq_loss", by="F.cross_entropy, label_smoothing")
def seq2seq_by_torch(m, draw, dtype):
    B, T, V, smoothing = draw(SMALL), draw(SMALL), draw(SMALL), draw(st.sampled_from([0.0, 0.1, 0.5]))
    [scores], labels = tensors(draw, dtype, (B, T, V)), draw_labels(draw, (B, T), V)
    theirs = F.cross_entropy(scores.flatten(0, 1), labels.flatten(), ignore_index=-100, label_smoothing=smoothing)
    return compare(m.objectives.seq2seq_loss(scores, labels, smoothing=smoothing), theirs, [scores])


@oracle("objectives.seq2seq_loss", by="🤗 LabelSmoother", dtypes=(torch.float32,))
def seq2seq_by_smoother(m, draw, dtype):
    B, T, V, smoothing = draw(SMALL), draw(SMALL), draw(SMALL), draw(st.sampled_from([0.0, 0.1, 0.5]))
    [scores], labels = tensors(draw, dtype, (B, T, V)), draw_labels(draw, (B, T), V)
    return compare(m.objectives.seq2seq_loss(scores, labels, smoothing=smoothing), LabelSmoother(smoothing)({"logits": scores}, labels), [scores])


@oracle("objectives.info_nce_loss", by="🤗 contrastive loss of CLIP")
def pairs_by_clip(m, draw, dtype):
    N, D, temperature = draw(st.integers(2, 6)), draw(st.integers(2, 6)), draw(st.sampled_from([0.1, 0.5, 1.0]))
    firsts, seconds = tensors(draw, dtype, (N, D), (N, D))
    unit = [x / x.norm(dim=-1, keepdim=True) for x in (firsts, seconds)]
    scores = unit[1] @ unit[0].T / temperature
    return compare(m.objectives.info_nce_loss(firsts, seconds, temperature), modeling_clip.image_text_contrastive_loss(scores), [firsts, seconds])
