"""Create or repair the environment in .venv, then run a command in it: `python3 bootstrap.py run|test|proofs|bad-inputs|hostile-files|faults|identity|lab|site|install`.

Only the standard library is used. The exact versions are in constraints.txt; a stamp of everything that decides
the environment makes a second call cheap, and is written last, so that an interrupted install is taken up again.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "plmnb.stamp"
COMMANDS = {
    "run": [["-m", "plmnb.cli", "run", "main", "--out", "runs/main"]],
    "install": [],
    "test": [["-m", "pytest", "tests", "-v", "-p", "no:cacheprovider"]],
    "proofs": [["tests/proofs.py"]],
    "bad-inputs": [["tests/bad_inputs.py"]],
    "hostile-files": [["tests/hostile_files.py"]],
    "faults": [["tests/suite_faults.py"]],
    "identity": [["tests/identity.py"]],
    "site": [["docs/build.py"]],
    "lab": [["-m", "plmnb.cli", "lab"]],
}


def fingerprint():
    "What decides the environment: the interpreter, where it lies, and the files that name its packages."
    files = [HERE / name for name in ("constraints.txt", "settings.ini", "setup.py")]
    parts = [sys.version.encode(), str(HERE).encode(), *(file.read_bytes() for file in files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def pip(*args, check=True):
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-q", *args]
    # the pip of an older Python would run the setup.py of packages in this environment, which has not what they need; where pip knows no such option it ignores this
    return subprocess.run(command, cwd=HERE, check=check, env=os.environ | {"PIP_USE_PEP517": "1"}).returncode == 0


def is_sound():
    "Whether .venv is of this Python, was made in this place, and has pip."
    script = VENV / "bin" / "pip"
    if not (PYTHON.exists() and script.exists() and str(VENV) in script.read_text()[:600]):
        return False
    told = subprocess.run([PYTHON, "-c", "import sys, pip; print(sys.version)"], capture_output=True, text=True)
    return told.returncode == 0 and told.stdout.strip() == sys.version.strip()


def install_torch():
    "Torch first and alone: a wheel that pip already knows, else the CPU build where there is no GPU, else the default."
    pins = (HERE / "constraints.txt").read_text().splitlines()
    pin = next(line for line in pins if line.startswith("torch=="))
    no_gpu = shutil.which("nvidia-smi") is None
    cpu_build = ["--index-url", "https://download.pytorch.org/whl/cpu", "--retries", "1", "--timeout", "15"]
    tries = [["--no-index"], cpu_build] if no_gpu else []
    if not any(pip("--no-deps", *options, pin, check=False) for options in tries):
        pip("--no-deps", pin)


def install():
    "Make .venv hold exactly what constraints.txt says, unless its stamp says that it does."
    if STAMP.exists() and STAMP.read_text() == fingerprint():
        return
    print("Installing plmnb and its tools into .venv: a few minutes, once.", flush=True)
    STAMP.unlink(missing_ok=True)
    if not is_sound():
        venv.create(VENV, with_pip=True, clear=True)
    install_torch()
    pip("-c", "constraints.txt", "-e", ".[dev]")
    STAMP.write_text(fingerprint())


def finish(command, path):
    "Run a command to its end, and return its exit code. Ctrl-C reaches the command itself, which ends in its own time."
    process = subprocess.Popen([PYTHON, *command], cwd=HERE, env={**os.environ, "PATH": path})
    while True:
        try: return process.wait()
        except KeyboardInterrupt: continue


def main():
    if sys.version_info < (3, 11):
        raise SystemExit(f"plmnb needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        raise SystemExit(f"usage: python3 bootstrap.py {'|'.join(COMMANDS)}")
    try:
        install()
    except subprocess.CalledProcessError:
        raise SystemExit("The packages could not be installed; why stands above. The first time this needs the internet and some gigabytes on the disk,"
                         " and on Debian or Ubuntu also: apt install python3-venv. The same command goes on where it stopped.") from None
    path = os.pathsep.join([str(VENV / "bin"), os.environ["PATH"]])
    for command in COMMANDS[sys.argv[1]]:
        if code := finish(command, path):
            raise SystemExit(code)


if __name__ == "__main__":
    main()
