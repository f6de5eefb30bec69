"What tests/real_sets.py does without the sets: the mean of weights, and no set that the front page does not know."
from types import SimpleNamespace

import torch

from plmnb.cli import SETS as SHOWN
from real_sets import OTHERS, SETS, mean_of_weights


def test_the_front_page_shows_each_set(): assert {*SETS, *OTHERS} == {*SHOWN}


def test_mean_of_the_last_third():
    module, watch = torch.nn.Linear(1, 1, bias=False), mean_of_weights(24)
    for step in range(1, 25):
        with torch.no_grad(): module.weight.fill_(step)
        watch.on_step_end(None, SimpleNamespace(global_step=step), None, model=module)
    watch.on_train_end(None, None, None, model=module)
    assert module.weight.item() == (20 + 24) / 2


def test_too_few_steps_leave_the_weights():
    module, watch = torch.nn.Linear(1, 1, bias=False), mean_of_weights(3)
    before = module.weight.item()
    for step in range(1, 4): watch.on_step_end(None, SimpleNamespace(global_step=step), None, model=module)
    watch.on_train_end(None, None, None, model=module)
    assert module.weight.item() == before
