"The command line in processes of its own: what it prints, where it writes, how it ends."
import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PLMNB = [sys.executable, "-m", "plmnb.cli"]
VERBS = ("run", "report", "verify", "course", "lab", "progress", "grade", "pretrain", "finetune", "push", "fill", "write", "bench", "doctor")
HEADER = ["What was said, and how?", "Kind (ours)"]
COLUMNS = ["--text-column", HEADER[0], "--label-column", HEADER[1]]


def environment(home):
    return {**os.environ, "PYTHONPATH": str(ROOT), "PLMNB_HOME": str(home), "HF_HUB_OFFLINE": "1"}


def plmnb(*words, cwd, code=0):
    "Type a line in a folder whose cache is its own."
    done = subprocess.run([*PLMNB, *map(str, words)], cwd=cwd, env=environment(cwd / "cache"), capture_output=True, text=True)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def refusal(*words, cwd):
    "The one line on stderr that a wrong request gets; nothing on stdout, and no folder for a result."
    done = plmnb(*words, cwd=cwd, code=2)
    lines = done.stderr.strip().splitlines()
    assert done.stdout == "" and len(lines) == 1 and lines[0].startswith("plmnb: "), done
    return lines[0]


def write_notes(folder):
    "Texts of Python's documentation, as a user's notes."
    from plmnb.corpus import load_text
    folder.mkdir()
    texts = [re.sub(r"\n\s*\n", "\n", text) for text in load_text()["validation"]["text"][:400]]
    for i in range(4): (folder / f"note {i}.txt").write_text("\n\n".join(texts[i::4]), encoding="utf-8")


def write_table(path):
    "A table as they come: byte-order mark, CRLF, commas and line ends in quotes, columns that nobody foresaw."
    draw, words = random.Random(0), {"weather": "rain wind cloud storm frost sun".split(), "kitchen": "bread salt oven soup knife butter".split()}
    rows = [[f'They said, "{" ".join(draw.choices(words[kind], k=6))}",\nand left; no. {i}', kind] for i in range(90) for kind in words]
    with open(path, "w", encoding="utf-8-sig", newline="") as file: csv.writer(file).writerows([HEADER, *rows])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") and b"\r\n" in path.read_bytes()


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    "A user's folder with notes and a table."
    folder = tmp_path_factory.mktemp("desk")
    write_notes(folder / "my notes")
    write_table(folder / "labels.csv")
    return folder


@pytest.fixture(scope="module")
def pretrained(desk):
    "The line of the README: the pattern is given to a shell."
    line = f"{' '.join(PLMNB)} pretrain --text my\\ notes/*.txt --scale tiny --device cpu --out mine"
    done = subprocess.run(line, shell=True, cwd=desk, env=environment(desk / "cache"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def test_help_is_quick_and_light(tmp_path):
    def seconds():
        began = time.perf_counter()
        plmnb("--help", cwd=tmp_path)
        return time.perf_counter() - began
    assert min(seconds() for _ in range(5)) < 0.5
    program = "import sys, plmnb.cli; print(sorted({'torch', 'transformers', 'datasets', 'matplotlib', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_help_has_examples(tmp_path):
    told = plmnb("--help", cwd=tmp_path).stdout
    for verb in VERBS:
        assert f"  {verb} " in told
        examples = plmnb(verb, "-h", cwd=tmp_path).stdout.partition("Examples:\n")[2].strip().splitlines()
        assert examples and all(line.strip().startswith((f"plmnb {verb}", f"accelerate launch -m plmnb.cli {verb}")) for line in examples), examples
    assert re.fullmatch(r"plmnb \d+\.\d+\.\d+\n", plmnb("--version", cwd=tmp_path).stdout)


@pytest.mark.parametrize("words", [["nonsense"], ["pretrain", "--no-such-option"], ["fill"], ["pretrain", "--seed", "many"], []])
def test_bad_usage_ends_with_2(words, tmp_path):
    done = plmnb(*words, cwd=tmp_path, code=2)
    assert "Usage: plmnb" in done.stdout + done.stderr and "Traceback" not in done.stderr


def test_doctor(tmp_path):
    done = plmnb("doctor", cwd=tmp_path)
    for line in (r"cores +\d+", r"memory +\d+\.\d GiB", r"packages +plmnb \d", r"extra course +complete", r"--scale tiny --shape bert .*\d (s|min)"): assert re.search(line, done.stdout), done.stdout
    assert str(tmp_path / "cache") in done.stdout and "main job" in done.stdout and done.stderr == ""


def test_lab_opens_the_course_and_not_the_notebooks_of_another_project(tmp_path, monkeypatch):
    from plmnb import cli
    opened = []
    monkeypatch.setattr(cli.os, "execv", lambda program, words: opened.append(Path(words[-1])))
    (tmp_path / "nbs").mkdir()
    (tmp_path / "nbs" / "index.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    cli.lab()
    assert opened == [Path("plmnb-course/nbs/index.ipynb")] and (tmp_path / "plmnb-course/nbs/0_ground/00_core.ipynb").is_file()
    monkeypatch.chdir(tmp_path / "plmnb-course" / "nbs" / "2_model")
    cli.lab()
    assert opened[1] == (tmp_path / "plmnb-course/nbs/index.ipynb") and (tmp_path / "nbs" / "index.ipynb").read_text(encoding="utf-8") == "{}"


def test_bad_input_is_one_line_and_comes_before_the_work(desk):
    (desk / "thesis").mkdir()
    (desk / "thesis" / "draft.txt").write_text("two years of work")
    (desk / "binary.txt").write_bytes(b"\xff\xfe\x00\x01 not text")
    (desk / "nothing").mkdir()
    (desk / "alike.csv").write_text("a,b,c\n" + "".join(f"some words {i},other words {i},{i % 2}\n" for i in range(30)))
    for message, words in {
            "no such file": ["pretrain", "--text", "my ntoes/*.txt"],
            "it has 'What was said, and how?', 'Kind (ours)'": ["pretrain", "--text", "labels.csv"],
            "it has 'What was said, and how?', 'Kind (ours)':": ["finetune", "--data", "labels.csv", "--text-column", HEADER[0], "--label-column", "kind", "--out", "other"],
            "say which holds the text, by --text-column": ["finetune", "--data", "alike.csv", "--out", "other"],
            "no task 'poetry'": ["finetune", "--data", "alike.csv", "--text-column", "a", "--label-column", "c", "--task", "poetry", "--model", "nothing", "--out", "other"],
            "write --column OURS=THEIRS": ["finetune", "--data", "alike.csv", "--task", "matching", "--column", "question", "--out", "other"],
            "matching has no column 'queston'": ["finetune", "--data", "alike.csv", "--task", "matching", "--column", "queston=a", "--out", "other"],
            "no such file, folder": ["finetune", "--data", "lables.csv", "--out", "other"],
            "not UTF-8": ["pretrain", "--text", "binary.txt"],
            "folder or pattern": ["pretrain", "--text", "nothing"],
            "at least 3": ["pretrain", "--text", "thesis/draft.txt"],
            "'gpt' or 'bart'": ["pretrain", "--shape", "t5"],
            "'tiny', 'laptop', 'gpu'": ["pretrain", "--scale", "huge"],
            "use 'auto', 'cpu' or 'cuda'": ["pretrain", "--device", "tpu"],
            "4294967295": ["pretrain", "--seed", "-1", "--scale", "tiny"],
            "thesis is not empty, and nothing in it was touched": ["pretrain", "--text", "my notes", "--out", "thesis"],
            "draft.txt is no folder": ["finetune", "--data", "labels.csv", *COLUMNS, "--out", "thesis/draft.txt"],
            "'no_such_chapter' is no notebook": ["run", "no_such_chapter"],
            "write -p NAME VALUE": ["run", "-p", "n"],
            "no results in": ["report", "nothing/here"],
            "no run in": ["report"],
            "has no [MASK]": ["fill", "--model", "nothing", "a sentence without a gap"],
            "nothing is no model": ["finetune", "--data", "labels.csv", *COLUMNS, "--model", "nothing", "--out", "other"],
            "no/such: the Hub": ["finetune", "--data", "labels.csv", *COLUMNS, "--model", "no/such", "--out", "other"],
            "nothing": ["fill", "--model", "nothing", "a [MASK]"]}.items():
        assert message in refusal(*words, cwd=desk)
    assert (desk / "thesis" / "draft.txt").read_text() == "two years of work" and not (desk / "other").exists() and not (desk / "runs").exists()
    assert "Traceback" in plmnb("pretrain", "--text", "my ntoes/*.txt", "--debug", cwd=desk, code=2).stderr


def test_pretrain_reports_and_saves(desk, pretrained):
    for line in (r"this model +\d\.\d{3}", r"words counted +\d\.\d{3}", r"\d\.\d{3} bits per character", r"\[MASK\].*\n +.*%.*\(it was: \w+\)", r"Saved in mine"): assert re.search(line, pretrained.stdout), pretrained.stdout
    noise = [line for line in re.split(r"[\r\n]+", pretrained.stderr) if line.strip() and not re.search(r"\d+/\d+ \[", line)]
    assert noise == []  # the bar, and nothing that a library has to say
    program = ("from transformers import AutoModelForMaskedLM, AutoTokenizer; model, tokenizer = AutoModelForMaskedLM.from_pretrained('mine'), AutoTokenizer.from_pretrained('mine'); "
               "assert model(**tokenizer('a [MASK] in a file', return_tensors='pt')).logits.shape[-1] == len(tokenizer); print(type(model).__name__)")
    done = subprocess.run([sys.executable, "-c", program], cwd=desk, env=environment(desk / "cache"), capture_output=True, text=True)
    assert done.stdout.strip() == "ModernBertForMaskedLM", done.stderr


def test_a_quoted_pattern_means_the_same_run(desk, pretrained):
    before = {path.name: path.stat().st_mtime_ns for path in (desk / "mine").iterdir()}
    assert "nothing to train" in plmnb("pretrain", "--text", "my notes/*.txt", "--scale", "tiny", "--device", "cpu", "--out", "mine", cwd=desk).stdout
    assert before == {path.name: path.stat().st_mtime_ns for path in (desk / "mine").iterdir()}
    assert "another text" in refusal("pretrain", "--text", "my notes/note 0.txt", "my notes/note 1.txt", "--scale", "tiny", "--out", "mine", cwd=desk)


def test_fill(desk, pretrained):
    told = plmnb("fill", "--model", "mine", "-k", "3", "Return the [MASK] of the [MASK].", cwd=desk).stdout
    gaps = re.findall(r"(?m)^gap (\d) +probability\n((?:\S+ +0\.\d{3}\n){3})", told)
    assert [number for number, _ in gaps] == ["1", "2"]
    for _, rows in gaps:
        probabilities = [float(p) for p in re.findall(r"0\.\d{3}", rows)]
        assert probabilities == sorted(probabilities, reverse=True)


def test_finetune_on_a_users_table(desk, pretrained):
    line = ["finetune", "--data", "labels.csv", *COLUMNS, "--model", "mine", "--scale", "tiny", "--device", "cpu", "--out", "sorter"]
    done = plmnb(*line, cwd=desk)
    scores = {name: float(value) for name, value in re.findall(r"(?m)^(\S.*?) +(\d\.\d{3}) \(\d\.\d\d–\d\.\d\d\) +\d\.\d{3} \(\d\.\d\d–\d\.\d\d\)$", done.stdout)}
    assert set(scores) == {"fine-tuned", "TF-IDF + logistic regression", "commonest class"}, done.stdout
    assert scores["TF-IDF + logistic regression"] == 1 and scores["commonest class"] < 0.8  # the classes share no word but the frame
    assert "2 classes: kitchen, weather" in done.stdout
    program = ("from transformers import pipeline; sort = pipeline('text-classification', 'sorter', device='cpu'); "
               "print(sort('They said, rain wind storm')[0]['label'], sort.model.config.id2label)")
    sorted_ = subprocess.run([sys.executable, "-c", program], cwd=desk, env=environment(desk / "cache"), capture_output=True, text=True)
    assert "{0: 'kitchen', 1: 'weather'}" in sorted_.stdout, sorted_.stderr
    assert "not empty" in refusal(*line, cwd=desk)


def test_a_table_that_nobody_foresaw(desk, pretrained):
    "A BOM, CRLF, semicolons, quotes, commas and line ends in quotes, a header in another language: the columns are guessed, and told; LoRA, and settings of one's own."
    rows = "".join(f'{i};"{"Regen, Sturm" if i % 2 else "Suppe, Brot"} Nr. {i};\r\n sagte ""sie""";{"Wetter" if i % 2 else "Küche"}\r\n' for i in range(60))
    (desk / "übersicht.csv").write_bytes(b"\xef\xbb\xbf" + ("Nr;Was gesagt wurde;Gehört zu\r\n" + rows).encode())
    done = plmnb("finetune", "--data", "übersicht.csv", "--model", "mine", "--scale", "tiny", "--way", "lora", "-p", "epochs", "2", "--device", "cpu", "--out", "lists", cwd=desk)
    assert "Taking the column 'Was gesagt wurde' for the text" in done.stderr and "Taking the column 'Gehört zu' for the label" in done.stderr
    assert "2 classes: Küche, Wetter" in done.stdout
    found = json.loads((desk / "lists" / "scores.json").read_text())
    assert found["way"] == "lora" and found["config"]["epochs"] == 2 and sum(found["rows"].values()) == 60 and found["test_read_before"] == 0
    assert "no setting 'rate'" in refusal("finetune", "--data", "übersicht.csv", "--text-column", "Was gesagt wurde", "--label-column", "Gehört zu", "--model", "mine", "-p", "rate", "1", "--out", "other", cwd=desk)
    again = plmnb("finetune", "--data", "übersicht.csv", "--model", "mine", "--scale", "tiny", "--device", "cpu", "--out", "second", cwd=desk)
    assert "have been read 1 time before" in again.stdout


def test_other_heads_than_classes(desk, pretrained):
    "Names in texts from a folder of train, dev and test; questions from SQuAD's columns; a number; texts that belong together."
    (desk / "names").mkdir()
    for name, n in (("train", 40), ("dev", 10), ("test", 10)):
        rows = [{"words": ["Today", f"Ann{name}{i}", "sings", "."], "marks": ["O", "B-PER", "O", "O"]} for i in range(n)]
        (desk / "names" / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = plmnb("finetune", "--data", "names", "--task", "ner", "--column", "tokens=words", "--column", "ner_tags=marks", "--model", "mine", "--scale", "tiny", "--device", "cpu", "--out", "tagger", cwd=desk)
    assert "40 train, 10 validation, 10 test; 2 classes: O, B-PER" in done.stdout and re.search(r"(?m)^without reading +0\.000", done.stdout)
    squad = [{"context": f"The key of room {i} lies in box {i + 3}.", "question": f"Where is the key of room {i}?", "answers": {"text": [f"box {i + 3}"], "answer_start": [len(f"The key of room {i} lies in ")]}} for i in range(40)]
    (desk / "squad.jsonl").write_text("\n".join(map(json.dumps, squad)))
    assert "AutoModelForQuestionAnswering" in plmnb("finetune", "--data", "squad.jsonl", "--task", "reading", "--model", "mine", "--scale", "tiny", "--device", "cpu", "--out", "reader", cwd=desk).stdout
    squad[7]["answers"]["answer_start"] = [0]
    (desk / "squad.jsonl").write_text("\n".join(map(json.dumps, squad)))
    assert "does not stand in the context at 0" in refusal("finetune", "--data", "squad.jsonl", "--task", "reading", "--model", "mine", "--scale", "tiny", "--out", "other", cwd=desk)
    (desk / "prices.csv").write_text("text,number\n" + "".join(f"a house of {i} rooms,{100 * i}\n" for i in range(40)))
    assert "r2" in plmnb("finetune", "--data", "prices.csv", "--task", "regression", "--model", "mine", "--scale", "tiny", "--device", "cpu", "--out", "prices", cwd=desk).stdout
    (desk / "pairs.csv").write_text("frage,antwort\n" + "".join(f"Who lives in house {i}?,House {i} belongs to Ann.\n" for i in range(40)))
    done = plmnb("finetune", "--data", "pairs.csv", "--task", "similarity", "--column", "first=frage", "--column", "second=antwort", "--model", "mine", "--scale", "tiny", "--device", "cpu", "--out", "twins", cwd=desk)
    assert "AutoModel.from_pretrained" in done.stdout and re.search(r"(?m)^without reading +0\.\d{3}", done.stdout)
    assert "no column 'first'" in refusal("finetune", "--data", "pairs.csv", "--task", "similarity", "--model", "mine", "--scale", "tiny", "--out", "other", cwd=desk)


def test_the_small_world_is_a_source(desk, pretrained):
    "Messages of thieves, sorted by the user's model; a dial that is not there is refused at once."
    done = plmnb("finetune", "--data", "world:people=100", "--task", "spam", "--model", "mine", "--scale", "tiny", "--device", "cpu", "--out", "thieves", cwd=desk)
    assert "2 classes: ham, spam" in done.stdout
    scores = {name: float(value) for name, value in re.findall(r"(?m)^(\S.*?) +(\d\.\d{3}) \(", done.stdout)}
    assert scores["fine-tuned"] > scores["TF-IDF + logistic regression"] + 0.2  # the order of words decides, and it reads in order
    assert "no dial 'weather'" in refusal("finetune", "--data", "world:weather=1", "--out", "other", cwd=desk)
    assert "no dial 'weather'" in refusal("pretrain", "--text", "world:weather=1", "--out", "other", cwd=desk)


def test_interrupted_pretraining_goes_on_to_the_same_result(desk, pretrained, tmp_path):
    "Ctrl-C after a checkpoint; the same line again ends where a run ends that was never stopped."
    line = [*PLMNB, "pretrain", "--text", "my notes/*.txt", "--scale", "tiny", "--device", "cpu", "--out", str(tmp_path / "resumed")]
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) # a shell's background job, as CI may be, ignores Ctrl-C and would pass that on
    process = subprocess.Popen(line, cwd=desk, env=environment(tmp_path / "cache"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    while process.poll() is None and not list((tmp_path / "cache").rglob("step-*/manifest.json")): time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told, complaint = process.communicate()
    assert process.returncode == 130, (told, complaint)
    assert complaint.strip().splitlines()[-1] == "Stopped. The same command goes on from the last checkpoint." and "Traceback" not in complaint
    assert not (tmp_path / "resumed").exists()

    done = subprocess.run(line, cwd=desk, env=environment(tmp_path / "cache"), capture_output=True, text=True)
    assert done.returncode == 0 and re.search(r"Going on from step \d+ of \d+", done.stdout), done.stdout
    files = sorted(path.name for path in (desk / "mine").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "resumed").iterdir())
    assert [name for name in files if (desk / "mine" / name).read_bytes() != (tmp_path / "resumed" / name).read_bytes()] == []


def write_notebook(path, *sources):
    path.parent.mkdir(parents=True, exist_ok=True)
    parameters = nbformat.v4.new_code_cell('scale = "auto"\nseed = 0\ndevice = "auto"\nn = 2', metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[parameters, *map(nbformat.v4.new_code_cell, sources)]), path)


CLAIM = "from plmnb.claims import claim\nfrom plmnb.core import Run\nclaim('test/own/number', n, Run('tiny', 0, 'cpu'), unit='points', better='higher')"


def test_run_ends_with_what_became_of_the_notebooks(tmp_path):
    write_notebook(tmp_path / "nbs/1_part/10_good.ipynb", "assert (scale, n) == ('tiny', 3)")
    write_notebook(tmp_path / "nbs/1_part/11_bad.ipynb", "1 / 0")
    write_notebook(tmp_path / "nbs/1_part/12_number.ipynb", CLAIM)
    done = plmnb("run", "good", "-p", "n", "3", "--scale", "tiny", cwd=tmp_path)
    assert "nbs/1_part/10_good.ipynb" in done.stdout and done.stderr == "" and (tmp_path / "runs/good/report.html").is_file()
    assert "runs/good/report.html" in done.stdout.splitlines()[-1] == plmnb("report", cwd=tmp_path).stdout.strip()

    done = plmnb("run", "1_part", "--scale", "tiny", "--jobs", "2", "--out", "results of mine", cwd=tmp_path, code=1)
    assert "cell 2: ZeroDivisionError" in done.stdout and "12_number.ipynb" in done.stdout  # the others ran
    assert "ZeroDivisionError" in (tmp_path / "results of mine/report.html").read_text(encoding="utf-8")

    run = {"value": 2.0, "tolerance": 0.1, "seeds": 1, "data": "", "notebook": ""}
    (tmp_path / "results").mkdir()
    (tmp_path / "results/claims.json").write_text(json.dumps({"schema": 1, "claims": {"test/own/number": {"unit": "points", "better": "higher", "runs": {"tiny/cpu": run}}}}))
    plmnb("run", "number", cwd=tmp_path)
    plmnb("run", "number", "-p", "n", "2.5", cwd=tmp_path, code=1)  # the number moved
    assert "not empty" in refusal("run", "good", "--out", "nbs", cwd=tmp_path)
    assert "no parameter 'm'" in refusal("run", "good", "-p", "m", "3", cwd=tmp_path)
    assert "timeout" in plmnb("run", "good", "--timeout", "0.01", cwd=tmp_path, code=1).stdout


def test_ctrl_c_while_notebooks_run(tmp_path):
    write_notebook(tmp_path / "nbs/1_part/10_long.ipynb", "open(r'%s', 'w').close()\nimport time; time.sleep(600)" % (tmp_path / "begun"))
    process = subprocess.Popen([*PLMNB, "run", "long"], cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (tmp_path / "begun").exists(): time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told, complaint = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in told and "The same command" in complaint, (told, complaint)
