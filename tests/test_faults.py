"""What a checkpoint survives: every file operation of a save made to fail, files half written, bytes cut off or turned, a full disk, and a process that is killed at any moment, also while it saves."""
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


def one_before(folder):
    save_checkpoint(folder, 2, tensors(2), {"history": [2]})
    return folder


CASES = {"a new step": (two_before, 3, 2), "the only one that is kept": (one_before, 3, 1), "the same step again": (two_before, 2, 2)} # what is there, the step that is saved, how many are kept


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("step-*/*")}


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

    def save(self, folder, step=3, keep=2):
        with pytest.MonkeyPatch.context() as patch:
            for module, name in PLACES: patch.setattr(module, name, self.wrap(f"{module.__name__}.{name}", getattr(module, name)))
            return save_checkpoint(folder, step, tensors(step), {"history": [step]}, keep=keep)


def in_a_child(action):
    "The exit code of a forked process that does this and nothing else."
    child = os.fork()
    if not child:
        try: action()
        except BaseException: os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    "(what makes the folder as it is before, the step that is saved, how many are kept, how many operations that takes)"
    before, step, keep = CASES[request.param]
    traced = Fault()
    traced.save(before(tmp_path_factory.mktemp("traced") / "run"), step, keep)
    names = {name for name, _ in traced.seen}
    assert {"os.mkdir", "plmnb.checkpoint.save_file", "io.open", "builtins.open", "os.fsync", "os.replace", "os.unlink", "os.rmdir"} <= names and len(traced.seen) >= 15, traced.seen
    assert sum(name == "os.replace" for name, _ in traced.seen) == (2 if step == 2 else 1)
    return before, step, keep, len(traced.seen)


def refuse(number):
    def raises(name, args): raise OSError(number, os.strerror(number), str(args[0]))
    return raises


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=["disk full", "input/output error", "not permitted"])
def test_an_operation_that_fails(number, case, tmp_path):
    before, step, keep, operations = case
    refused = unconfirmed = 0
    for at in range(operations):
        folder = before(tmp_path / str(at))
        was = contents(folder)
        try: Fault(at, before=refuse(number)).save(folder, step, keep)
        except CheckpointError as error:
            refused += 1
            if "does not confirm" in str(error):                              # it has its name, and the folder could not be told
                unconfirmed += 1
                assert sound(folder, step) == step and set(contents(folder)) >= {path for path in was if f"step-{step:08d}" not in path.parts}
            else: assert "was not saved" in str(error) and "earlier checkpoints are untouched" in str(error) and contents(folder) == was, at
        else: assert sound(folder, step) == step
        goes_on(folder)
    assert refused >= operations - 12 and unconfirmed >= 1, f"{refused} of {operations} failures were told"  # clearing away may fail in silence, the next save does it


def die(*_): os._exit(KILLED)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_dies_at_an_operation(when, case, tmp_path):
    before, step, keep, operations = case
    done, deaths = [], 0
    for at in range(operations):
        folder = before(tmp_path / str(at))
        code = in_a_child(lambda: Fault(at, **{when: die}).save(folder, step, keep))
        assert code in (KILLED, 0)                                            # 0: an operation that raises comes to no end after which to die
        deaths += code == KILLED
        done.append(sound(folder, 2, step))
        goes_on(folder)
    assert deaths >= operations - 4 and {2, step} == set(done)                # deaths on both sides of the moment that counts


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


def test_a_file_that_is_half_written(case, tmp_path):
    before, step, keep, operations = case
    halves = 0
    for at in range(operations):
        folder = before(tmp_path / str(at))
        code = in_a_child(lambda: Fault(at, after=half_written).save(folder, step, keep))
        halves += code == KILLED
        assert sound(folder, 2, step) == (2 if code == KILLED else step)
        goes_on(folder)
    assert halves == 3                                                        # tensors, state, manifest


def order_of_a_save(folder, save=save_checkpoint):
    "What a save does to the disk, in its order: (what, name). A killed process loses nothing that the system still holds, a power cut does; so the order is looked at itself."
    events, name = [], lambda path: Path(path).name
    real = {"fsync": os.fsync, "replace": os.replace, "rmtree": checkpoint.shutil.rmtree}
    inodes = lambda: {path.stat().st_ino: path for path in [folder, *folder.rglob("*")]}
    def fsync(handle): events.append(("fsync", name(inodes()[os.fstat(handle).st_ino]))); real["fsync"](handle)
    def replace(source, target): events.append(("replace", name(target))); real["replace"](source, target)
    def rmtree(path, **kwargs):
        if Path(path).exists(): events.append(("delete", name(path)))
        real["rmtree"](path, **kwargs)
    with pytest.MonkeyPatch.context() as patch:
        for module, what, function in ((os, "fsync", fsync), (os, "replace", replace), (checkpoint.shutil, "rmtree", rmtree)): patch.setattr(module, what, function)
        save(folder, 3, tensors(3), {"history": [3]})
    return events


def in_order(events, run):
    "Files and their folder, the name, the folder above, and only then an older one goes."
    named = events.index(("replace", "step-00000003"))
    files = {("fsync", name) for name in ("tensors.safetensors", "state.json", "manifest.json", ".part-step-00000003")}
    return files <= set(events[:named]) and ("fsync", run) in events[named:] and events.index(("delete", "step-00000001")) > named + events[named:].index(("fsync", run))


def test_the_order_of_a_save(tmp_path):
    assert in_order(order_of_a_save(two_before(tmp_path / "run")), "run")


@pytest.mark.parametrize("mistake", ["older ones first", "the disk is asked after the name", "only the folder is asked"])
def test_a_wrong_order_is_seen(mistake, tmp_path, monkeypatch):
    folder, save = two_before(tmp_path / "run"), save_checkpoint
    if mistake == "older ones first":
        def save(folder, step, *args):
            checkpoint.tidy(folder, step, 2)
            return save_checkpoint(folder, step, *args)
    else:
        flush, publish, late = checkpoint.flush, checkpoint.publish, []
        monkeypatch.setattr(checkpoint, "flush", lambda path: flush(path) if Path(path).name == "run" else late.append(path))
        def named_first(part, target):
            publish(part, target)
            if mistake == "the disk is asked after the name":
                for path in late: flush(target if Path(path) == part else target / Path(path).name)
        monkeypatch.setattr(checkpoint, "publish", named_first)
    assert not in_order(order_of_a_save(folder, save), "run")


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


def test_a_damaged_one_is_not_what_is_kept(damaged):
    "Of two that are kept both must be good ones: the damaged goes, not the intact one before it."
    folder, target, contents = damaged
    (target / "state.json").write_text("{}")
    save_checkpoint(folder, 3, tensors(3), {"history": [3]})
    assert [step for step, _ in checkpoints_in(folder)] == [3, 1] and sound(folder, 3) == 3
    (folder / "step-00000003" / "state.json").write_text("{}")
    assert sound(folder, 1) == 1


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


def until(process, happens, seconds=60):
    "Wait for it, or for the end of the process."
    deadline = time.monotonic() + seconds
    while process.is_alive() and not happens():
        assert time.monotonic() < deadline
        time.sleep(0.0003)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob(f"step-{STEPS:08d}/*"))} | {"result": (folder / "result.json").read_bytes()}


def test_killed_again_and_again(tmp_path, request):
    "SIGKILL at random moments, every second one aimed into a save; what comes out is what an unbroken run gives, bit for bit."
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
    killed = inside = early = runs = 0
    while killed < kills:
        folder = tmp_path / f"run-{runs}"
        runs += 1
        while killed < kills:
            process, saving = start(folder)
            if killed % 4 == 0: time.sleep(draw.uniform(0, 1.0))               # also before the first save: reading, resuming, writing the tokenizer
            elif killed % 2 == 0: until(process, saving.is_set), time.sleep(draw.uniform(0, 0.4))
            else:                                                              # inside one of the next saves
                for _ in range(draw.randint(0, 3)): until(process, saving.is_set), until(process, lambda: not saving.is_set())
                until(process, saving.is_set), time.sleep(draw.uniform(0, 0.002))
            now = saving.is_set()
            process.kill()
            process.join()
            assert process.exitcode in (0, -signal.SIGKILL), process.exitcode  # it never ends by itself with an error
            if process.exitcode == 0: break                                    # it had ended before
            killed, inside, early = killed + 1, inside + now, early + (not list(folder.glob("step-*")))
        last, _ = start(folder)
        last.join(timeout=300)
        assert last.exitcode == 0 and content(folder) == content(tmp_path / "whole")
    assert inside >= 0.3 * kills
    print(f"{killed} kills, {inside} of them inside a save, {early} before the first, {runs} runs that all ended alike")
