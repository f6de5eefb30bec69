"The small world is the same everywhere: its first texts have one hash, whatever the process, the order of sets, the locale or the working folder."
import os
import subprocess
import sys

import pytest

# changes only when the rules or the words change; then it is printed by chapter 13
HASH = "acd009e2ed568893c0855acbd7332eff9dc4fd256cd4df145a3d9879bdca3352"
SAY = "from plmnb.world import stream_hash; print(stream_hash())"


@pytest.mark.parametrize("setting", [{"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "LC_ALL": "C"}, {"PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}], ids=str)
def test_the_texts_are_the_same_bytes_everywhere(setting, tmp_path):
    done = subprocess.run([sys.executable, "-c", SAY], cwd=tmp_path, env={**os.environ, **setting}, capture_output=True, text=True)
    assert done.stdout.strip() == HASH, done.stderr
