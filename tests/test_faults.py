"""What a checkpoint survives: every file operation of a save made to fail, bytes cut off or turned, a full disk, and a process that is killed at any moment, also while it saves."""
import builtins
import errno
import io
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch

from plmnb import checkpoint
from plmnb.checkpoint import CheckpointError, checkpoints_in, damage_of, latest_checkpoint, load_checkpoint, save_checkpoint

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the faults are planted in forked processes, which Windows has not")
# where a save touches the disk: everything that it calls of these is counted, and made to fail
PLACES = [(os, "mkdir"), (os, "open"), (os, "fsync"), (os, "replace"), (os, "rename"), (io, "open"), (builtins, "open"), (checkpoint, "save_file"), (os, "unlink"), (os, "rmdir")]
KILLED = 9


def tensors(step): return {"weight": torch.full((8, 4), float(step)), "count": torch.tensor(step)}


def two_before(folder):
    for step in (1, 2): save_checkpoint(folder, step, tensors(step), {"history": [step]})
    return folder


def sound(folder, *steps):
    "The newest checkpoint that is not damaged is one of these, and it says what was saved."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        newest = latest_checkpoint(folder)
    found, state = load_checkpoint(newest)
    assert state["step"] in steps and state["history"] == [state["step"]]
    assert all(torch.equal(value, tensors(state["step"])[name]) for name, value in found.items()) and set(found) == {"weight", "count"}
    return state["step"]


def goes_on(folder):
    "The next save works and clears away what was left lying."
    save_checkpoint(folder, 4, tensors(4), {"history": [4]})
    assert sound(folder, 4) == 4
    assert len(checkpoints_in(folder)) == 2 and not list(folder.glob(".part-*")) and not list(folder.glob("*.old"))


class Fault:
    "Counts the operations of a save, and at the one with its number does what it was made for."
    def __init__(self, at=None, before=None, after=None):
        self.at, self.before, self.after, self.seen = at, before, after, []

    def wrap(self, name, function):
        def planted(*args, **kwargs):
            number = len(self.seen)
            self.seen.append((name, str(args[0]) if args else ""))
            if number == self.at and self.before: self.before(name, args)
            result = function(*args, **kwargs)
            if number == self.at and self.after: return self.after(name, args, result)
            return result
        return planted

    def save(self, folder):
        with pytest.MonkeyPatch.context() as patch:
            for module, name in PLACES: patch.setattr(module, name, self.wrap(f"{module.__name__}.{name}", getattr(module, name)))
            return save_checkpoint(folder, 3, tensors(3), {"history": [3]})


def in_a_child(action):
    "The exit code of a forked process that does this and nothing else."
    child = os.fork()
    if not child:
        try: action()
        except BaseException: os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def operations(tmp_path_factory):
    traced = Fault()
    traced.save(two_before(tmp_path_factory.mktemp("traced") / "run"))
    return traced.seen


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    seen = operations(tmp_path_factory)
    names = {name for name, _ in seen}
    assert {"os.mkdir", "plmnb.checkpoint.save_file", "io.open", "builtins.open", "os.fsync", "os.replace", "os.unlink", "os.rmdir"} <= names and len(seen) >= 15, seen
    return seen


def refuse(number):
    def raises(name, args): raise OSError(number, os.strerror(number), str(args[0]))
    return raises


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=["disk full", "input/output error", "not permitted"])
def test_an_operation_that_fails(number, trace, tmp_path):
    refused = 0
    for at in range(len(trace)):
        folder = two_before(tmp_path / str(at))
        try: Fault(at, before=refuse(number)).save(folder)
        except CheckpointError as error:
            assert "earlier checkpoints are untouched" in str(error)
            refused += 1
        assert sound(folder, 2, 3) in (2, 3)
        goes_on(folder)
    assert refused >= len(trace) - 6, f"{refused} of {len(trace)} failures were told"  # clearing away may fail in silence, the next save does it


def die(*_): os._exit(KILLED)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_dies_at_an_operation(when, trace, tmp_path):
    done, deaths = [], 0
    for at in range(len(trace)):
        folder = two_before(tmp_path / str(at))
        code = in_a_child(lambda: Fault(at, **{when: die}).save(folder))
        assert code in (KILLED, 0)                                            # 0: an operation that raises comes to no end after which to die
        deaths += code == KILLED
        done.append(sound(folder, 2, 3))
        goes_on(folder)
    assert deaths >= len(trace) - 2 and 2 in done and 3 in done               # deaths on both sides of the moment that counts


def half_written(name, args, result):
    "A file that gets half of what it should, and then the process is gone; or nothing more than that for other operations."
    if name == "plmnb.checkpoint.save_file":
        path = Path(args[1])
        os.truncate(path, path.stat().st_size // 2)
        os._exit(KILLED)
    if hasattr(result, "write") and result.writable():
        whole = result.write
        def write(text):
            whole(text[:len(text) // 2])
            result.flush()
            os._exit(KILLED)
        class Half:
            def __enter__(self): return self
            def __exit__(self, *_): result.close()
            def __getattr__(self, attribute): return write if attribute == "write" else getattr(result, attribute)
        return Half()
    return result


def test_a_file_that_is_half_written(trace, tmp_path):
    halves = 0
    for at in range(len(trace)):
        folder = two_before(tmp_path / str(at))
        code = in_a_child(lambda: Fault(at, after=half_written).save(folder))
        halves += code == KILLED
        assert sound(folder, 2, 3) == (2 if code == KILLED else 3)
        goes_on(folder)
    assert halves == 3                                                        # tensors, state, manifest


def test_a_file_system_that_takes_no_more(tmp_path):
    "A real limit of the system: no file may grow beyond so many bytes."
    largest = max(path.stat().st_size for path in two_before(tmp_path / "sizes").glob("*/*"))
    for room in (0, 1, largest // 2, largest - 1):
        folder = two_before(tmp_path / str(room))
        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)                      # then a write fails instead of killing
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            try: save_checkpoint(folder, 3, tensors(3), {"history": [3]})
            except CheckpointError: os._exit(7)
        assert in_a_child(limited) == 7 and sound(folder, 2) == 2
        goes_on(folder)


def test_a_folder_that_may_not_be_written(tmp_path):
    if os.geteuid() == 0: pytest.skip("root may write everywhere")
    folder = two_before(tmp_path / "run")
    folder.chmod(0o555)
    try:
        with pytest.raises(CheckpointError, match="choose another folder"): save_checkpoint(folder, 3, tensors(3), {})
        assert sound(folder, 2) == 2
    finally: folder.chmod(0o755)


def refused(folder, target):
    "The newest is refused with what is wrong, and the one before it is used, loudly."
    assert damage_of(target)
    with pytest.raises(CheckpointError, match="the one before it"): load_checkpoint(target)
    with pytest.warns(UserWarning, match="passed over"): assert latest_checkpoint(folder) == folder / "step-00000001"


@pytest.fixture
def damaged(tmp_path):
    folder = two_before(tmp_path / "run")
    target = folder / "step-00000002"
    return folder, target, {path: path.read_bytes() for path in target.iterdir()}


def test_64_truncations(damaged):
    folder, target, contents = damaged
    draw = random.Random(0)
    for _ in range(64):
        path, whole = draw.choice(sorted(contents.items()))
        path.write_bytes(whole[:draw.randrange(len(whole))])
        refused(folder, target)
        path.write_bytes(whole)
    assert not damage_of(target)


def test_256_turned_bits(damaged):
    folder, target, contents = damaged
    draw = random.Random(1)
    for _ in range(256):
        path, whole = draw.choice(sorted(contents.items()))
        at, bit = draw.randrange(len(whole)), 1 << draw.randrange(8)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1:])
        if path.name == "manifest.json" and not damage_of(target):             # blank space that JSON does not mind: nothing was altered
            assert load_checkpoint(target)[1]["history"] == [2]
        else: refused(folder, target)
        path.write_bytes(whole)
    assert not damage_of(target)


def test_a_file_that_is_gone(damaged):
    folder, target, contents = damaged
    for path, whole in contents.items():
        path.unlink()
        refused(folder, target)
        path.write_bytes(whole)


# --- a process that is killed -------------------------------------------------------------------------------------------------

STEPS = 40


def train(folder, texts, saving):
    "In a process of its own: a small run that saves at every step, and says when it begins to."
    torch.set_num_threads(1)
    from datasets import Dataset, DatasetDict
    from plmnb import training
    from plmnb.pretraining import Recipe, pretrain
    from plmnb.transformer import bert_config
    save = training.save_checkpoint
    def announced(*args, **kwargs):
        saving.set()
        try: return save(*args, **kwargs)
        finally: saving.clear()
    training.save_checkpoint = announced
    sys.stdout = open(os.devnull, "w")
    plan = Recipe(bert_config(300, d_model=32, n_layers=1, n_heads=2, d_ff=64, dropout=0.1, nsp=True), training.TrainConfig(STEPS, log_every=7, save_every=1, accumulate=2), task="mlm_nsp", batch=8)
    pretrain(DatasetDict({name: Dataset.from_dict({"text": part}) for name, part in texts.items()}), plan, folder=folder, seed=3, progress=False)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob(f"step-{STEPS:08d}/*"))} | {"result": (folder / "result.json").read_bytes()}


def test_killed_again_and_again(tmp_path, request):
    "SIGKILL at random moments, every second one inside a save; what comes out is what an unbroken run gives, bit for bit."
    from plmnb.corpus import load_text
    kills, draw = request.config.getoption("--kills"), random.Random(2)
    data = load_text("pydoc")
    texts = {name: list(data[name]["text"][:150]) for name in data}
    context = multiprocessing.get_context("forkserver")                       # a new process in milliseconds, not in the seconds that importing takes
    context.set_forkserver_preload(["datasets", "plmnb.pretraining"])
    def start(folder):
        saving = context.Event()
        process = context.Process(target=train, args=(folder, texts, saving))
        process.start()
        return process, saving
    whole, _ = start(tmp_path / "whole")
    whole.join(timeout=300)
    assert whole.exitcode == 0
    killed = inside = runs = 0
    while killed < kills:
        folder = tmp_path / f"run-{runs}"
        runs += 1
        while killed < kills:
            process, saving = start(folder)
            if killed % 2: saving.wait(timeout=60), time.sleep(draw.uniform(0, 0.004))
            else: saving.wait(timeout=60), time.sleep(draw.uniform(0, 0.4))
            inside += saving.is_set()
            process.kill()
            process.join()
            if process.exitcode == 0: break                                    # it had ended before
            killed += 1
        last, _ = start(folder)
        last.join(timeout=300)
        assert last.exitcode == 0 and content(folder) == content(tmp_path / "whole")
    assert inside >= kills // 5
    print(f"{killed} kills, {inside} of them inside a save, {runs} runs that all ended alike")
