"Pre-training in processes of its own: the same twice, and the same when it was killed in between."
import hashlib
import os
import signal
import subprocess
import sys

SCRIPT = """
import sys
from datasets import DatasetDict
from plmnb.corpus import load_text
from plmnb.pretraining import Recipe, pretrain
from plmnb.training import TrainConfig
from plmnb.transformer import modern_config
data = load_text("pydoc")
few = DatasetDict({name: data[name].select(range(150)) for name in data})
plan = Recipe(modern_config(vocab_size=300, d_model=32, n_layers=1, n_heads=2, d_ff=64, dropout=0.1), TrainConfig(60, log_every=10, save_every=5), batch=8)
def log(history): print("step", history[-1]["step"], flush=True)
pretrain(few, plan, folder=sys.argv[1], seed=3, progress=False, on_log=log)
"""


def start(folder, hash_seed):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def outcome(folder):
    "The content of everything that a finished run says, and of its weights."
    files = [folder / "result.json", folder / "run.json", folder / "tokenizer.json", *sorted(folder.glob("step-*/tensors.safetensors"))]
    assert len(files) == 5
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_two_processes_get_the_same_bit_for_bit(tmp_path):
    runs = [start(tmp_path / name, name) for name in ("1", "2")]
    for run in runs: assert run.wait(timeout=300) == 0, run.stderr.read()
    assert outcome(tmp_path / "1") == outcome(tmp_path / "2")


def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path):
    whole, killed = start(tmp_path / "whole", "1"), start(tmp_path / "killed", "2")
    for line in killed.stdout:
        if line.startswith("step 30"): break
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(timeout=60) == -signal.SIGKILL and not (tmp_path / "killed" / "result.json").exists()
    again = start(tmp_path / "killed", "4")
    said, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors
    assert "Going on from step" in said
    assert whole.wait(timeout=300) == 0
    assert outcome(tmp_path / "whole") == outcome(tmp_path / "killed")


def test_two_processes_in_one_folder_wait_for_each_other(tmp_path):
    runs = [start(tmp_path / "same", "1") for _ in range(2)]
    said = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert sum("Waiting for another process" in out for out, _ in said) == 1
    assert sum("step 60" in out for out, _ in said) == 1 # the second found it finished
    assert outcome(tmp_path / "same")
