"The front page says what is true today, and its code runs."
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "nbs/index.ipynb")


def render(root):
    subprocess.run([sys.executable, "-m", "plmnb.cli", "readme", str(root)], cwd=ROOT, check=True)


def copy_to(target):
    shutil.copytree(ROOT / "nbs", target / "nbs", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    if (ROOT / "results").exists(): shutil.copytree(ROOT / "results", target / "results")


def test_the_readme_is_the_rendered_front_page(tmp_path):
    "When this fails, run `plmnb readme`."
    copy_to(tmp_path)
    render(tmp_path)
    for name in PAGES: assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes(), name


def test_a_new_chapter_and_a_new_result_reach_the_readme(tmp_path):
    copy_to(tmp_path)
    page = json.loads((tmp_path / "nbs/0_ground/00_core.ipynb").read_text(encoding="utf-8"))
    page["cells"][0]["source"], page["cells"][1]["source"] = ["#| default_exp another"], ["# Another chapter"]
    (tmp_path / "nbs/0_ground/09_another.ipynb").write_text(json.dumps(page), encoding="utf-8")
    run = {"value": 1.25, "tolerance": 0.1, "seeds": 3, "data": "", "notebook": ""}
    claims = {"pretraining/pydoc/mlm_nats": {"unit": "nats/token", "better": "lower", "runs": {"laptop/cpu": run}}}
    (tmp_path / "results").mkdir(exist_ok=True)
    (tmp_path / "results/claims.json").write_text(json.dumps({"schema": 1, "claims": claims}), encoding="utf-8")
    render(tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| 09 | [Another chapter](nbs/0_ground/09_another.ipynb) | `plmnb.another` |" in text
    assert "| pretraining/pydoc/mlm_nats | laptop/cpu | 1.25 ± 0.1 | nats/token | 3 |" in text


def test_every_link_leads_to_a_file():
    links = re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links and [link for link in links if not (ROOT / link).is_file()] == []


def test_the_code_in_the_readme_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks: subprocess.run([sys.executable, "-c", block], cwd=ROOT, check=True)


def test_every_command_in_the_readme_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()[0].split()
    assert set(re.findall(r"make (\w+)`", text)) | set(re.findall(r"bootstrap\.py (\w+)", text)) <= set(makefile)
    verbs = set(re.findall(r"plmnb ([a-z]+) ", text)) | set(re.findall(r"(?m)^plmnb ([a-z]+)", text))
    for verb in sorted(verbs): subprocess.run([sys.executable, "-m", "plmnb.cli", verb, "--help"], cwd=ROOT, check=True, capture_output=True)
    assert {"pretrain", "finetune", "fill", "run", "doctor"} <= verbs
