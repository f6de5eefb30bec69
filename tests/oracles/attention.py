"Oracles of chapter 20: torch's own attention, 🤗 transformers, SciPy and NumPy."
import math

import numpy as np
import scipy.linalg
import scipy.special
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import nn
from torch.nn.attention.bias import causal_lower_right
from torch.utils.flop_counter import FlopCounterMode
from transformers import DataCollatorWithFlattening, DynamicCache
from transformers.models.bert.modeling_bert import eager_attention_forward
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.llama.modeling_llama import LlamaConfig, LlamaRotaryEmbedding, apply_rotary_pos_emb, repeat_kv
from transformers.models.speecht5.modeling_speecht5 import SpeechT5ScaledPositionalEncoding

from . import compare, differing, generator, oracle, tensors

UNPROVED = {"ShapeError": "an error; when it is raised is what the oracle of `check_shapes` says", "GradientError": "an error; its case is in the chapter",
            "ExtraError": "an error; its case is in the chapter", "draw_heads": "draws; the chapter shows it", "explore_heads": "a widget; the chapter shows it"}
# through these no gradient flows: masks, choices, counts, and what is for writing only
FLAT = set("""KeyValueCache alibi_slopes attention_flops causal_mask check_shapes document_mask document_positions padding_mask sinusoidal_positions window_mask""".split())
SMALL, SINGLE = st.integers(1, 6), (torch.float32,)


def shapes(draw): return [draw(SMALL) for _ in range(6)]  # B, H, T, S, K, and the width of the values


def draw_mask(draw, shape, *, empty):
    "None, or True where a query may look; some dimensions 1; rows without any key only where `empty`."
    if not draw(st.booleans()): return None
    shape = [size if draw(st.integers(0, 3)) else 1 for size in shape]
    mask = torch.rand(shape, generator=generator(draw)) < draw(st.sampled_from([0.2, 0.7]))
    if not empty: mask[..., 0] = True
    return mask


def draw_bias(draw, dtype, shape):
    "None, or numbers to add, some of them −∞: the numbers, and what is added."
    if not draw(st.booleans()): return None, None
    [numbers] = tensors(draw, dtype, shape if draw(st.booleans()) else shape[1:])
    hidden = torch.rand(numbers.shape, generator=generator(draw)) < draw(st.sampled_from([0.0, 0.3]))
    hidden[..., 0] = False
    return numbers, numbers.masked_fill(hidden, -math.inf)


def their_bias(mask, bias, shape, dtype):
    "Mask and bias in the one form that torch and 🤗 both take: numbers added to the scores."
    added = torch.zeros(shape, dtype=dtype) if bias is None else bias.expand(shape)
    return added if mask is None else added.masked_fill(~mask, -math.inf)


def by_sdpa(q, k, v, mask, bias):
    "torch's attention; what it makes of a row without keys is its own affair, ours is documented to be 0."
    added = their_bias(mask, bias, (*q.shape[:-1], k.shape[-2]), q.dtype)
    return torch.where((added > -math.inf).any(-1, keepdim=True), F.scaled_dot_product_attention(q, k, v, attn_mask=added), 0.0)


def case(draw, dtype, empty=True, causal=False):
    B, H, T, S, K, W = shapes(draw)
    if causal: T, S = sorted((T, S))  # the queries are the last of the keys
    q, k, v = tensors(draw, dtype, (B, H, T, K), (B, H, S, K), (B, H, S, W))
    mask, (numbers, bias) = draw_mask(draw, (B, H, T, S), empty=empty), draw_bias(draw, dtype, (B, H, T, S))
    # e to a score of 1,000 is no number, so the largest must go first; in single precision such scores have no digits left
    scale = draw(st.sampled_from([1, 1, 1000])) if dtype == torch.float64 else 1
    return q * scale, k, v, mask, bias, [q, k, v] + ([] if bias is None else [numbers])


@oracle("attention.attention", by="F.scaled_dot_product_attention")
def attention_by_sdpa(m, draw, dtype):
    q, k, v, mask, bias, leaves = case(draw, dtype)
    return compare(m.attention.attention(q, k, v, mask=mask, bias=bias), by_sdpa(q, k, v, mask, bias), leaves)


@oracle("attention.attention_weights", by="F.scaled_dot_product_attention of the identity")
def weights_by_sdpa(m, draw, dtype):
    q, k, _, mask, bias, leaves = case(draw, dtype)
    one_hot = torch.eye(k.shape[-2], dtype=dtype).expand(*k.shape[:2], -1, -1)
    return compare(m.attention.attention_weights(q, k, mask=mask, bias=bias), by_sdpa(q, k, one_hot, mask, bias), leaves)  # the values get no gradient from either


@oracle("attention.attention_weights", by="scipy.special.softmax")
def weights_by_scipy(m, draw, dtype):
    q, k, _, mask, bias, _ = case(draw, dtype, empty=False)
    added = their_bias(mask, bias, (*q.shape[:-1], k.shape[-2]), dtype)
    scores = np.einsum("bhtk,bhsk->bhts", q.detach(), k.detach()) / np.sqrt(q.shape[-1]) + added.detach().numpy()
    return compare(m.attention.attention_weights(q, k, mask=mask, bias=bias), torch.from_numpy(scipy.special.softmax(scores, axis=-1)))


@oracle("attention.fast_attention", by="🤗 eager_attention_forward of BERT")
def fast_by_bert(m, draw, dtype):
    q, k, v, mask, bias, leaves = case(draw, dtype, empty=False)
    added = their_bias(mask, bias, (*q.shape[:-1], k.shape[-2]), dtype)
    theirs = eager_attention_forward(nn.Identity(), q, k, v, added)[0].transpose(1, 2)
    return compare(m.attention.fast_attention(q, k, v, mask=mask, bias=bias), theirs, leaves)


def lower_right(T, S): return causal_lower_right(T, S)._materialize()


def causal_case(draw, dtype):
    q, k, v, mask, bias, leaves = case(draw, dtype, causal=True)
    lower = lower_right(q.shape[-2], k.shape[-2])
    return q, k, v, mask, bias, lower if mask is None else lower & mask, leaves


@oracle("attention.fast_attention", by="F.scaled_dot_product_attention, causal_lower_right")
def fast_causal_by_sdpa(m, draw, dtype):
    q, k, v, mask, bias, both, leaves = causal_case(draw, dtype)
    return compare(m.attention.fast_attention(q, k, v, mask=mask, bias=bias, causal=True), by_sdpa(q, k, v, both, bias), leaves)


@oracle("attention.tiled_attention", by="F.scaled_dot_product_attention")
def tiled_by_sdpa(m, draw, dtype):
    q, k, v, mask, bias, leaves = case(draw, dtype)
    bias = None if bias is None else bias.detach()  # the tiled form has no gradient for it
    ours = m.attention.tiled_attention(q, k, v, mask=mask, bias=bias, block=draw(SMALL))
    return compare(ours, by_sdpa(q, k, v, mask, bias), leaves[:3])


@oracle("attention.tiled_attention", by="F.scaled_dot_product_attention, causal_lower_right")
def tiled_causal_by_sdpa(m, draw, dtype):
    q, k, v, mask, bias, both, leaves = causal_case(draw, dtype)
    bias = None if bias is None else bias.detach()
    ours = m.attention.tiled_attention(q, k, v, mask=mask, bias=bias, causal=True, block=draw(SMALL))
    return compare(ours, by_sdpa(q, k, v, both, bias), leaves[:3])


def refuses(error, function, *args, **named):
    try: function(*args, **named)
    except error: return True
    return False


@oracle("attention.check_shapes", by="torch.bmm, torch.broadcast_to: they refuse the same")
def refusals_by_torch(m, draw, dtype):
    two = st.sampled_from([2, 3])  # few sizes, so that they often differ in one place only
    q, k, v = tensors(draw, dtype, *([draw(two), draw(two), draw(two)] for _ in range(3)))
    mask = torch.ones([draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 4)))], dtype=torch.bool)
    theirs = lambda: (torch.bmm(torch.bmm(q, k.mT), v), mask.broadcast_to(*q.shape[:-1], k.shape[-2]))
    return float(refuses(m.attention.ShapeError, m.attention.check_shapes, q, k, v, mask) != refuses(RuntimeError, theirs)), None


@oracle("attention.padding_mask", by="nn.utils.rnn.pad_sequence")
def padding_by_torch(m, draw, dtype):
    lengths = draw(st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any))
    theirs = nn.utils.rnn.pad_sequence([torch.ones(n, dtype=torch.bool) for n in lengths], batch_first=True)
    wider = F.pad(theirs, (0, draw(st.integers(0, 3))))
    pairs = [(torch.tensor(lengths), None, theirs), (torch.tensor(lengths), wider.shape[1], wider), (wider.long(), None, wider)]
    return max(differing(m.attention.padding_mask(given, width), mask[:, None, None])[0] for given, width, mask in pairs), None


@oracle("attention.causal_mask", by="torch.nn.attention.bias.causal_lower_right")
def causal_by_torch(m, draw, dtype):
    T = draw(st.integers(1, 20))
    S = draw(st.integers(T, 30) | st.none())
    return differing(m.attention.causal_mask(T, S), lower_right(T, S or T))


@oracle("attention.window_mask", by="scipy.linalg.toeplitz")
def window_by_scipy(m, draw, dtype):
    T, window = draw(st.integers(1, 20)), draw(st.integers(0, 20))
    return differing(m.attention.window_mask(T, window), torch.from_numpy(scipy.linalg.toeplitz(np.arange(T) <= window)))


def packed(draw):
    "Rows of documents one after another, then padding: the lengths of each row, and the ids (B, T) with −1 for padding."
    rows = draw(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=3))
    width = max(map(sum, rows)) + draw(st.integers(0, 2))
    ids = [[i for i, n in enumerate(row) for _ in range(n)] for row in rows]
    return rows, torch.tensor([row + [-1] * (width - len(row)) for row in ids])


@oracle("attention.document_mask", by="scipy.linalg.block_diag")
def documents_by_scipy(m, draw, dtype):
    rows, ids = packed(draw)
    theirs = torch.zeros(len(rows), 1, *ids.shape[1:] * 2, dtype=torch.bool)
    for place, row in zip(theirs, rows): place[0, :sum(row), :sum(row)] = torch.from_numpy(scipy.linalg.block_diag(*(np.ones((n, n)) for n in row)) > 0)
    return differing(m.attention.document_mask(ids), theirs)


@oracle("attention.document_positions", by="🤗 DataCollatorWithFlattening")
def positions_by_collator(m, draw, dtype):
    rows, ids = packed(draw)
    ours = m.attention.document_positions(ids)
    theirs = [DataCollatorWithFlattening(return_tensors="pt")([{"input_ids": [7] * n} for n in row])["position_ids"][0] for row in rows]
    return max(differing(mine[:len(other)], other)[0] for mine, other in zip(ours, theirs)), None


@oracle("attention.split_heads", "attention.merge_heads", by="torch.tensor_split, stack and cat")
def heads_by_slices(m, draw, dtype):
    B, T, H, K = (draw(SMALL) for _ in range(4))
    x, y = tensors(draw, dtype, (B, T, H * K), (B, H, T, K))
    ours = m.attention.split_heads(x, H), m.attention.merge_heads(y)
    return compare(ours, (torch.stack(x.tensor_split(H, -1), 1), torch.cat(y.unbind(1), -1)), [x, y])


@oracle("attention.split_heads", "attention.attention", "attention.merge_heads", by="F.multi_head_attention_forward")
def heads_by_torch(m, draw, dtype):
    B, T, S, H, K = (draw(SMALL) for _ in range(5))
    q, k, v = tensors(draw, dtype, (B, T, H * K), *[(B, S, H * K)] * 2)
    one, none = torch.eye(H * K, dtype=dtype), torch.zeros(3 * H * K, dtype=dtype)
    theirs, _ = F.multi_head_attention_forward(*(x.transpose(0, 1) for x in (q, k, v)), H * K, H, one.repeat(3, 1), none, None, None, False, 0.0, one, none[:H * K], need_weights=False)
    ours = m.attention.merge_heads(m.attention.attention(*(m.attention.split_heads(x, H) for x in (q, k, v))))
    return compare(ours, theirs.transpose(0, 1), [q, k, v])


@oracle("attention.repeat_heads", by="🤗 repeat_kv of Llama")
def groups_by_llama(m, draw, dtype):
    B, G, T, K, times = (draw(SMALL) for _ in range(5))
    [x] = tensors(draw, dtype, (B, G, T, K))
    return compare(m.attention.repeat_heads(x, G * times), repeat_kv(x, times), [x])


@oracle("attention.repeat_heads", "attention.attention", by="F.scaled_dot_product_attention, enable_gqa")
def groups_by_sdpa(m, draw, dtype):
    B, G, T, S, K, times = (draw(SMALL) for _ in range(6))
    q, k, v = tensors(draw, dtype, (B, G * times, T, K), *[(B, G, S, K)] * 2)
    ours = m.attention.attention(q, m.attention.repeat_heads(k, G * times), m.attention.repeat_heads(v, G * times))
    return compare(ours, F.scaled_dot_product_attention(q, k, v, enable_gqa=True), [q, k, v])


@oracle("attention.sinusoidal_positions", by="🤗 SpeechT5ScaledPositionalEncoding", dtypes=SINGLE)
def sinusoids_by_speecht5(m, draw, dtype):
    T, D = draw(st.integers(1, 50)), 2 * draw(st.integers(1, 20))
    return compare(m.attention.sinusoidal_positions(T, D), SpeechT5ScaledPositionalEncoding(0.0, D, T).pe[0])


@oracle("attention.rotary_angles", "attention.apply_rotary", by="🤗 LlamaRotaryEmbedding, apply_rotary_pos_emb")
def rotary_by_llama(m, draw, dtype):
    B, H, T, K, base = draw(SMALL), draw(SMALL), draw(SMALL), 2 * draw(SMALL), draw(st.sampled_from([100.0, 1e4, 1.6e5]))
    q, k = tensors(draw, dtype, *[(B, H, T, K)] * 2)
    positions = torch.randint(100, (B, T), generator=generator(draw))
    config = LlamaConfig(hidden_size=K, num_attention_heads=1, head_dim=K, rope_parameters={"rope_type": "default", "rope_theta": base})
    cos, sin = LlamaRotaryEmbedding(config)(torch.zeros(1, dtype=torch.float32), positions)
    ours = m.attention.rotary_angles(positions, K, base)
    turned = [m.attention.apply_rotary(x, *(angle[:, None] for angle in ours)) for x in (q, k)]
    return compare((*ours, *turned), (cos, sin, *apply_rotary_pos_emb(q, k, cos, sin)), [q, k])


@oracle("attention.rotary_angles", "attention.apply_rotary", by="torch.polar: complex numbers, as in the paper")
def rotary_by_complex_numbers(m, draw, dtype):
    B, H, T, K = draw(SMALL), draw(SMALL), draw(SMALL), 2 * draw(SMALL)
    [x], start = tensors(draw, dtype, (B, H, T, K)), draw(st.integers(0, 50))
    places = torch.arange(start, start + T, dtype=dtype)
    angles = torch.outer(places, torch.tensor(10000.0, dtype=dtype) ** -torch.linspace(0, 1, K // 2 + 1, dtype=dtype)[:-1])
    turned = torch.complex(*x.chunk(2, -1)) * torch.polar(torch.ones_like(angles), angles)
    return compare(m.attention.apply_rotary(x, *m.attention.rotary_angles(places, K)), torch.cat([turned.real, turned.imag], -1), [x])


@oracle("attention.alibi_slopes", by="🤗 build_alibi_tensor of Bloom", dtypes=SINGLE)
def slopes_by_bloom(m, draw, dtype):
    H = draw(st.integers(1, 200))
    return compare(m.attention.alibi_slopes(H), build_alibi_tensor(torch.ones(1, 2), H, torch.float32)[:, 0, 1])


@oracle("attention.alibi_bias", by="🤗 build_alibi_tensor of Bloom: the same weights under a causal mask", dtypes=SINGLE)
def alibi_by_bloom(m, draw, dtype):
    H, T, S = draw(st.integers(1, 20)), *sorted([draw(st.integers(1, 9)), draw(st.integers(1, 9))])
    q, k, v = tensors(draw, dtype, (1, H, T, 4), (1, H, S, 4), (1, H, S, 3))
    lower = lower_right(T, S)
    theirs = by_sdpa(q, k, v, lower, build_alibi_tensor(torch.ones(1, S), H, dtype))
    return compare(by_sdpa(q, k, v, lower, m.attention.alibi_bias(H, T, S).to(dtype)), theirs, [q, k, v])


@oracle("attention.alibi_bias", by="scipy.linalg.toeplitz, 🤗 build_alibi_tensor", dtypes=SINGLE)
def alibi_by_scipy(m, draw, dtype):
    H, T, S = draw(st.integers(1, 20)), *sorted([draw(st.integers(1, 9)), draw(st.integers(1, 9))])
    slopes = build_alibi_tensor(torch.ones(1, 2), H, torch.float32)[:, :, 1:]
    ours = m.attention.alibi_bias(H, T, None if S == T and draw(st.booleans()) else S)
    return compare(ours, -slopes * torch.from_numpy(scipy.linalg.toeplitz(np.arange(S))[S - T:]))


@oracle("attention.KeyValueCache", by="🤗 DynamicCache")
def cache_by_transformers(m, draw, dtype):
    B, G, K, steps = draw(SMALL), draw(SMALL), draw(SMALL), draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    ours, theirs = m.attention.KeyValueCache(sum(steps) + draw(st.integers(0, 2))), DynamicCache()
    worst = 0.0
    for n in steps:
        k, v = (x.detach() for x in tensors(draw, dtype, *[(B, G, n, K)] * 2))
        worst = max(worst, compare(ours.extend(k, v), theirs.update(k, v, 0))[0], float(ours.length != theirs.get_seq_length()))
    return worst, None


@oracle("attention.KeyValueCache", "attention.causal_mask", by="F.scaled_dot_product_attention, is_causal, all at once")
def steps_by_sdpa(m, draw, dtype):
    B, H, K, steps = draw(SMALL), draw(SMALL), draw(SMALL), draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    q, k, v = (x.detach() for x in tensors(draw, dtype, *[(B, H, sum(steps), K)] * 3))
    cache, outs = m.attention.KeyValueCache(sum(steps)), []
    for q_new, k_new, v_new in zip(*(x.split(steps, 2) for x in (q, k, v))):
        keys, values = cache.extend(k_new, v_new)
        outs.append(F.scaled_dot_product_attention(q_new, keys, values, attn_mask=m.attention.causal_mask(q_new.shape[2], cache.length)))
    return compare(torch.cat(outs, 2), F.scaled_dot_product_attention(q, k, v, is_causal=True))


@oracle("attention.attention_flops", by="torch.utils.flop_counter on 🤗 eager_attention_forward")
def flops_by_torch(m, draw, dtype):
    B, H, T, S, K, _ = shapes(draw)
    q, k = torch.ones(B, H, T, K), torch.ones(B, H, S, K)
    with FlopCounterMode(display=False) as counter: eager_attention_forward(nn.Identity(), q, k, k, None)
    return float(m.attention.attention_flops(T, S, K, heads=H, batch=B) != counter.get_total_flops()), None
