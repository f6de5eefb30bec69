"Every exported function of attention, transformer and objectives agrees with code that others wrote: see tests/oracles."
import importlib

import pytest
import torch

from oracles import ORACLES, Excess, compare, examine, largest

CHAPTERS = ("attention", "transformer", "objectives")


@pytest.mark.parametrize("name", ORACLES)
def test_oracle(name, request):
    examine(ORACLES[name], examples=request.config.getoption("examples"))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exported_name_has_an_oracle(chapter):
    "Or a reason why it needs none."
    exported = set(importlib.import_module(f"plmnb.{chapter}").__all__)
    proved = {name.partition(".")[2] for oracle in ORACLES.values() for name in oracle.about if name.startswith(f"{chapter}.")}
    reasons = importlib.import_module(f"oracles.{chapter}").UNPROVED
    assert proved <= exported, proved - exported
    assert set(reasons) == exported - proved, set(reasons) ^ (exported - proved)


def test_every_differentiable_function_has_gradients_compared():
    seen = {True: set(), False: set()}
    for oracle in ORACLES.values(): seen[not oracle.statistic and bool(examine(oracle, examples=2, shrink=False).gradients)] |= set(oracle.about)
    flat = {f"{chapter}.{name}" for chapter in CHAPTERS for name in importlib.import_module(f"oracles.{chapter}").FLAT}
    assert seen[False] - seen[True] == flat


def test_the_comparison_can_fail():
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert compare(x * 2, x + x, [x]) == (0.0, 0.0)
    values, gradients = compare(x, x.detach() + 0 * x, [x])
    assert values == 0.0 and gradients > 0.1
    for wrong in (x.T, x[:1], x * float("nan"), x + float("inf")): assert largest([wrong], [x]) == float("inf")
    with pytest.raises(ValueError): largest([x], [x, x])
    assert largest([1000 * x + 1e-3], [1000 * x]) < 1e-5 < largest([x + 1e-3], [x])


def test_an_oracle_that_differs_is_reported():
    import oracles
    broken = oracles.Oracle("broken", (), "", lambda m, draw, dtype: (1e-9, None), False, (torch.float64,))
    with pytest.raises(Excess, match="differs by 1e-09, allowed is 1e-10"): examine(broken)
