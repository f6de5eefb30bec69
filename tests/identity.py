"""Run notebooks twice, the second time in other circumstances, and compare their claims to the last bit.

`python3 bootstrap.py identity`: the whole course at tiny scale; or `.venv/bin/python tests/identity.py attention 3_pretraining`.
The second run draws another order, has another hash seed, time zone and locale (ASCII, without UTF-8 mode), works in a copy of the course elsewhere,
with an empty home and, where the system lets us, without a network. Exit code 1 if a claim differs or a notebook fails.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLMNB = [sys.executable, "-m", "plmnb.cli"]
NO_NETWORK = ["unshare", "--net", "--map-root-user", "sh", "-c", 'ip link set lo up 2>/dev/null || exit 71; exec "$@"', "sh"] # kernels need the loopback
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def without_network():
    "The words before a command that take its network away; none where the system does not let us."
    tried = shutil.which("unshare") and subprocess.run([*NO_NETWORK, "true"], capture_output=True)
    return NO_NETWORK if tried and tried.returncode == 0 else []


def first(what, out, home):
    "As everybody runs it."
    subprocess.run([*PLMNB, "run", *what, "--scale", "tiny", "--device", "cpu", "--jobs", "2", "--out", out], cwd=ROOT, env={**os.environ, "PLMNB_HOME": str(home), "PYTHONPATH": str(ROOT)})


def second(what, out, place, seed):
    "In circumstances that should not matter."
    place.mkdir()
    (place / "home").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS", "LD_LIBRARY_PATH", "VIRTUAL_ENV") if name in os.environ}
    env = {**kept, "HOME": str(place / "home"), "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8", "TZ": "Pacific/Kiritimati", **OFFLINE}
    subprocess.run([*PLMNB, "course", "desk"], cwd=place, check=True, env=env, stdout=subprocess.DEVNULL)
    command = [*PLMNB, "run", *what, "--scale", "tiny", "--device", "cpu", "--jobs", "2", "--shuffle", "--out", out]
    subprocess.run([*without_network(), *command], cwd=place / "desk", env=env)


def run_twice(what, folder, seed=4711):
    "The folders of the two runs."
    folder.mkdir(exist_ok=True)
    first(what, folder / "first", folder / "cache")
    second(what, folder / "second", folder / "elsewhere", seed)
    return folder / "first", folder / "second"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=["all"], help="chapters or parts (all)")
    parser.add_argument("--seed", type=int, default=4711, help="of the hash of the second run (4711)")
    chosen = parser.parse_args()
    print("The second run has no network." if without_network() else "The second run is told to stay offline; this system does not let us take its network away.", flush=True)
    with tempfile.TemporaryDirectory() as folder: return subprocess.run([*PLMNB, "verify", *run_twice(chosen.what, Path(folder), chosen.seed)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode


if __name__ == "__main__": sys.exit(main())
