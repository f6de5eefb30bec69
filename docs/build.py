"""Make the documentation site of the notebooks: `python docs/build.py [--out _docs] [--report runs/main]`.

The notebooks are shown as they were published; nothing is executed. Their pages, and one for each module, are written
into a temporary folder, from which Sphinx makes the site (docs/conf.py).
"""
import argparse
import json
import posixpath
import re
import shutil
import tempfile
from pathlib import Path

from conf import settings
from reference import module_page
from sphinx.cmd.build import build_main

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
NBS = ROOT / "nbs"
CODE = re.compile(r"(```.*?```|`[^`]*`)", re.DOTALL)
RUN = '# The report of a run\n\n<a href="report/report.html">Open the report</a>: what the notebooks showed in that run, and every executed notebook.\n'
BADGE = re.compile(r"\s*\[!\[([^]]*)\]\([^)]*\)\]\(([^)]*)\)\n*")  # a picture from elsewhere: the site has its words
MENTION = re.compile(r"\b[Cc]hapters? \d\d(?:(?:, | and | or |–)\d\d)*")


def notebooks():
    "Name inside of nbs → notebook, in the order of the course; the solutions come last."
    paths = [path for path in sorted(NBS.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
    return {path.relative_to(NBS).as_posix(): json.loads(path.read_text(encoding="utf-8")) for path in paths}


def source(cell):
    return "".join(cell["source"])


def title_of(notebook):
    return next(match[1] for cell in notebook["cells"] if (match := re.match(r"# (.+)", source(cell))))


def module_of(notebook):
    "What a chapter exports, by name; None for the front page."
    return next((f"plmnb.{match[1]}" for cell in notebook["cells"] if (match := re.match(r"#\| *default_exp (\S+)", source(cell)))), None)


def is_solution(name):
    return name.startswith("solutions/")


def without_directives(cells):
    "The cells that a reader is meant to see, without what they say to nbdev."
    for cell in cells:
        lines = source(cell).splitlines(keepends=True)
        if cell["cell_type"] == "code":
            if any(re.match(r"#\| *(hide|default_exp)\b", line) for line in lines): continue
            lines = [line for line in lines if not line.startswith("#|")]
        if "".join(lines).strip(): yield cell | {"source": lines}


def with_links(text, name, books):
    "Prose in which each `chapter 43` leads there, and files of the repository lead to it."
    numbers = {posixpath.basename(other)[:2]: other for other in books if not is_solution(other)}
    def chapter(match):
        there = numbers.get(match[0])
        return f"[{match[0]}]({posixpath.relpath(there, posixpath.dirname(name) or '.')})" if there not in (None, name) else match[0]
    def prose(part):
        part = MENTION.sub(lambda found: re.sub(r"\d\d", chapter, found[0]), part)
        return re.sub(r"\]\((?:\.\./)+([A-Z]\w+(?:\.md)?)\)", rf"]({settings['git_url']}/blob/{settings['branch']}/\1)", part)
    return "".join(part if place % 2 else prose(part) for place, part in enumerate(CODE.split(text)))


def under_title(name, books):
    "Links that stand under a chapter's title: to its reference, its solutions, and its file."
    here, module = posixpath.dirname(name), module_of(books[name])
    links = [f"[`{module}`]({posixpath.relpath(f'api/{module}.md', here)})"] if not is_solution(name) else []
    solutions = f"solutions/{posixpath.basename(name)}"
    if solutions in books and not is_solution(name): links.append(f"[solutions](../{solutions})")
    return [*links, f"[notebook]({settings['git_url']}/blob/{settings['branch']}/nbs/{name})"]


def chapter_page(name, books):
    "The notebook as Sphinx is to show it."
    cells = list(without_directives(books[name]["cells"]))
    for cell in cells:
        if cell["cell_type"] == "markdown": cell["source"] = with_links(source(cell), name, books)
    heading, _, rest = cells[0]["source"].partition("\n")
    if module_of(books[name]):
        badge = BADGE.match(rest)
        links = [*under_title(name, books), *([f"[{badge[1]}]({badge[2]})"] if badge else [])]
        cells[0]["source"] = "\n\n".join([heading, " · ".join(links), rest[badge.end() if badge else 0:].strip()])
    language = {"name": "python", "pygments_lexer": "python"}
    metadata = {"language_info": language, **({"orphan": True, "nosearch": True} if is_solution(name) else {})}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def contents(caption, pages):
    "The part of the navigation that leads to some pages."
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"])


def navigation(books, report):
    "A cell that leads to the chapters by part, to the modules, and to the report of a run where there is one."
    parts = {}
    for name in books:
        if "/" in name and not is_solution(name): parts.setdefault(name.split("/")[0], []).append(f"{posixpath.basename(name)[:2]} {title_of(books[name])} <{name}>")
    trees = [contents(f"{part[0]} · {part[2:].capitalize()}", names) for part, names in parts.items()]
    more = ["api/index", *(["Report of a run <run>"] if report else [])]
    return {"cell_type": "markdown", "id": "navigation", "metadata": {}, "source": "\n\n".join([*trees, contents("Library", more)])}


def write_reference(folder, books):
    "A page for each module, and one that lists them."
    chapters = {module_of(book): name for name, book in books.items() if not is_solution(name) and module_of(book)}
    rows = []
    for module, name in chapters.items():
        (folder / f"{module}.md").write_text(module_page(module, f"[{title_of(books[name])}](../{name})"), encoding="utf-8")
        rows.append(f"| [`{module}`]({module}.md) | [{title_of(books[name])}](../{name}) |")
    page = ["# Reference", "What each chapter exports, with the meaning of every argument.", "\n".join(["| module | chapter |", "|---|---|", *rows])]
    (folder / "index.md").write_text("\n\n".join([*page, contents("Modules", chapters)]), encoding="utf-8")


def write_source(folder, report):
    "All pages of the site, as Sphinx reads them."
    books = notebooks()
    for name in books:
        page = chapter_page(name, books)
        if name == "index.ipynb": page["cells"].append(navigation(books, report))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(page), encoding="utf-8")
    (folder / "api").mkdir()
    write_reference(folder / "api", books)
    if report: (folder / "run.md").write_text(RUN, encoding="utf-8")


def copy_report(run, out):
    "The report and the pages that it leads to."
    for page in run.rglob("*.html"):
        (out / page.relative_to(run)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, out / page.relative_to(run))


def build(out, report=None):
    "Write the site; a warning is an error. Returns Sphinx's exit code."
    out = Path(out)
    if out.exists() and any(out.iterdir()) and not (out / ".buildinfo").exists(): raise SystemExit(f"{out} holds something else than a site: give another --out")
    if report and not (Path(report) / "report.html").is_file(): raise SystemExit(f"{report} has no report.html: name the folder of a run")
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        pages, trees = Path(place, "pages"), Path(place, "trees")
        pages.mkdir()
        write_source(pages, report)
        code = build_main(["-q", "-W", "--keep-going", "-b", "html", "-c", str(DOCS), "-d", str(trees), str(pages), str(out)])
    if report: copy_report(Path(report), out / "report")
    return code


def main():
    parser = argparse.ArgumentParser(description="Make the documentation site of the notebooks.")
    parser.add_argument("--out", type=Path, default=ROOT / "_docs", help="folder for the site (default: _docs)")
    parser.add_argument("--report", type=Path, help="folder of a run whose report is put in")
    asked = parser.parse_args()
    if code := build(asked.out, asked.report): raise SystemExit(code)
    print(f"Site: {asked.out / 'index.html'}")


if __name__ == "__main__":
    main()
