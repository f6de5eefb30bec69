"What tests/bad_inputs.py and tests/hostile_files.py have in common: a place of one's own, a time limit, what a refusal has to say, and the table of all cells."
import faulthandler
import hashlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from unittest import mock

from tqdm import tqdm

from plmnb.core import PlmError

SECONDS = 5.0  # that any answer may take
REMEDY = re.compile(r"\b(add|ask|between|break|call|cast|change|check|chapters with|choose|clone|compress|copy|decode|delete|download|drop|fill|fine-tune|free|give|install|leave|loosen|lower|make|mend|merge|name|pass|pip|put|quote|"
                    r"restore|run|save|say|shorten|spell|start|take|there are|train|use|wait|write|at least|at most|from \d|above 0|or more|known are|more than|needs?)\b", re.I)


KEPT = re.compile(r"home(/(pretrained|tokenizers)(/[^/]+(/(run\.json|\.lock))?)?)?") # a run that has kept nothing may leave its name in the cache: it gives way to the next


@dataclass(frozen=True)
class Cell:
    "One kind of input at one place."
    kind: str
    place: str
    run: object         # (the folder where it happens) → a result, or a `Told` for a command line
    lay: object         # (the folder): what lies there before
    names: tuple = ()   # what the refusal must name: the file, the line, the field
    accepts: object = None # (result, folder) → whether it is right; None: it must be refused
    writes: tuple = ()  # patterns of what may be new or changed afterwards, where it is accepted

    def __str__(self): return f"{self.place}: {self.kind}"


@dataclass(frozen=True)
class Told:
    "How a command line ended."
    code: int
    out: str
    err: str


class TooSlow(BaseException):
    "So that no `except Exception` keeps it."


@contextmanager
def limited(seconds):
    "An alarm that also ends a wait for a pipe into which nobody writes."
    def ring(signum, frame): raise TooSlow(f"not done after {seconds:g} s")
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(4 * seconds, exit=True, file=sys.__stderr__) # foreign code that waits hears no alarm
    try: yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def contents(folder):
    "Every name below a folder, and what is there: bytes, or where a link leads."
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink(): found[name] = f"-> {os.readlink(path)}"
        elif path.is_file(): found[name] = hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
        else: found[name] = "folder" if path.is_dir() else "pipe"
    return found


def plmnb(*words):
    "Type a line in this process, in the folder where we are."
    from typer.testing import CliRunner
    from plmnb.cli import app
    with warnings.catch_warnings(), mock.patch("os.execv", side_effect=AssertionError("another program would have begun")):
        done = CliRunner().invoke(app, list(map(str, words)))
    if done.exception and not isinstance(done.exception, SystemExit): raise done.exception
    return Told(done.exit_code, done.stdout, done.stderr)


@cache
def warm():
    "The slow imports, once."
    for name in ("torch", "datasets", "transformers", "pyarrow.parquet", "nbformat", "nbconvert", "papermill", "huggingface_hub", "PIL.Image", "jinja2", "bleach", "mistune"): import_module(name)
    import transformers
    for name in ("AutoConfig", "AutoTokenizer", "AutoModelForSequenceClassification", "BertForMaskedLM", "Trainer", "TrainingArguments"): getattr(transformers, name)


def wrong_refusal(error, names):
    "What a message lacks; an empty list if it says all."
    said = " ".join(str(error).split())
    lacks = [f"does not say {name!r}" for name in names if name not in said]
    return lacks + ([] if REMEDY.search(said) else ["does not say what to do"])


@contextmanager
def surroundings(folder):
    "Inside of a folder, with a cache of its own, nothing on the terminal, the environment as it was afterwards."
    before, said = Path.cwd(), StringIO()
    with mock.patch.dict(os.environ, {"PLMNB_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "1"}), redirect_stdout(said), redirect_stderr(said):
        os.chdir(folder)
        try: yield
        finally: os.chdir(before)


def faults(cell, folder):
    "What is wrong with a cell; an empty list if nothing is. The folder is the cell's own, and empty. The time is that of the work: imports, and waiting for others on the machine, do not count."
    folder = Path(folder)
    warm()
    with surroundings(folder):
        cell.lay(folder)
        before, began, result, error = contents(folder), time.process_time(), None, None
        try:
            with limited(6 * SECONDS), warnings.catch_warnings(record=True):
                warnings.simplefilter("always")
                result = cell.run(folder)
        except (Exception, TooSlow) as raised: error = raised
        took = time.process_time() - began
        wrong = judged(cell, result, error, folder)
    after = contents(folder)
    may = lambda name: cell.accepts and any(Path(name).match(pattern) for pattern in cell.writes)
    new = [name for name in after if name not in before and not may(name) and not KEPT.fullmatch(name)]
    changed = [name for name in before if after.get(name) != before[name] and not may(name)]
    return wrong + ([f"left behind: {', '.join(new[:3])}"] if new else []) + ([f"changed: {', '.join(changed[:3])}"] if changed else []) + ([f"took {took:.1f} s"] if took > SECONDS else [])


def judged(cell, result, error, folder):
    "Whether it ended as it must."
    if cell.accepts: return [f"{type(error).__name__}: {error}"] if error else [] if cell.accepts(result, folder) else [f"accepted, but the result is not right: {str(result)[:200]}"]
    if isinstance(error, PlmError): return [f"{lack}: {error}" for lack in wrong_refusal(error, cell.names)]
    if error: return [f"{type(error).__name__} instead of a typed error: {error}"]
    if not isinstance(result, Told): return [f"accepted: {str(result)[:200]}"]
    lines = result.err.strip().splitlines()
    if result.code != 2: return [f"exit code {result.code}: {(result.err or result.out)[-300:]}"]
    if len(lines) != 1 or not lines[0].startswith("plmnb: "): return [f"not one line: {result.err[-300:]}"]
    return [f"{lack}: {lines[0]}" for lack in wrong_refusal(lines[0], cell.names)]


def faults_of_kind(cells, kind, folder):
    "What is wrong with the cells of one kind, by place; each in a folder of its own."
    wrong = {}
    for i, cell in enumerate(cell for cell in cells if cell.kind == kind):
        (folder / str(i)).mkdir()
        if found := faults(cell, folder / str(i)): wrong[cell.place] = found
    return wrong


def show(cells, counted):
    "Print a line a kind, and every cell that fails; whether none does."
    from proofs import table
    rows, failed = {}, []
    with tempfile.TemporaryDirectory() as root:
        for i, cell in enumerate(tqdm(cells, unit="cell", leave=False, dynamic_ncols=True)):
            folder = Path(root) / str(i)
            folder.mkdir()
            wrong = faults(cell, folder)
            shutil.rmtree(folder, ignore_errors=True)
            row = rows.setdefault(cell.kind, {"refused": 0, "accepted": 0, "failed": 0})
            row["failed" if wrong else "accepted" if cell.accepts else "refused"] += 1
            if wrong: failed.append([cell.place, cell.kind, "; ".join(wrong)])
    print(table([counted, "refused", "taken, rightly", "FAILED"], [[kind, *(str(n or "·") for n in row.values())] for kind, row in rows.items()]))
    places = sorted({cell.place for cell in cells})
    print(f"\n{len(rows)} kinds, {len(places)} places, {len(cells)} cells, {len(failed)} of them fail. The places:\n  " + "\n  ".join(places))
    for place, kind, wrong in failed: print(f"\nFAILED {place}: {kind}: {wrong}")
    return not failed
