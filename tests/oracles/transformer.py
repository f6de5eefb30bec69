"Oracles of chapter 21: the layers of torch, and the models of 🤗 transformers."
import dataclasses
import math
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import scipy.stats
import torch
import torch.nn.functional as F
import transformers
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers.models.clip.modeling_clip import CLIPMLP
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb
from transformers.models.modernbert import modeling_modernbert
from transformers.models.qwen3.modeling_qwen3 import Qwen3MLP, Qwen3RMSNorm

from . import compare, differing, flow, generator, largest, oracle, tensors

UNPROVED = {"CHOICES": "the words that a config may hold", "View": "a record without a method", "MODELS": "a table of classes, each with oracles",
            "demand_kind": "raises an error; its cases are in the chapter"}
# through these no gradient flows: masks, choices, counts, and what is for writing only
FLAT = set("""attention_maps both count_parameters forward_flops initialise""".split())
SINGLE = (torch.float32,)
THEIR_NAMES = {"gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh", "relu": "relu", "silu": "silu"}
SMALL = st.integers(1, 6)
V, LONGEST = 11, 9


def sizes(draw, **more):
    "A small shape; few widths, so that torch allocates the same again and again."
    heads = draw(st.sampled_from([1, 2, 4]))
    return dict(d_model=8, n_heads=heads, n_layers=draw(st.integers(1, 2)), d_ff=draw(SMALL), max_len=LONGEST, eps=draw(st.sampled_from([1e-12, 1e-5, 1e-2]))) | more


def weighted(draw, module, dtype):
    "Weights that no initialisation gives: norms and biases matter too."
    numbers = generator(draw)
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(torch.randn(p.shape, generator=numbers, dtype=torch.float64) * 0.3 + ("norm" in name and name.endswith("weight")))
    return module.to(dtype).eval()


def linear(name, module): return {f"{name}{kind}": p for kind, p in module.named_parameters()}


def draw_ids(draw, B, T): return torch.randint(1, V, (B, T), generator=generator(draw))  # 🤗 gives no gradient to the vector of padding, 0


def draw_real(draw, B, T):
    "None, or which tokens are real: at least one a row, the first ones."
    if draw(st.booleans()): return None
    return torch.arange(T) < torch.randint(1, T + 1, (B, 1), generator=generator(draw))


@oracle("transformer.norm_of", by="F.group_norm in one group")
def norm_by_group_norm(m, draw, dtype):
    D, eps = draw(st.integers(4, 9)), draw(st.sampled_from([1e-5, 1e-2]))
    norm = weighted(draw, m.transformer.norm_of(m.transformer.bert_config(V, eps=eps, bias=draw(st.booleans())), D), dtype)
    [x] = tensors(draw, dtype, (draw(SMALL), D))
    return compare(norm(x), F.group_norm(x, 1, norm.weight, norm.bias, eps), [x, *norm.parameters()])


@oracle("transformer.norm_of", by="🤗 RMSNorm of Qwen3", dtypes=SINGLE)
def rms_by_qwen(m, draw, dtype):
    D, eps = draw(st.integers(2, 9)), draw(st.sampled_from([1e-6, 1e-2]))
    norm = weighted(draw, m.transformer.norm_of(m.transformer.gpt_modern_config(V, eps=eps), D), dtype)
    [x] = tensors(draw, dtype, (draw(SMALL), D))
    return compare(norm(x), functional_call(Qwen3RMSNorm(D, eps), {"weight": norm.weight}, x), [x, norm.weight])


@oracle("transformer.FeedForward", "transformer.ACTIVATIONS", by="🤗 MLP of Qwen3, gated; of CLIP, plain")
def feed_forward_by_transformers(m, draw, dtype):
    gated, activation = draw(st.booleans()), draw(st.sampled_from(list(THEIR_NAMES)))
    config = m.transformer.modern_config(V, **sizes(draw), gated=gated, activation=activation, bias=not gated)
    ours, [x] = weighted(draw, m.transformer.FeedForward(config), dtype), tensors(draw, dtype, (2, 3, config.d_model))
    shape = transformers.CLIPTextConfig(hidden_size=config.d_model, intermediate_size=config.d_ff, hidden_act=THEIR_NAMES[activation])
    names = dict(zip(("gate_proj.weight", "up_proj.weight"), ours.inner.weight.chunk(2))) if gated else linear("fc1.", ours.inner)
    theirs = functional_call((Qwen3MLP if gated else CLIPMLP)(shape), names | linear("down_proj." if gated else "fc2.", ours.out), x)
    return compare(ours(x), theirs, [x, *ours.parameters()])


@oracle("transformer.SelfAttention", by="nn.MultiheadAttention")
def self_attention_by_torch(m, draw, dtype):
    config, B, T = m.transformer.bert_config(V, **sizes(draw)), draw(SMALL), draw(SMALL)
    ours, [x] = weighted(draw, m.transformer.SelfAttention(config), dtype), tensors(draw, dtype, (B, T, config.d_model))
    look = torch.rand(T, T, generator=generator(draw)) < 0.7
    look.fill_diagonal_(True)
    theirs = functional_call(nn.MultiheadAttention(config.d_model, config.n_heads, batch_first=True), linear("in_proj_", ours.qkv) | linear("out_proj.", ours.out),
                             (x, x, x), dict(attn_mask=~look, need_weights=False))[0]
    return compare(ours(x, m.transformer.View(mask=look)), theirs, [x, *ours.parameters()])


@oracle("transformer.CrossAttention", by="nn.MultiheadAttention")
def cross_attention_by_torch(m, draw, dtype):
    config, B, T, S = m.transformer.bart_config(V, **sizes(draw)), draw(SMALL), draw(SMALL), draw(SMALL)
    ours, real = weighted(draw, m.transformer.CrossAttention(config), dtype), draw_real(draw, B, S)
    x, memory = tensors(draw, dtype, (B, T, config.d_model), (B, S, config.d_model))
    both = {f"in_proj_{kind}": torch.cat([getattr(ours.q, kind), getattr(ours.kv, kind)]) for kind in ("weight", "bias")}
    theirs = functional_call(nn.MultiheadAttention(config.d_model, config.n_heads, batch_first=True), both | linear("out_proj.", ours.out),
                             (x, memory, memory), dict(key_padding_mask=None if real is None else ~real, need_weights=False))[0]
    return compare(ours(x, memory, None if real is None else real[:, None, None]), theirs, [x, memory, *ours.parameters()])


def torch_names(block, cross):
    "The weights of one of our blocks under the names of `nn.TransformerEncoderLayer`, with `cross` of `nn.TransformerDecoderLayer`."
    names = linear("self_attn.in_proj_", block.attention.qkv) | linear("self_attn.out_proj.", block.attention.out) | linear("norm1.", block.norm_attention)
    names |= linear("linear1.", block.feed_forward.inner) | linear("linear2.", block.feed_forward.out) | linear("norm3." if cross else "norm2.", block.norm_feed_forward)
    if not cross: return names
    names |= {f"multihead_attn.in_proj_{kind}": torch.cat([getattr(block.cross.q, kind), getattr(block.cross.kv, kind)]) for kind in ("weight", "bias")}
    return names | linear("multihead_attn.out_proj.", block.cross.out) | linear("norm2.", block.norm_cross)


def torch_layer(config, cross):
    layer = nn.TransformerDecoderLayer if cross else nn.TransformerEncoderLayer
    return layer(config.d_model, config.n_heads, config.d_ff, 0.0, config.activation, config.eps, batch_first=True, norm_first=config.norm == "pre")


@oracle("transformer.Block", by="nn.TransformerEncoderLayer, nn.TransformerDecoderLayer")
def block_by_torch(m, draw, dtype):
    cross, B, T, S = draw(st.booleans()), draw(SMALL), draw(SMALL), draw(SMALL)
    config = m.transformer.bart_config(V, **sizes(draw), norm=draw(st.sampled_from(["pre", "post"])), activation=draw(st.sampled_from(["gelu", "relu"])))
    ours, real = weighted(draw, m.transformer.Block(config, cross=cross), dtype), draw_real(draw, B, S)
    x, memory = tensors(draw, dtype, (B, T, config.d_model), (B, S, config.d_model))
    look = torch.ones(T, T, dtype=torch.bool).tril()
    far = dict(memory_key_padding_mask=None if real is None else ~real)
    theirs = functional_call(torch_layer(config, cross), torch_names(ours, cross), (x, memory) if cross else x, dict(tgt_mask=~look, **far) if cross else dict(src_mask=~look))
    mine = ours(x, m.transformer.View(mask=look), None, memory, None if real is None else real[:, None, None])
    return compare(mine, theirs, [x, *ours.parameters(), *[memory] * cross])


@oracle("transformer.Embedding", by="🤗 BertEmbeddings")
def embedding_by_bert(m, draw, dtype):
    config, B, T = m.transformer.bert_config(V, **sizes(draw), dropout=draw(st.sampled_from([0.0, 0.5]))), draw(SMALL), draw(SMALL)
    ours, ids, segments = weighted(draw, m.transformer.Embedding(config), dtype), draw_ids(draw, B, T), torch.randint(2, (B, T), generator=generator(draw))
    places = torch.randint(LONGEST, (B, T), generator=generator(draw)) if draw(st.booleans()) else torch.arange(T)
    shape = transformers.BertConfig(vocab_size=V, hidden_size=config.d_model, max_position_embeddings=LONGEST, layer_norm_eps=config.eps, type_vocab_size=2)
    names = {"word_embeddings.weight": ours.tokens.weight, "position_embeddings.weight": ours.positions.weight, "token_type_embeddings.weight": ours.segments.weight} | linear("LayerNorm.", ours.norm)
    theirs = functional_call(transformers.models.bert.modeling_bert.BertEmbeddings(shape).eval(), names, (), dict(input_ids=ids, token_type_ids=segments, position_ids=places.expand(B, T)))
    return compare(ours(ids, places, segments), theirs, list(ours.parameters()))


@oracle("transformer.both", by="torch.logical_and")
def both_by_torch(m, draw, dtype):
    one, two = torch.rand(2, 3, 4, generator=generator(draw)) < 0.5
    cases = [(m.transformer.both(one, two), torch.logical_and(one, two)), (m.transformer.both(None, two), two), (m.transformer.both(one, None), one)]
    return max(differing(*case)[0] for case in cases), None


@oracle("transformer.Seq2SeqLM", "transformer.transformer_base_config", "transformer.Encoder", "transformer.CrossDecoder", "transformer.Embedding",
        by="nn.Transformer")
def base_by_torch(m, draw, dtype):
    config = m.transformer.transformer_base_config(V, **sizes(draw, n_heads=draw(st.sampled_from([2, 4]))), dropout=draw(st.sampled_from([0.0, 0.3])))
    ours, B, S, T = weighted(draw, m.transformer.Seq2SeqLM(config), dtype), draw(SMALL), draw(SMALL), draw(SMALL)
    source, written, real = draw_ids(draw, B, S), draw_ids(draw, B, T), draw_real(draw, B, S)
    theirs = nn.Transformer(config.d_model, config.n_heads, config.n_layers, config.n_layers, config.d_ff, 0.0, layer_norm_eps=config.eps, batch_first=True)
    theirs.encoder.norm = theirs.decoder.norm = None  # the paper has no norm after the last layer, nn.Transformer adds one
    names = {f"{stack}.layers.{i}.{name}": p for stack in ("encoder", "decoder") for i, block in enumerate(getattr(ours, stack).blocks) for name, p in torch_names(block, stack == "decoder").items()}
    table = ours.encoder.embedding.tokens.weight
    waves = m.attention.sinusoidal_positions(LONGEST, config.d_model).to(dtype)
    look_up = lambda ids: table[ids] * config.d_model ** 0.5 + waves[:ids.shape[1]]
    hidden = None if real is None else ~real
    out = functional_call(theirs, names, (look_up(source), look_up(written)), dict(tgt_mask=torch.ones(T, T).triu(1).bool(), src_key_padding_mask=hidden, memory_key_padding_mask=hidden))
    return compare(ours(source, written, real), out @ table.T, list(ours.parameters()))


@oracle("transformer.CausalLM", "transformer.Decoder", "attention.alibi_bias", by="🤗 MptForCausalLM: ALiBi", dtypes=SINGLE)
def alibi_model_by_mpt(m, draw, dtype):
    shape = sizes(draw, d_ff=32)
    config = m.transformer.gpt2_config(V, **shape, position="alibi", activation="gelu", bias=False)
    ours, B, T = weighted(draw, m.transformer.CausalLM(config), dtype), draw(SMALL), draw(SMALL)
    ids, real = draw_ids(draw, B, T), draw_real(draw, B, T)
    theirs = transformers.MptForCausalLM(transformers.MptConfig(d_model=config.d_model, n_heads=config.n_heads, n_layers=config.n_layers, expansion_ratio=4, vocab_size=V, max_seq_len=LONGEST, layer_norm_epsilon=config.eps)).eval()
    places = {"norm_1": "norm_attention", "attn.Wqkv": "attention.qkv", "attn.out_proj": "attention.out", "norm_2": "norm_feed_forward", "ffn.up_proj": "feed_forward.inner", "ffn.down_proj": "feed_forward.out"}
    names = {f"transformer.blocks.{i}.{his}.weight": block.get_submodule(mine).weight for i, block in enumerate(ours.decoder.blocks) for his, mine in places.items()}
    names |= {"transformer.wte.weight": ours.decoder.embedding.tokens.weight, "transformer.norm_f.weight": ours.decoder.norm.weight}
    scores = functional_call(theirs, names, (), dict(input_ids=ids, attention_mask=None if real is None else real.long())).logits
    seen = slice(None) if real is None else real
    return compare(ours(ids, real)[seen], scores[seen], list(ours.parameters()))


def by_stock(m, ours, run, run_stock):
    "Values and gradients of our model and of its copy in 🤗: `run(ours)` and `run_stock(stock)` give lists of tensors."
    stock = m.hub.to_stock(ours)
    mine, theirs = run(ours), run_stock(stock)
    gradients = flow(theirs, list(stock.parameters()))
    with torch.no_grad():  # put in the place of their weights, the gradients come to us by the same road
        for p, gradient in zip(stock.parameters(), gradients): p.copy_(gradient)
    return largest(mine, theirs), largest(flow(mine, list(ours.parameters())), list(m.hub.from_stock(stock).parameters()))


def text(draw):
    "Token ids (B, T), which of them are real or None, and what picks the real ones."
    B, T = draw(st.integers(1, 3)), draw(SMALL)
    ids, real = draw_ids(draw, B, T), draw_real(draw, B, T)
    return ids, real, slice(None) if real is None else real


def long(real): return None if real is None else real.long()


@oracle("transformer.MaskedLM", "transformer.Encoder", "transformer.bert_config", "transformer.build_model", "transformer.untied_output", "transformer.TransformerConfig",
        by="🤗 BertForMaskedLM, BertForPreTraining")
def bert_by_transformers(m, draw, dtype):
    config = m.transformer.bert_config(V, **sizes(draw), nsp=draw(st.booleans()), dropout=draw(st.sampled_from([0.0, 0.3])))
    ours, (ids, real, seen) = weighted(draw, m.transformer.build_model(config), dtype), text(draw)
    segments = torch.randint(2, ids.shape, generator=generator(draw))

    def run(model):
        hidden = model.encoder(ids, real, segments)
        return [model(ids, None, real, segments)[seen]] + ([model.pair_scores(hidden)] if config.nsp else [])

    def run_stock(stock):
        out = stock(input_ids=ids, attention_mask=long(real), token_type_ids=segments)
        return [out.prediction_logits[seen], out.seq_relationship_logits] if config.nsp else [out.logits[seen]]
    return by_stock(m, ours, run, run_stock)


@contextmanager
def in_double(dtype):
    "Some of their modules go through single precision whatever they are given: in double, torch's norm and Llama's rotation stand in."
    norm = lambda self, x: F.rms_norm(x, self.weight.shape, self.weight, self.variance_epsilon)
    with ExitStack() as patches:
        if dtype == torch.float64:
            for rms in (Qwen3RMSNorm, LlamaRMSNorm): patches.enter_context(patch.object(rms, "forward", norm))
            patches.enter_context(patch.object(modeling_modernbert, "apply_rotary_pos_emb", apply_rotary_pos_emb))
        yield


def scores_by_stock(m, draw, dtype, config):
    ours, (ids, real, seen) = weighted(draw, m.transformer.build_model(config), dtype), text(draw)
    with in_double(dtype):
        return by_stock(m, ours, lambda model: [model(ids, attention_BT=real)[seen] if config.kind == "encoder" else model(ids, real)[seen]],
                        lambda stock: [stock(input_ids=ids, attention_mask=long(real)).logits[seen]])


@oracle("transformer.MaskedLM", "transformer.Encoder", "transformer.modern_config", by="🤗 ModernBertForMaskedLM")
def modern_by_transformers(m, draw, dtype):
    every = draw(st.integers(1, 2))
    local = dict(global_every=every, window=draw(st.integers(1, 3)), local_rope_base=100.0) if every > 1 else {}
    return scores_by_stock(m, draw, dtype, m.transformer.modern_config(V, **sizes(draw, n_layers=2), **local, bias=draw(st.booleans()), dropout=draw(st.sampled_from([0.0, 0.3]))))


@oracle("transformer.CausalLM", "transformer.Decoder", "transformer.gpt2_config", "transformer.build_model", "transformer.untied_output", by="🤗 GPT2LMHeadModel")
def gpt2_by_transformers(m, draw, dtype):
    return scores_by_stock(m, draw, dtype, m.transformer.gpt2_config(V, **sizes(draw), tied=draw(st.booleans()), dropout=draw(st.sampled_from([0.0, 0.3]))))


def gpt_modern(m, draw):
    shape = sizes(draw)
    return m.transformer.gpt_modern_config(V, **shape, kv_heads=draw(st.sampled_from([0, 1, max(1, shape["n_heads"] // 2)])), tied=draw(st.booleans()), qk_norm=draw(st.booleans()))


@oracle("transformer.CausalLM", "transformer.Decoder", "transformer.SelfAttention", "transformer.gpt_modern_config", by="🤗 Qwen3ForCausalLM, LlamaForCausalLM")
def gpt_modern_by_transformers(m, draw, dtype): return scores_by_stock(m, draw, dtype, gpt_modern(m, draw))


@oracle("transformer.Seq2SeqLM", "transformer.CrossDecoder", "transformer.bart_config", "transformer.build_model", by="🤗 BartForConditionalGeneration")
def bart_by_transformers(m, draw, dtype):
    config = m.transformer.bart_config(V, **sizes(draw, eps=1e-5), embedding_scale=draw(st.booleans()), dropout=draw(st.sampled_from([0.0, 0.3])))
    ours, (source, real, _) = weighted(draw, m.transformer.build_model(config), dtype), text(draw)
    T = draw(SMALL)
    written, kept = draw_ids(draw, len(source), T), draw_real(draw, len(source), T)
    seen = slice(None) if kept is None else kept
    return by_stock(m, ours, lambda model: [model(source, written, real, kept)[seen]],
                    lambda stock: [stock(input_ids=source, attention_mask=long(real), decoder_input_ids=written, decoder_attention_mask=long(kept), use_cache=False).logits[seen]])


@oracle("transformer.attention_maps", by="🤗 output_attentions of BERT, ModernBERT, GPT-2, Qwen3", dtypes=SINGLE)
def maps_by_stock(m, draw, dtype):
    presets = [m.transformer.bert_config, m.transformer.modern_config, m.transformer.gpt2_config, m.transformer.gpt_modern_config]
    ours, (ids, real, _) = weighted(draw, m.transformer.build_model(draw(st.sampled_from(presets))(V, **sizes(draw))), dtype), text(draw)
    stock = m.hub.to_stock(ours)
    stock.set_attn_implementation("eager")
    with torch.no_grad(): theirs = torch.stack(stock(input_ids=ids, attention_mask=long(real), output_attentions=True).attentions)
    mine = m.transformer.attention_maps(getattr(ours, ours.config.kind), ids, real)
    seen = torch.ones_like(ids, dtype=torch.bool) if real is None else real
    return compare(mine.movedim(3, 2)[:, seen], theirs.movedim(3, 2)[:, seen])  # rows of padding are nobody's


def pieces(draw, T):
    "T cut into steps of drawn lengths."
    steps = []
    while sum(steps) < T: steps.append(draw(st.integers(1, T - sum(steps))))
    return steps


@oracle("transformer.CausalLM", "transformer.Decoder", "attention.KeyValueCache", by="🤗 GPT2LMHeadModel, Qwen3ForCausalLM: all at once")
def cache_by_stock(m, draw, dtype):
    config = gpt_modern(m, draw) if draw(st.booleans()) else m.transformer.gpt2_config(V, **sizes(draw))
    ours, (ids, _, _) = weighted(draw, m.transformer.CausalLM(config), dtype), text(draw)
    with torch.no_grad(), in_double(dtype):
        caches = ours.decoder.new_caches()
        steps = torch.cat([ours(part, caches=caches) for part in ids.split(pieces(draw, ids.shape[1]), 1)], 1)
        return compare(steps, m.hub.to_stock(ours)(input_ids=ids).logits)


@oracle("transformer.Seq2SeqLM", "transformer.CrossDecoder", "attention.KeyValueCache", by="🤗 BartForConditionalGeneration: all at once")
def seq2seq_cache_by_stock(m, draw, dtype):
    ours, (source, real, _) = weighted(draw, m.transformer.Seq2SeqLM(m.transformer.bart_config(V, **sizes(draw, eps=1e-5))), dtype), text(draw)
    written = draw_ids(draw, len(source), draw(SMALL))
    with torch.no_grad():
        caches, memory = ours.decoder.new_caches(), ours.encoder(source, real)
        steps = torch.cat([ours(None, part, real, caches=caches, memory_BSD=memory) for part in written.split(pieces(draw, written.shape[1]), 1)], 1)
        return compare(steps, m.hub.to_stock(ours)(input_ids=source, attention_mask=long(real), decoder_input_ids=written).logits)


@oracle("transformer.Decoder", "attention.window_mask", by="🤗 Qwen3ForCausalLM with sliding windows: all at once")
def window_cache_by_qwen(m, draw, dtype):
    plain, window = m.transformer.gpt_modern_config(V, **sizes(draw, n_layers=2)), draw(st.integers(1, 3))
    ours = weighted(draw, m.transformer.CausalLM(dataclasses.replace(plain, global_every=2, window=window)), dtype)
    same = m.transformer.CausalLM(plain).to(dtype)
    same.load_state_dict(ours.state_dict())
    state, shape = m.hub.to_stock(same).state_dict(), m.hub.stock_config(plain)
    shape.use_sliding_window, shape.sliding_window, shape.layer_types = True, window + 1, ["full_attention", "sliding_attention"]  # they count the token itself
    theirs = transformers.Qwen3ForCausalLM(shape).to(dtype).eval()
    theirs.load_state_dict(state)
    ids, real, seen = text(draw)
    with torch.no_grad(), in_double(dtype):
        caches = ours.decoder.new_caches()
        steps = torch.cat([ours(part, caches=caches) for part in ids.split(pieces(draw, ids.shape[1]), 1)], 1)
        return compare([steps, ours(ids, real)[seen]], [theirs(input_ids=ids).logits, theirs(input_ids=ids, attention_mask=long(real)).logits[seen]])


@oracle("transformer.MaskedLM", "transformer.CausalLM", "attention.document_mask", "attention.document_positions", by="🤗 BERT, ModernBERT, GPT-2, Qwen3: each document alone")
def documents_by_stock(m, draw, dtype):
    presets = {"bert": m.transformer.bert_config, "modern": m.transformer.modern_config, "gpt2": m.transformer.gpt2_config}
    preset = presets.get(draw(st.sampled_from([*presets, "gpt_modern"])))
    config = preset(V, **sizes(draw)) if preset else gpt_modern(m, draw)
    ours, lengths = weighted(draw, m.transformer.build_model(config), dtype), draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    ids = draw_ids(draw, 1, sum(lengths))
    documents = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))[None]
    with torch.no_grad(), in_double(dtype):
        stock = m.hub.to_stock(ours)
        return compare(ours(ids, documents_BT=documents) if config.kind == "encoder" else ours(ids, documents_BS=documents),
                       torch.cat([stock(input_ids=part).logits for part in ids.split(lengths, 1)], 1))


def any_preset(m, draw, **more):
    name = draw(st.sampled_from(["bert", "modern", "gpt2", "gpt_modern", "transformer_base", "bart"]))
    return getattr(m.transformer, f"{name}_config")(V, **sizes(draw, **more))


@oracle("transformer.count_parameters", by="🤗 num_parameters, nn.Transformer")
def parameters_by_transformers(m, draw, dtype):
    config = any_preset(m, draw, eps=1e-5, n_heads=2)
    count = lambda model: sum(p.numel() for p in model.parameters())
    if config.position == "sinusoidal":
        theirs = nn.Transformer(config.d_model, config.n_heads, config.n_layers, config.n_layers, config.d_ff, batch_first=True)
        n = count(theirs.encoder.layers) + count(theirs.decoder.layers) + V * config.d_model
    else: n = m.hub.to_stock(m.transformer.build_model(config)).num_parameters() - (4 * config.d_model if config.kind == "seq2seq" else 0)  # BART's unused positions
    return float(m.transformer.count_parameters(config) != n), None


@oracle("transformer.forward_flops", "attention.attention_flops", by="torch.utils.flop_counter on all presets")
def model_flops_by_torch(m, draw, dtype):
    config, B, T, S = any_preset(m, draw), draw(SMALL), draw(SMALL), draw(SMALL)
    model, ids, other = m.transformer.build_model(config), draw_ids(draw, B, T), draw_ids(draw, B, S)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter: model(other, ids) if config.kind == "seq2seq" else model(ids)
    ours = m.transformer.forward_flops(config, B, S, written=T) if config.kind == "seq2seq" else m.transformer.forward_flops(config, B, T)
    return float(ours != counter.get_total_flops()), None


@oracle("transformer.initialise", by="scipy.stats.kstest: normal, deviation 0.02", statistic=True)
def initial_by_scipy(m, draw, dtype):
    config = m.transformer.gpt2_config(50, n_layers=2, norm=draw(st.sampled_from(["pre", "post"])))
    torch.manual_seed(draw(st.integers(0, 2**31)))
    model, zeros, drawn = m.transformer.CausalLM(config), [], []
    for name, p in model.named_parameters():
        if "norm" not in name: (zeros if name.endswith("bias") or (config.norm == "pre" and ".out." in name) else drawn).append(p.detach().flatten())
    if torch.cat(zeros).any(): return math.inf, None
    return -math.log10(max(1e-300, scipy.stats.kstest(torch.cat(drawn)[::10].numpy(), "norm", (0, 0.02)).pvalue)), None
