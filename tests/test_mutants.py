"The errors that famous courses and libraries shipped, planted one at a time: each is caught by the oracles it names."
import pytest
import torch

from mutants import MUTANTS, Mutant, caught
from oracles import ORACLES, Oracle, examine, planted
from proofs import report

CASES = [(mutant, by) for mutant in MUTANTS for by in mutant.by]


def test_there_are_mutants_enough():
    assert len(MUTANTS) >= 30
    assert len({mutant.name for mutant in MUTANTS}) == len({(mutant.module, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)
    assert [mutant.name for mutant in MUTANTS if mutant.old == mutant.new or not mutant.by] == []


@pytest.mark.parametrize("mutant,by", CASES, ids=[f"{mutant.name}, by {by}" for mutant, by in CASES])
def test_a_planted_bug_is_caught_by_name(mutant, by):
    assert caught(mutant, by), f"{by} does not see: {mutant.name}"


@pytest.mark.parametrize("module", ["attention", "transformer", "objectives"])
def test_a_copy_without_a_bug_is_not_caught(module):
    "So it is the bug that an oracle sees, and not that the module is a copy."
    mine = [mutant for mutant in MUTANTS if mutant.module == module]
    with planted(module, mine[0].old, mine[0].old) as modules:
        assert modules.package in getattr(modules, module).__name__ != f"plmnb.{module}"
        for by in sorted({by for mutant in mine for by in mutant.by}): examine(ORACLES[by], modules, examples=5)


@pytest.mark.parametrize("text,times", [("no such text", 0), ("Raises `ShapeError`", 2)])
def test_a_bug_that_cannot_be_planted_is_an_error(text, times):
    "A mutant whose text is no longer there, or no longer unique, would prove nothing."
    with pytest.raises(AssertionError, match="it must be once"), planted("attention", text, ""): pass


def test_the_printed_tables_tell_the_truth(monkeypatch, capsys):
    right, wrong = (Oracle(name, ("attention.attention",), "somebody", lambda m, draw, dtype, off=off: (0.0, off), False, (torch.float64,)) for name, off in {"right": 1e-11, "wrong": 1e-9}.items())
    sees = Oracle("sees", (), "", lambda m, draw, dtype: (float(not issubclass(m.attention.ShapeError, ValueError)), None), False, (torch.float64,))
    bug, harmless = (Mutant(name, "attention", "class ShapeError(PlmError, ValueError):", new, ("sees",)) for name, new in
                     {"bug": "class ShapeError(PlmError, TypeError):", "harmless": "class ShapeError(PlmError, LookupError, ValueError):"}.items())
    monkeypatch.setitem(ORACLES, "sees", sees)
    assert report([right], [bug], 3)
    assert "1e-11" in (said := capsys.readouterr().out) and "1 of 1 planted bugs" in said and "FAILED" not in said
    assert not report([right, wrong], [bug], 3) and "FAILED: wrong: differs by 1e-09" in capsys.readouterr().out
    assert not report([right], [bug, harmless], 3) and "NOT CAUGHT" in capsys.readouterr().out
