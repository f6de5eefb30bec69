"""Print what is proved: each function × oracle × largest difference, then each planted bug × the oracle that catches it.

`python3 bootstrap.py proofs`, or with more examples: `.venv/bin/python tests/proofs.py --examples 2000`. Exit code 1 if anything fails.
"""
import argparse
import math
import sys
import unicodedata
import warnings

import torch
from tqdm import tqdm

from mutants import MUTANTS, caught
from oracles import ORACLES, examine

DOUBLE, SINGLE = torch.float64, torch.float32


def cell(differences, dtype): return f"{differences[dtype]:.0e}" if dtype in differences else "·"


def oracle_row(oracle, examples):
    "The cells of an oracle, and whether it holds."
    error = None
    try: found = examine(oracle, examples=examples, shrink=False)
    except Exception as failure: found, error = failure.found, failure
    differences = [cell(kind, dtype) for kind in (found.values, found.gradients) for dtype in (DOUBLE, SINGLE)]
    if oracle.statistic: differences[:2] = f"p > 1e-{math.ceil(max(found.values.values(), default=0))}", ""
    return [str(found.examples), *differences, f"FAILED: {error}" if error else "ok"], error is None


def mutant_rows(mutant, examples):
    "A row for each oracle that must catch the bug, and whether all do."
    by_how_much = [caught(mutant, by, examples) for by in mutant.by]
    show = lambda by, how_much: f"p < 1e-{math.floor(how_much)}" if ORACLES[by].statistic and how_much < math.inf else f"{how_much:.2g}"
    rows = [[mutant.name, by, show(by, how_much) if how_much else "NOT CAUGHT"] for by, how_much in zip(mutant.by, by_how_much)]
    return rows, all(by_how_much)


def columns(text): return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def table(head, rows):
    widths = [max(columns(row[i]) for row in [head, *rows]) for i in range(len(head))]
    fill = lambda row: "  ".join(text + " " * (width - columns(text)) for text, width in zip(row, widths)).rstrip()
    return "\n".join(map(fill, [head, ["─" * width for width in widths], *rows]))


def report(oracles, mutants, examples):
    "Print both tables; whether everything holds."
    proofs, bugs, held, seen = [], [], [], []
    with tqdm(total=len(oracles) + len(mutants), unit="proof", leave=False, dynamic_ncols=True) as progress:
        for oracle in oracles:
            cells, holds = oracle_row(oracle, examples)
            proofs += [[about, oracle.by, *cells] for about in oracle.about]
            held.append(holds)
            progress.update()
        for mutant in mutants:
            rows, caught_by_all = mutant_rows(mutant, examples)
            bugs += rows
            seen.append(caught_by_all)
            progress.update()
    print(table(["function", "oracle", "examples", "values fp64", "fp32", "gradients fp64", "fp32", ""], sorted(proofs)))
    print(f"\nLargest differences; allowed are 1e-10 in fp64, 1e-5 in fp32, of a statistic p > 1e-10. {sum(held)} of {len(held)} oracles hold.\n")
    print(table(["planted bug", "caught by", "difference"], bugs))
    print(f"\n{sum(seen)} of {len(seen)} planted bugs are caught by every oracle that must.")
    return all(held + seen)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=200, help="drawn examples that each oracle sees (200)")
    warnings.simplefilter("ignore")
    return 0 if report(ORACLES.values(), MUTANTS, parser.parse_args().examples) else 1


if __name__ == "__main__": sys.exit(main())
