"Every score equals its library; `python tests/equality.py` shows the table, on more inputs."
import pytest

from equality import ROWS, compared


def test_every_score_equals_its_library():
    rows = list(compared(60, seed=1))
    assert len(rows) == len(ROWS) >= 17
    assert not [(name, gap) for name, _, _, gap, allowed in rows if not gap <= allowed]


def test_the_table_can_fail():
    name, ours, called, theirs, draw, degenerate, allowed = ROWS[0]
    ROWS.append((name, lambda *given: ours(*given) + 1e-6, called, theirs, draw, degenerate, allowed))
    try: assert [row for row in compared(3) if row[3] > row[4]]
    finally: ROWS.pop()
