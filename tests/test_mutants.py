"The errors that famous courses and libraries shipped, planted one at a time: each is caught by the oracles it names."
import pytest

from mutants import MUTANTS, caught
from oracles import ORACLES

CASES = [(mutant, by) for mutant in MUTANTS for by in mutant.by]


def test_there_are_mutants_enough():
    assert len(MUTANTS) >= 30
    assert len({mutant.name for mutant in MUTANTS}) == len({(mutant.module, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant,by", CASES, ids=[f"{mutant.name}, by {by}" for mutant, by in CASES])
def test_a_planted_bug_is_caught_by_name(mutant, by):
    assert f"plmnb.{mutant.module}" in {f"plmnb.{name.partition('.')[0]}" for oracle in ORACLES.values() for name in oracle.about}
    assert mutant.old != mutant.new
    assert caught(mutant, by), f"{by} does not see: {mutant.name}"
