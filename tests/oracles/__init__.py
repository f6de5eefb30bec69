"""Every exported function of attention, transformer and objectives against code that nobody here wrote.

An oracle is a function `(m, draw, dtype)`. `m` holds the modules under test, so that a copy with a planted bug can stand in for them;
`draw` takes a strategy of hypothesis. It returns the largest difference of the values, and that of the gradients or None.
"""
import importlib
import sys
import tempfile
import types
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import plmnb

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
# A statistic returns −log₁₀ of its p value. At 10, two hundred examples raise a false alarm once in fifty million.
SURPRISE = 10.0
SEEDS = st.integers(0, 2**31 - 1)
ORACLES = {}


class Excess(AssertionError):
    "An oracle and plmnb disagree; `difference` says by how much."
    def __init__(self, name, difference, limit):
        super().__init__(f"{name}: differs by {difference:.3g}, allowed is {limit:.0e}")
        self.difference = difference


@dataclass(frozen=True)
class Oracle:
    name: str        # of the function below, which is what a mutation names
    about: tuple     # "attention.attention", …: what it proves
    by: str          # whose code it compares with
    measure: object
    statistic: bool  # returns −log₁₀ p instead of differences
    dtypes: tuple    # those that the other code computes in

    def limit(self, dtype): return SURPRISE if self.statistic else TOLERANCE[dtype]


@dataclass
class Found:
    "What an oracle saw: how many examples, and the largest difference of values and of gradients for each type."
    examples: int = 0
    values: dict = field(default_factory=dict)
    gradients: dict = field(default_factory=dict)

    def add(self, dtype, differences):
        self.examples += 1
        for kind, new in zip((self.values, self.gradients), differences):
            if new is not None: kind[dtype] = max(new, kind.get(dtype, 0.0))


def oracle(*about, by, statistic=False, dtypes=tuple(TOLERANCE)):
    "Register a function as an oracle of what `about` names."
    def register(function):
        assert function.__name__ not in ORACLES, function.__name__
        ORACLES[function.__name__] = Oracle(function.__name__, about, by, function, statistic, dtypes[:1] if statistic else dtypes)
        return function
    return register


class Modules:
    "The modules of a package by name, imported when asked for: `m.attention`."
    def __init__(self, package): self.package = package
    def __getattr__(self, name): return importlib.import_module(f"{self.package}.{name}")


PLMNB = Modules("plmnb")


def examine(oracle, m=PLMNB, examples=200, shrink=True):
    "Run an oracle on drawn examples. Raises `Excess` at the first that differs too much; a small one, where `shrink`."
    found = Found()
    if oracle.statistic: examples = max(20, examples // 10)  # each holds thousands of draws

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, report_multiple_bugs=False,
              phases=[Phase.generate, *([Phase.shrink] if shrink else [])], suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(oracle.dtypes), st.data())
    def one(dtype, data):
        differences = oracle.measure(m, data.draw, dtype)
        found.add(dtype, differences)
        worst = max(d for d in differences if d is not None)
        if not worst <= oracle.limit(dtype): raise Excess(oracle.name, worst, oracle.limit(dtype))

    try: one()
    except Exception as error:
        error.found = found
        raise
    return found


def largest(ours, theirs):
    "Largest difference of two lists of tensors; relative to the largest number where that exceeds 1; ∞ for NaN and for other shapes."
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape: return float("inf")
        a, b = a.detach().double(), b.detach().double()
        if not a.numel() or torch.equal(a, b): continue  # equal infinities differ by NaN
        worst = max(worst, float(((a - b).abs() / max(1.0, float(b.abs().max()))).nan_to_num(nan=float("inf"), posinf=float("inf")).max()))
    return worst


def flow(results, leaves):
    "The gradients of `leaves` for one number that every element of the results moves."
    # a weight for each element, none like its neighbours, since a mean would hide a permutation
    pull = lambda x: (x * torch.arange(1, x.numel() + 1).cos().reshape(x.shape).to(x)).sum() / max(1, x.numel()) ** 0.5
    return torch.autograd.grad(sum(map(pull, results)), leaves, retain_graph=True, allow_unused=True, materialize_grads=True)


def compare(ours, theirs, leaves=()):
    "Largest difference of results (a tensor or several), and of what flows back from them to `leaves` (None without leaves)."
    ours, theirs = ([x] if isinstance(x, torch.Tensor) else list(x) for x in (ours, theirs))
    values = largest(ours, theirs)
    if not leaves or values == float("inf"): return values, None
    return values, largest(flow(ours, leaves), flow(theirs, leaves))


def differing(ours, theirs):
    "For what must be equal to the last bit: the share of elements that are not, 1 for other shapes."
    ours, theirs = torch.as_tensor(ours), torch.as_tensor(theirs)
    if ours.shape != theirs.shape: return 1.0, None
    return float((ours != theirs).double().mean()) if ours.numel() else 0.0, None


def tensors(draw, dtype, *shapes):
    "Normal numbers that ask for gradients."
    generator = torch.Generator().manual_seed(draw(SEEDS))
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]


def generator(draw): return torch.Generator().manual_seed(draw(SEEDS))


@contextmanager
def planted(module, old, new):
    "The modules of plmnb with one text in one of them replaced; the text must be there exactly once."
    source = Path(plmnb.__file__).parent / f"{module}.py"
    text = source.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"plmnb/{module}.py holds this {text.count(old)} times, it must be once: {old}"
    name = f"planted_{id(text):x}"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / source.name).write_text(text.replace(old, new), encoding="utf-8")
        package = types.ModuleType(name)
        package.__path__ = [folder, str(source.parent)]  # the changed file is found first, all others as they are
        sys.modules[name] = package
        try: yield Modules(name)
        finally:
            for loaded in [key for key in sys.modules if key.partition(".")[0] == name]: del sys.modules[loaded]


from . import attention, objectives, transformer  # noqa: E402, F401: each registers its oracles
