"Famous bugs, one text of a module replaced by another: each must be caught by the oracles it names."
from dataclasses import dataclass

from oracles import ORACLES, Excess, examine, planted


@dataclass(frozen=True)
class Mutant:
    name: str
    module: str
    old: str     # in plmnb/<module>.py, exactly once
    new: str
    by: tuple    # names of oracles


def attention(name, old, new, *by): return Mutant(name, "attention", old, new, by)
def transformer(name, old, new, *by): return Mutant(name, "transformer", old, new, by)
def objectives(name, old, new, *by): return Mutant(name, "objectives", old, new, by)


def caught(mutant, by, examples=200):
    "By how much the planted bug exceeds what the oracle allows; None where the oracle does not see it."
    with planted(mutant.module, mutant.old, mutant.new) as modules:
        try: examine(ORACLES[by], modules, examples, shrink=False)
        except Excess as excess: return excess.difference
    return None


MUTANTS = [
    transformer("post-norm written as pre-norm",
                "if self.pre else norm(x_BTD + self.dropout(sublayer(x_BTD)))", "if self.pre else x_BTD + self.dropout(sublayer(norm(x_BTD)))",
                "block_by_torch", "base_by_torch"),
    transformer("pre-norm written as post-norm",
                "x_BTD + self.dropout(sublayer(norm(x_BTD))) if self.pre", "norm(x_BTD + self.dropout(sublayer(x_BTD))) if self.pre",
                "block_by_torch"),
    transformer("LayerNorm with the unbiased deviation",
                "else nn.LayerNorm(width, eps=config.eps, bias=config.bias)",
                "else type('Norm', (nn.LayerNorm,), {'forward': lambda self, x: F.linear((x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + self.eps).sqrt(), self.weight.diag(), self.bias)})(width, eps=config.eps, bias=config.bias)",
                "norm_by_group_norm", "block_by_torch"),
    transformer("RMSNorm that subtracts the mean",
                "nn.RMSNorm(width, eps=config.eps) if", "nn.LayerNorm(width, eps=config.eps, bias=False) if",
                "rms_by_qwen"),
    transformer("ε outside the square root",
                "else nn.LayerNorm(width, eps=config.eps, bias=config.bias)",
                "else type('Norm', (nn.LayerNorm,), {'forward': lambda self, x: F.linear((x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=False).sqrt() + self.eps), self.weight.diag(), self.bias)})(width, eps=config.eps, bias=config.bias)",
                "norm_by_group_norm"),
    transformer("GELU in the tanh form for the exact one",
                '"gelu": F.gelu,', '"gelu": partial(F.gelu, approximate="tanh"),',
                "feed_forward_by_transformers", "block_by_torch"),
    transformer("gate and value exchanged",
                "self.activation(value) * gate", "value * self.activation(gate)",
                "feed_forward_by_transformers"),
    transformer("embedding not scaled by √D",
                "math.sqrt(config.d_model) if config.embedding_scale else None", "None",
                "base_by_torch"),
    transformer("positions scaled by √D with the words",
                "if self.waves is not None: x_BTD = x_BTD + self.waves[places]", "if self.waves is not None: x_BTD = x_BTD + self.waves[places] * self.scale",
                "base_by_torch"),
    transformer("cross-attention that attends to itself",
                "(self.q(x_BTD), *self.kv(memory_BSD).chunk(2, dim=-1))", "(self.q(x_BTD), *self.kv(x_BTD).chunk(2, dim=-1))",
                "cross_attention_by_torch", "block_by_torch", "base_by_torch"),
    transformer("the source's padding attended in cross-attention",
                "memory_mask = None if memory_attention is None else padding_mask(memory_attention)", "memory_mask = None",
                "base_by_torch"),
    transformer("padding attended in the encoder",
                "mask = both(None if attention_BS is None else padding_mask(attention_BS),", "mask = both(None,",
                "base_by_torch"),
]
