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
from tokenizers.processors import BertProcessing
from transformers import DataCollatorForLanguageModeling, DataCollatorWithFlattening, PreTrainedTokenizerFast
from transformers.loss.loss_utils import ForCausalLMLoss, ForMaskedLMLoss
from transformers.models.bart.modeling_bart import shift_tokens_right
from transformers.models.clip import modeling_clip
from transformers.trainer_pt_utils import LabelSmoother

from . import SEEDS, compare, differing, generator, oracle, tensors

UNPROVED = {"EmptyTargetError": "an error; when it is raised is what the oracle of `check_labels` says", "LabelError": "an error, as `EmptyTargetError`",
            "check_selection": "raises errors; its cases are in the chapter"}
# through these no gradient flows: masks, choices, counts, and what is for writing only
FLAT = set("""at_least_one at_least_single bits bits_per_character check_labels corrupt_tokens cut_pair end_of_run mask_tokens pair_from perplexity select_spans
        select_tokens select_words sentence_pairs shift_right span_lengths within word_beginnings""".split())
SPECIAL, MASK, VOCABULARY = 5, 4, 200
WORDS = {name: i for i, name in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(str, range(SPECIAL, VOCABULARY))])}
SMALL, SINGLE = st.integers(1, 6), (torch.float32,)  # 🤗 computes its losses in single precision


def surprise(*p):
    "How unlikely the counts are: −log₁₀ of the smallest p value."
    return -math.log10(max(min(p), 1e-300)), None


def agree(counts, chances):
    "The p value of counts under chances that sum to 1."
    return scipy.stats.chisquare(counts, np.asarray(chances) * np.sum(counts)).pvalue


def draw_labels(draw, shape, V, holes=True):
    "Token ids below V, some of them −100 where `holes`, not all."
    labels = torch.randint(V, shape, generator=generator(draw))
    if not holes: return labels
    labels[torch.rand(shape, generator=generator(draw)) < draw(st.sampled_from([0.0, 0.5]))] = -100
    labels[0, 0] = 0
    return labels


@oracle("objectives.mlm_loss", by="🤗 ForMaskedLMLoss", dtypes=SINGLE)
def mlm_by_transformers(m, draw, dtype):
    M, V = draw(SMALL), draw(SMALL)
    [scores], labels = tensors(draw, dtype, (M, V)), torch.randint(V, (M,), generator=generator(draw))
    ours = [m.objectives.mlm_loss(scores, labels), m.objectives.mlm_loss(scores, labels, reduction="sum") / M]
    return compare(ours, [ForMaskedLMLoss(scores, labels, V)] * 2, [scores])


@oracle("objectives.mlm_loss", by="sklearn.metrics.log_loss")
def mlm_by_sklearn(m, draw, dtype):
    M, V = draw(SMALL), draw(st.integers(2, 6))
    [scores], labels = tensors(draw, dtype, (M, V)), torch.randint(V, (M,), generator=generator(draw))
    theirs = log_loss(labels, scores.detach().double().softmax(-1).numpy(), labels=range(V))
    return compare(m.objectives.mlm_loss(scores, labels), torch.tensor(theirs, dtype=torch.float64))


@oracle("objectives.check_labels", by="F.cross_entropy: it fails or gives NaN for the same")
def refusals_by_torch_loss(m, draw, dtype):
    M, V = draw(SMALL), draw(SMALL)
    scores = torch.zeros(draw(st.sampled_from([M, M, M + 1])), V, dtype=dtype)
    labels = torch.tensor(draw(st.lists(st.sampled_from([-100, -100, -1, 0, V - 1, V]), min_size=M, max_size=M)))
    labels = labels.to(draw(st.sampled_from([torch.long, torch.long, torch.bool])))
    refused = False
    try: m.objectives.check_labels(scores, labels)
    except (m.objectives.LabelError, m.objectives.EmptyTargetError, m.attention.ShapeError): refused = True
    try: theirs = bool(F.cross_entropy(scores, labels).isnan())
    except (IndexError, ValueError, RuntimeError): theirs = True
    return float(refused != theirs), None


@oracle("objectives.at_least_single", by="torch.promote_types with float32")
def precision_by_torch(m, draw, dtype):
    kind = draw(st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]))
    x = torch.randn(3, generator=generator(draw)).to(kind)
    ours, theirs = m.objectives.at_least_single(x), x.to(torch.promote_types(kind, torch.float32))
    return float(ours.dtype != theirs.dtype or not torch.equal(ours, theirs)), None


@oracle("objectives.chunked_loss", "objectives.ChunkedLoss", by="F.cross_entropy of F.linear")
def chunks_by_torch(m, draw, dtype):
    M, D, V = draw(SMALL), draw(SMALL), draw(SMALL)
    hidden, weight, bias = tensors(draw, dtype, (M, D), (V, D), (V,))
    labels, bias = draw_labels(draw, (1, M), V)[0], bias if draw(st.booleans()) else None
    ours = m.objectives.chunked_loss(hidden, weight, labels, bias_V=bias, chunk=draw(SMALL))
    return compare(ours, F.cross_entropy(F.linear(hidden, weight, bias), labels), [hidden, weight] + ([] if bias is None else [bias]))


@oracle("objectives.perplexity", "objectives.mlm_loss", by="torchmetrics perplexity")
def perplexity_by_torchmetrics(m, draw, dtype):
    M, V = draw(SMALL), draw(SMALL)
    [scores], labels = tensors(draw, dtype, (M, V)), torch.randint(V, (M,), generator=generator(draw))
    ours = m.objectives.perplexity(float(m.objectives.mlm_loss(scores, labels).detach()))
    return compare(torch.as_tensor(ours).float(), torchmetrics.functional.text.perplexity(scores[None], labels[None]).float())


@oracle("objectives.bits", "objectives.bits_per_character", by="scipy.stats.entropy, base 2")
def bits_by_scipy(m, draw, dtype):
    shares = np.random.default_rng(draw(SEEDS)).dirichlet(np.ones(draw(SMALL)))
    tokens, characters = draw(st.integers(1, 100)), draw(st.integers(1, 500))
    nats, theirs = scipy.stats.entropy(shares), scipy.stats.entropy(shares, base=2)
    ours = [m.objectives.bits(nats), m.objectives.bits_per_character(nats, tokens, characters)]
    number = lambda x: torch.tensor(float(x), dtype=torch.float64)
    return compare([number(x) for x in ours], [number(theirs), number(theirs * tokens / characters)])


@oracle("objectives.nsp_loss", by="F.binary_cross_entropy_with_logits of the difference")
def nsp_by_torch(m, draw, dtype):
    B = draw(SMALL)
    [scores], labels = tensors(draw, dtype, (B, 2)), torch.randint(2, (B,), generator=generator(draw))
    theirs = F.binary_cross_entropy_with_logits(scores[:, 1] - scores[:, 0], labels.to(dtype))
    return compare(m.objectives.nsp_loss(scores, labels), theirs, [scores])


@oracle("objectives.causal_loss", by="🤗 ForCausalLMLoss", dtypes=SINGLE)
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


@oracle("objectives.causal_loss", "objectives.next_tokens", by="F.cross_entropy on the labels of 🤗 DataCollatorWithFlattening")
def packed_causal_by_torch(m, draw, dtype):
    row = draw(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=1, max_size=4).filter(lambda row: max(map(len, row)) > 1))
    batch = DataCollatorWithFlattening(return_tensors="pt")([{"input_ids": ids} for ids in row])
    [scores] = tensors(draw, dtype, (*batch["input_ids"].shape, 6))
    documents = torch.tensor([[i for i, part in enumerate(row) for _ in part]])
    theirs = F.cross_entropy(scores[0, :-1], batch["labels"][0, 1:])
    return compare(m.objectives.causal_loss(scores, batch["input_ids"], documents_BT=documents), theirs, [scores])


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


@oracle("objectives.seq2seq_loss", by="🤗 LabelSmoother", dtypes=SINGLE)
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


@oracle("objectives.to_labels", "objectives.IGNORED", "objectives.mlm_loss", by="F.cross_entropy, ignore_index as torch has it")
def labels_by_torch(m, draw, dtype):
    B, T, V = draw(SMALL), draw(SMALL), draw(SMALL)
    [scores], ids = tensors(draw, dtype, (B, T, V)), torch.randint(V, (B, T), generator=generator(draw))
    selected = torch.rand(B, T, generator=generator(draw)) < 0.5
    selected[0, 0] = True
    theirs = F.cross_entropy(scores[selected], ids[selected])
    labels = m.objectives.to_labels(ids, selected)
    return compare([F.cross_entropy(scores.flatten(0, 1), labels.flatten()), m.objectives.mlm_loss(scores, labels)], [theirs, theirs], [scores])


@oracle("objectives.within", by="scipy.stats.binom")
def within_by_scipy(m, draw, dtype):
    random, n = np.random.default_rng(draw(SEEDS)), draw(st.integers(1, 10**6))
    share, expected, sigmas = random.random() * 0.1 + 0.2, random.random() * 0.1 + 0.2, random.random() * 5
    return float(m.objectives.within(share, expected, n, sigmas) != (abs(share * n - n * expected) <= sigmas * scipy.stats.binom(n, expected).std())), None


@oracle("objectives.at_least_one", "objectives.select_tokens", "objectives.mask_tokens", by="numpy.any: a row has a target where it has a word")
def targets_by_numpy(m, draw, dtype):
    ids = torch.randint(3, 8, (draw(SMALL), draw(SMALL)), generator=generator(draw))
    maskable, rate, draws = ids >= SPECIAL, draw(st.sampled_from([0.01, 0.5])), torch.rand(ids.shape, generator=generator(draw))
    one = m.objectives.at_least_one(maskable & (draws < rate), maskable, draws)
    masked = m.objectives.mask_tokens(ids, mask_id=MASK, vocab_size=9, rate=rate, generator=generator(draw))[1]
    rows = [np.any((chosen & maskable).numpy(), -1) for chosen in (one, m.objectives.select_tokens(maskable, rate, generator(draw)), masked)]
    return max(differing(row, np.any(maskable.numpy(), -1))[0] for row in rows), None


@oracle("objectives.select_tokens", by="scipy.stats.chisquare: each with the rate asked for", statistic=True)
def selection_by_chi_square(m, draw, dtype):
    rate, numbers = draw(st.sampled_from([0.05, 0.15, 0.4])), generator(draw)  # one generator: two of one seed would draw the same
    maskable = torch.rand(400, 500, generator=numbers) < draw(st.sampled_from([0.5, 1.0]))
    chosen = m.objectives.select_tokens(maskable, rate, numbers)
    if (chosen & ~maskable).any(): return math.inf, None
    return surprise(agree([int(chosen.sum()), int((maskable & ~chosen).sum())], [rate, 1 - rate]))


@oracle("objectives.corrupt_tokens", by="scipy.stats.chisquare: 80/10/10, and each word as often", statistic=True)
def corruption_by_chi_square(m, draw, dtype):
    words, numbers = VOCABULARY - SPECIAL, generator(draw)
    ids, chosen = torch.randint(SPECIAL, VOCABULARY, (400, 500), generator=numbers), torch.rand(400, 500, generator=numbers) < 0.9
    out = m.objectives.corrupt_tokens(ids, chosen, mask_id=MASK, vocab_size=VOCABULARY, generator=numbers)
    if not torch.equal(out[~chosen], ids[~chosen]): return math.inf, None
    masked, kept = chosen & (out == MASK), chosen & (out == ids)
    strangers = chosen & ~masked & ~kept
    if (out[strangers] < SPECIAL).any(): return math.inf, None
    fates = agree([int(x.sum()) for x in (masked, strangers, kept)], [0.8, 0.1 * (1 - 1 / words), 0.1 + 0.1 / words])
    return surprise(fates, agree(np.bincount(out[strangers], minlength=VOCABULARY)[SPECIAL:], np.ones(words) / words))


def collator(rate):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]")), mask_token="[MASK]", pad_token="[PAD]")
    return DataCollatorForLanguageModeling(tokenizer, mlm_probability=rate)


@oracle("objectives.mask_tokens", by="🤗 DataCollatorForLanguageModeling, scipy.stats.chi2_contingency", statistic=True)
def masking_by_collator(m, draw, dtype):
    rate, numbers = draw(st.sampled_from([0.15, 0.4])), generator(draw)
    ids = torch.randint(0, VOCABULARY, (400, 500), generator=numbers)
    ours, selected = m.objectives.mask_tokens(ids, mask_id=MASK, vocab_size=VOCABULARY, rate=rate, generator=numbers)
    if (selected & (ids < SPECIAL)).any() or not torch.equal(ours[~selected], ids[~selected]): return math.inf, None
    with torch.random.fork_rng():
        torch.manual_seed(draw(SEEDS))
        theirs, labels = collator(rate).torch_mask_tokens(ids.clone(), special_tokens_mask=ids < SPECIAL)
    fates = lambda out, chosen: [int(x.sum()) for x in (chosen & (out == MASK), chosen & (out == ids), chosen, ~chosen & (ids >= SPECIAL))]
    table = np.array([fates(ours, selected), fates(theirs, labels != -100)])
    table[:, 2] -= table[:, :2].sum(1)  # those that became another word
    return surprise(scipy.stats.chi2_contingency(table).pvalue)


def draw_words(draw, numbers, B, T):
    "Which tokens may be hidden, and which begin a word."
    share = lambda p: torch.rand(B, T, generator=numbers) < p
    return share(draw(st.sampled_from([0.8, 1.0]))), share(draw(st.sampled_from([0.3, 0.7])))


def words_of(maskable, starts):
    "A number for each token's word, by NumPy: a run of maskable tokens begins one, too."
    begins = maskable.numpy() & (starts.numpy() | (np.diff(maskable.numpy().astype(int), prepend=0) == 1))
    return begins, np.cumsum(begins.ravel()).reshape(begins.shape) * maskable.numpy()


@oracle("objectives.word_beginnings", "objectives.select_words", by="numpy.diff, cumsum and bincount: words whole or not at all")
def words_by_numpy(m, draw, dtype):
    numbers = generator(draw)
    maskable, starts = draw_words(draw, numbers, draw(SMALL), draw(st.integers(1, 12)))
    begins, word = words_of(maskable, starts)
    hidden = m.objectives.select_words(maskable, starts, draw(st.sampled_from([0.05, 0.3])), numbers).numpy()
    sizes, parts = np.bincount(word.ravel()), np.bincount(word.ravel(), hidden.ravel())
    torn = (parts != 0) & (parts != sizes)
    torn[0] = parts[0] > 0  # 0 is no word: what may not be hidden
    return max(differing(m.objectives.word_beginnings(maskable, starts), begins)[0], float(torn.any()), float((hidden.any(1) != maskable.numpy().any(1)).any())), None


@oracle("objectives.select_words", by="scipy.stats.chisquare: long words as often as short ones", statistic=True)
def word_rate_by_chi_square(m, draw, dtype):
    numbers = generator(draw)
    maskable, starts = draw_words(draw, numbers, 400, 500)
    rate, (_, word) = draw(st.sampled_from([0.1, 0.3])), words_of(maskable, starts)
    hidden = m.objectives.select_words(maskable, starts, rate, numbers).numpy()
    sizes, parts = np.bincount(word.ravel())[1:], np.bincount(word.ravel(), hidden.ravel())[1:]
    tables = [[(parts[sizes == n] > 0).sum(), (parts[sizes == n] == 0).sum()] for n in (1, 2, 3, 4)]
    return surprise(*(agree(counts, [rate, 1 - rate]) for counts in tables))


@oracle("objectives.span_lengths", by="scipy.stats.geom, chisquare", statistic=True)
def span_lengths_by_scipy(m, draw, dtype):
    p, longest = draw(st.sampled_from([0.2, 0.5])), draw(st.integers(2, 10))
    lengths = m.objectives.span_lengths((100, 1000), p, longest, generator(draw))
    chances = scipy.stats.geom(p).pmf(np.arange(1, longest + 1))
    return surprise(agree(np.bincount(lengths.flatten(), minlength=longest + 1)[1:], chances / chances.sum()))


@oracle("objectives.select_spans", by="numpy.floor and ceil of the rate asked for")
def span_budget_by_numpy(m, draw, dtype):
    maskable, rate = torch.rand(draw(SMALL), draw(st.integers(1, 20)), generator=generator(draw)) < 0.8, draw(st.sampled_from([0.05, 0.15, 0.5]))
    hidden = m.objectives.select_spans(maskable, rate, generator(draw))
    asked, given = rate * maskable.sum(1).numpy(), hidden.sum(1).numpy()
    low, high = np.minimum(np.maximum(np.floor(asked), 1), maskable.sum(1).numpy()), np.maximum(np.ceil(asked), maskable.any(1).numpy())
    return float((hidden & ~maskable).any() or (given < low).any() or (given > high).any()), None


@oracle("objectives.select_spans", by="scipy.stats.chisquare: every place as often", statistic=True)
def span_places_by_chi_square(m, draw, dtype):
    T, rate = 12, draw(st.sampled_from([0.25, 0.5]))
    hidden = m.objectives.select_spans(torch.ones(20_000, T, dtype=torch.bool), rate, generator(draw))
    return surprise(*(agree([int(place.sum()), int((~place).sum())], [rate, 1 - rate]) for place in hidden.T))


@oracle("objectives.cut_pair", by="🤗 tokenizers, truncation of the longest first")
def cuts_by_tokenizers(m, draw, dtype):
    first, second = (list(range(start, start + draw(st.integers(1, 12)))) for start in (10, 30))
    room = draw(st.integers(2, 20))
    ours = m.objectives.cut_pair(first, second, room=room, generator=generator(draw))
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.enable_truncation(room, strategy="longest_first")
    theirs = tokenizer.encode([str(i) for i in first], [str(i) for i in second], is_pretokenized=True, add_special_tokens=False)
    kept = [theirs.sequence_ids.count(side) for side in (0, 1)]
    in_one_piece = all(set(part) <= set(whole) and part == list(range(part[0], part[-1] + 1)) for part, whole in zip(ours, (first, second)))
    # an odd token may go to either: ours to the first, theirs to the longer
    return float(sorted(map(len, ours)) != sorted(kept) or not in_one_piece), None


@oracle("objectives.cut_pair", by="scipy.stats.chisquare: from the front as often as from the back", statistic=True)
def cut_sides_by_chi_square(m, draw, dtype):
    n, room = 5000, draw(st.integers(2, 20))
    first, second = m.objectives.cut_pair(range(n), range(n), room=room, generator=generator(draw))
    front = first[0] + second[0]
    return surprise(agree([front, 2 * n - room - front], [0.5, 0.5]))


@oracle("objectives.end_of_run", by="numpy.cumsum and searchsorted")
def runs_by_numpy(m, draw, dtype):
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=8))
    start, room, least = draw(st.integers(0, len(lengths) - 1)), draw(st.integers(0, 20)), draw(st.integers(1, 2))
    enough = np.searchsorted(np.cumsum(lengths[start:]), room) + 1 if room else 0
    theirs = min(len(lengths), start + max(least, int(enough)))
    return float(m.objectives.end_of_run([[7] * n for n in lengths], start, room=room, least=least) != theirs), None


def draw_documents(draw, n):
    "Documents whose tokens say whose they are: token 5 + i belongs to document i."
    numbers = np.random.default_rng(draw(SEEDS))
    return [[[SPECIAL + i] * numbers.integers(1, 4) for _ in range(numbers.integers(2 if i == 0 else 1, 6))] for i in range(n)]


def parts_of(row):
    "What stands between [CLS], [SEP] and [SEP]."
    ends = [i for i, token in enumerate(row) if token == WORDS["[SEP]"]]
    return row[1:ends[0]], row[ends[0] + 1:ends[1]]


@oracle("objectives.sentence_pairs", by="🤗 tokenizers, BertProcessing")
def pairs_by_tokenizers(m, draw, dtype):
    max_len = draw(st.integers(5, 20))
    rows = m.objectives.sentence_pairs(draw_documents(draw, draw(st.integers(2, 5))), max_len=max_len, generator=generator(draw))
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.post_processor = BertProcessing(("[SEP]", WORDS["[SEP]"]), ("[CLS]", WORDS["[CLS]"]))
    tokenizer.enable_padding(length=max_len)
    theirs = [tokenizer.encode(*([str(i) for i in part] for part in parts_of(row)), is_pretokenized=True) for row in rows["ids"].tolist()]
    names = {"ids": "ids", "segments": "type_ids", "attention": "attention_mask"}
    return max(differing(rows[name], torch.tensor([getattr(x, other) for x in theirs]))[0] for name, other in names.items()), None


@oracle("objectives.sentence_pairs", "objectives.pair_from", by="the documents: each token says whose it is")
def pair_labels_by_owner(m, draw, dtype):
    rows = m.objectives.sentence_pairs(draw_documents(draw, draw(st.integers(2, 5))), max_len=draw(st.integers(5, 20)), generator=generator(draw))
    whose = [[set(part) for part in parts_of(row)] for row in rows["ids"].tolist()]
    mixed = any(len(owners) != 1 for pair in whose for owners in pair)
    return max(float(mixed), differing(rows["labels"], torch.tensor([int(first != second) for first, second in whose]))[0]), None


@oracle("objectives.sentence_pairs", "objectives.pair_from", by="scipy.stats.chisquare: half follow, half are strangers", statistic=True)
def pair_shares_by_chi_square(m, draw, dtype):
    rows = m.objectives.sentence_pairs(draw_documents(draw, 1000), max_len=12, generator=generator(draw))
    return surprise(agree(np.bincount(rows["labels"], minlength=2), [0.5, 0.5]))
