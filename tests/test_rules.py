"The rules that keep the house in order, read from the source: who may import whom, what stays light, what is never done."
import ast
import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plmnb.suite.publish import telltale, typed_numbers

ROOT = Path(__file__).parents[1]
PARAMETERS = ["scale", "seed", "device"]
UNPICKLING = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
# the paths of somebody's machine: a home folder, a mounted disk, a drive letter
PRIVATE_PATH = re.compile(r"(?<![\w./~-])/(?:home|Users|root|work|mnt|srv|scratch|private)/[\w.-]+|\b[A-Z]:\\+Users\\")


def notebooks():
    return sorted(p for p in (ROOT / "nbs").rglob("[!.]*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def cells(notebook):
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


def code(cell):
    "A cell's Python, or nothing; lines of IPython are not Python."
    lines = "".join(cell["source"]).splitlines() if cell["cell_type"] == "code" else []
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)


def exported_module(notebook):
    "`plmnb.attention` for a chapter that begins with `#| default_exp attention`, None for a page that exports nothing."
    names = [match[1] for cell in cells(notebook) for match in re.finditer(r"(?m)^#\| *default_exp (\S+)", code(cell))]
    return f"plmnb.{names[0]}" if names else None


def imports(source, module=None):
    "Every module that Python source imports, inside functions too; relative names resolved against `module`."
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import): found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            package = module.split(".")[:-node.level] if node.level else []
            origin = ".".join([*package, *([node.module] if node.module else [])])
            found |= {f"{origin}.{alias.name}" for alias in node.names} | {origin}
    return found


def modules():
    "Dotted name -> path of everything in the package, without its folders' own `__init__` and nbdev's index."
    paths = [p for p in (ROOT / "plmnb").rglob("*.py") if p.stem not in ("__init__", "_modidx")]
    return {".".join(p.relative_to(ROOT).with_suffix("").parts): p for p in paths}


CHAPTERS = {exported_module(notebook): notebook for notebook in notebooks() if exported_module(notebook)}
ORDER = {module: int(notebook.name[:2]) for module, notebook in CHAPTERS.items()}
# a solutions notebook bears the file name of its chapter, and exports the checks of that chapter's exercises
SUBJECT = {module: other for module, notebook in CHAPTERS.items() for other, chapter in CHAPTERS.items()
           if notebook.parent.name == "solutions" and chapter.name == notebook.name and chapter != notebook}
MODULES = modules()


def ours(names):
    "Those of `names` that are modules of plmnb."
    return {name for name in names if name in MODULES}


def forbidden(module, imported, *, page=False):
    "Which of its imports break the order of the table of contents; `page`: the cells of the notebook, not the module."
    reasons = []
    for name in sorted(ours(imported) - {module}):
        own_chapter = SUBJECT.get(module) == name
        # a reader's exercises stand at the end of every chapter, so their `check` may be called on any page
        for_exercises = name == "plmnb.exercises" and (page or module in SUBJECT)
        siblings = all(n.startswith("plmnb.tasks.") for n in (module, name))
        if siblings or name.startswith("plmnb.checks.") or (ORDER[name] >= ORDER[module] and not own_chapter and not for_exercises):
            reasons.append(f"{module} imports {name}")
    return reasons


def test_the_order_is_the_order_of_the_files():
    "Two digits through the whole course: they grow from part to part, and a solutions notebook carries its chapter's."
    chapters = [nb for nb in CHAPTERS.values() if nb.parent.name != "solutions"]
    parts = [int(nb.parent.name.split("_")[0]) for nb in chapters]
    numbers = [int(nb.name[:2]) for nb in chapters]
    assert parts == sorted(parts) and numbers == sorted(set(numbers))
    assert [part for part, number in zip(parts, numbers) if number // 10 != part] == []
    solutions = {module for module, notebook in CHAPTERS.items() if notebook.parent.name == "solutions"}
    assert set(SUBJECT) == solutions == {module for module in CHAPTERS if module.startswith("plmnb.checks.")}
    for module, chapter in SUBJECT.items(): assert module.split(".")[-1] == chapter.split(".")[-1]
    assert max(ORDER, key=lambda module: (ORDER[module], module == "plmnb.cli")) == "plmnb.cli"


def test_every_module_comes_from_a_notebook():
    assert set(MODULES) == set(CHAPTERS)


def test_every_notebook_is_a_chapter_or_the_front_page():
    "A chapter exports a module and has the three dials; solutions export checks; the front page is text alone."
    for notebook in notebooks():
        tagged = [cell for cell in cells(notebook) if "parameters" in cell["metadata"].get("tags", [])]
        if notebook == ROOT / "nbs" / "index.ipynb":
            assert {cell["cell_type"] for cell in cells(notebook)} == {"markdown"}
            continue
        assert exported_module(notebook), f"{notebook}: no default_exp"
        names = [target.id for cell in tagged for node in ast.parse(code(cell)).body for target in node.targets]
        assert len(tagged) == 1 and names[:3] == PARAMETERS and len(names) <= 6, f"{notebook}: {names}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_from_above(module):
    assert forbidden(module, imports(MODULES[module].read_text(encoding="utf-8"), module)) == []


@pytest.mark.parametrize("module", sorted(CHAPTERS))
def test_a_notebook_imports_only_from_above(module):
    imported = set().union(*(imports(code(cell)) for cell in cells(CHAPTERS[module])))
    assert forbidden(module, imported, page=True) == []


def test_the_rule_of_the_order_can_fail():
    below = max(ORDER, key=ORDER.get)
    assert forbidden("plmnb.core", {below}) == [f"plmnb.core imports {below}"]
    assert forbidden("plmnb.plots", imports("def f():\n from .attention import attention", "plmnb.plots")) == ["plmnb.plots imports plmnb.attention"]
    assert forbidden("plmnb.attention", imports("from plmnb.core import PlmError\nimport torch")) == []


def test_who_may_import_what():
    imported = {module: imports(path.read_text(encoding="utf-8"), module) for module, path in MODULES.items()}
    tops = {module: {name.split(".")[0] for name in names} for module, names in imported.items()}
    early = {module for module in MODULES if ORDER[module] < 30 and not module.startswith("plmnb.checks.")}
    assert sorted(m for m in early if "transformers" in tops[m]) == []
    assert sorted(m for m in tops if "papermill" in tops[m]) == sorted({"plmnb.suite.runner"} & set(MODULES))


def unpickles(source):
    "Imports and calls that would run code out of a file."
    tree = ast.parse(source)
    names = {name for name in imports(source, "plmnb.x") if name.split(".")[0] in UNPICKLING or name == "torch.load"}
    loads = {"torch.load" for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "load"
             and isinstance(node.value, ast.Name) and node.value.id == "torch"}
    return names | loads | {"allow_pickle" for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "allow_pickle"
                            and not (isinstance(node.value, ast.Constant) and node.value.value is False)}


def test_no_module_unpickles():
    assert {module: found for module, path in MODULES.items() if (found := unpickles(path.read_text(encoding="utf-8")))} == {}
    assert unpickles("import torch\nx = torch.load('f')") and unpickles("from pickle import loads") and unpickles("np.load(f, allow_pickle=True)")


def test_no_file_names_a_path_of_somebodys_machine():
    assert PRIVATE_PATH.search("see " + "/home" + "/ann/notes") and not PRIVATE_PATH.search("https://example.org/home/ann")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = {}
    for name in filter(None, listed.split("\0")):
        if not (ROOT / name).is_file(): continue  # deleted, not yet committed
        try: text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError: continue  # not a text file
        if match := PRIVATE_PATH.search(text): found[name] = match[0]
    assert found == {}


def seconds(statement):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], cwd=ROOT, check=True)
    return time.perf_counter() - start


def test_importing_plmnb_is_cheap():
    seconds("import plmnb")  # the compiled files exist afterwards
    pairs = [(seconds("pass"), seconds("import plmnb")) for _ in range(5)]
    assert statistics.median(b for _, b in pairs) - statistics.median(a for a, _ in pairs) < 0.1
    loaded = "import sys, plmnb; assert not {'torch', 'matplotlib', 'transformers', 'datasets'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, check=True)


# what a reader may see of a run: no errors, no bars, nothing of one machine, no megabytes (chapter 92 publishes it so)
def unfit(cell):
    "What is wrong with a cell's outputs."
    kinds = {output.get("name", output["output_type"]) for output in cell.get("outputs", [])}
    wrong = sorted(kinds - {"stdout", "display_data"}) + [found for found in [telltale(cell.get("outputs", []))] if found]
    return wrong + (["execution_count"] if cell.get("execution_count") else []) + (["outputs of a volatile cell"] if kinds and "volatile" in cell["metadata"].get("tags", []) else [])


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda path: path.name)
def test_published_outputs_are_fit_to_be_read(notebook):
    assert [(i, wrong) for i, cell in enumerate(cells(notebook), 1) if (wrong := unfit(cell))] == []
    assert notebook.stat().st_size <= 200_000
    if notebook.parent.name in ("9_suite", "solutions"): assert not any(cell.get("outputs") for cell in cells(notebook))


@pytest.mark.parametrize("notebook", notebooks(), ids=lambda path: path.name)
def test_no_number_is_typed(notebook):
    "What looks like a result in the prose stands in code or in an output of the chapter or its solutions (chapter 92 shows that the rule can fail)."
    twins = [path for path in notebooks() if path.name == notebook.name and path != notebook]
    assert typed_numbers(*(json.loads(path.read_text(encoding="utf-8")) for path in [notebook, *twins])) == []


def test_the_rule_of_the_outputs_can_fail():
    cell = {"metadata": {}, "outputs": [{"output_type": "stream", "name": "stderr", "text": ["saved in /tmp/ada/x"]}], "execution_count": 3}
    assert unfit(cell) == ["stderr", "/tmp/ada", "execution_count"]
    assert unfit({"metadata": {"tags": ["volatile"]}, "outputs": [{"output_type": "display_data", "data": {"image/png": "AA"}}]}) == ["outputs of a volatile cell"]
