"What tests/real_sets.py does without the sets: the mean of weights, and the table from a ledger."
from types import SimpleNamespace

import torch

from real_sets import mean_of_weights, table


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


def test_table_has_a_row_for_each_set_and_machine():
    run = lambda value, *places: {"runs": {place: {"value": value, "tolerance": 0.0, "data": "", "seeds": 2} for place in places}}
    ledger = {"schema": 1, "claims": {"real/mr/minilm_accuracy": run(0.75, "laptop/cpu", "gpu/cuda"), "real/mr/tfidf_accuracy": run(0.5, "gpu/cuda"), "real/mr/work": run(60.4, "laptop/cpu"), "real/kdconv/nearest_bleu": run(6.5, "laptop/cpu"), "other/a/b": run(1, "laptop/cpu")}}
    assert table(ledger).splitlines()[2:] == ["| mr | accuracy | gpu/cuda |  | 0.500 | 0.750 | 2 |  |  |", "| mr | accuracy | laptop/cpu |  |  | 0.750 | 2 | 60 |  |", "| kdconv | bleu | laptop/cpu |  | 6.5 |  |  |  |  |"]
