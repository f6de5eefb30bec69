"The documentation site: built from the notebooks without a warning and without the internet, every page reachable, nothing fetched from elsewhere."
import inspect
import json
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from fastcore.docments import docments

from plmnb import attention

ROOT = Path(__file__).parents[1]
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
CHAPTERS = sorted(path.relative_to(ROOT / "nbs").with_suffix(".html").as_posix() for path in (ROOT / "nbs").glob("[0-9]_*/[!.]*.ipynb"))
DEAD = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}  # whoever asks the internet fails


def build(out, *options):
    return subprocess.run([sys.executable, "docs/build.py", "--out", str(out), *map(str, options)], cwd=ROOT, capture_output=True, text=True, env={**os.environ, **DEAD})


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    "With the report of a run that never was."
    run, out = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("site") / "_docs"
    (run / "executed").mkdir()
    (run / "report.html").write_text('<a href="executed/page.html">a page</a>', encoding="utf-8")
    (run / "executed" / "page.html").write_text('<a href="../report.html">back</a>', encoding="utf-8")
    (run / "executed" / "page.ipynb").write_text("{}", encoding="utf-8")
    done = build(out, "--report", run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    return out


class Page(HTMLParser):
    "What a page links to, fetches, and can be linked to at; its text without code."
    def __init__(self, path):
        super().__init__()
        self.links, self.fetched, self.anchors, self.tags, self.text, self.within = [], [], set(), [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if tag == "a" and "href" in attributes: self.links.append(attributes["href"])
        if tag in FETCHED and attributes.get("rel") not in ("index", "search", "next", "prev", "canonical") and attributes.get(FETCHED[tag]): self.fetched.append(attributes[FETCHED[tag]])
        self.anchors |= {attributes[name] for name in ("id", "name") if name in attributes}
        if tag in ("script", "style", "pre", "code", "math"): self.within.append(tag)

    def handle_endtag(self, tag):
        if self.within and self.within[-1] == tag: self.within.pop()

    def handle_data(self, data):
        if not self.within: self.text.append(data)


@pytest.fixture(scope="module")
def pages(site):
    "Path inside of the site → page."
    return {path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))}


def broken(pages, site):
    "Links inside of the site that lead to no file, or to no place in it."
    found = []
    for name, page in pages.items():
        for link in page.links:
            address, place = urldefrag(link)
            if urlsplit(address).scheme: continue
            target = (site / name).parent / unquote(address) if address else site / name
            inside = os.path.relpath(target, site)
            if not target.is_file(): found.append((name, link))
            elif place and inside in pages and unquote(place) not in pages[inside].anchors: found.append((name, link))
    return found


def test_every_chapter_and_every_module_has_its_page(site, pages):
    modules = {f"api/{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}.html" for path in (ROOT / "plmnb").rglob("[!_]*.py") if path.parent.name != "checks"}
    assert len(CHAPTERS) > 30 and set(CHAPTERS) | modules | {"index.html", "search.html"} <= set(pages)
    order = [link for link in pages["index.html"].links if link in CHAPTERS]
    assert order[:len(CHAPTERS)] == CHAPTERS                        # the navigation has the order of the course


def test_every_link_leads_somewhere(site, pages):
    assert broken(pages, site) == []
    assert sum(len(page.links) for page in pages.values()) > 1000
    lost = Page(site / "index.html")
    lost.links = ["nowhere.html", "index.html#nowhere", "index.html#results"]
    assert broken({**pages, "lost.html": lost}, site) == [("lost.html", "nowhere.html"), ("lost.html", "index.html#nowhere")]


def test_nothing_is_fetched_from_elsewhere(site, pages):
    assert [(name, address) for name, page in pages.items() for address in page.fetched if re.match(r"(https?:)?//", address)] == []
    assert sum(len(page.fetched) for page in pages.values()) > 1000
    styles = "\n".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", styles)


def test_the_report_is_linked(site, pages):
    assert "run.html" in pages["index.html"].links and "report/report.html" in pages["run.html"].links
    assert (site / "report/executed/page.html").is_file() and not list(site.rglob("*.ipynb"))


def test_directives_are_gone_and_the_badge_is_a_link(site, pages):
    shown = {path.name: re.sub(r"<[^>]*>", "", path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert [name for name, text in shown.items() if re.search(r"(?m)^#\|", text)] == []
    assert {name for name, text in shown.items() if "run_line_magic" in text} == {"95_cli.html", "plmnb.cli.html"}  # where it is explained
    for name in CHAPTERS:
        text = (site / name).read_text(encoding="utf-8")
        assert len(re.findall(r"<p>[^\n]*>Open in Colab</a></p>", text)) == 1, name  # in a line of its own
        assert any(link.endswith(f"nbs/{Path(name).with_suffix('.ipynb').as_posix()}") and "colab" in link for link in pages[name].links), name


def test_formulas_are_drawn(pages):
    "As MathML; no TeX is left in the text."
    written = {name: sum(len(re.findall(r"\$\$.+?\$\$", "".join(cell["source"]))) for cell in json.loads((ROOT / "nbs" / name).with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "markdown") for name in CHAPTERS}
    assert any(written.values()) and [name for name, count in written.items() if pages[name].tags.count("math") < count] == []
    assert [name for name in CHAPTERS if re.search(r"\\(frac|sum|log|sqrt|hat)\b|\$\$", "".join(pages[name].text))] == []


def test_pictures_are_shown(pages, site):
    shown = [address for address in pages["2_model/20_attention.html"].fetched if address.endswith(".png")]
    assert len(shown) > 3 and all((site / "2_model" / address).is_file() for address in shown)


def test_the_search_knows_the_last_chapters_and_not_the_solutions(site):
    index = json.loads(re.search(r"Search\.setIndex\((.*)\)", (site / "searchindex.js").read_text(encoding="utf-8"), re.DOTALL)[1])
    def pages_with(word): return {index["docnames"][number] for found in [index["terms"].get(word, [])] for number in ([found] if isinstance(found, int) else found)}
    assert "9_suite/94_grading" in pages_with("submiss")             # as a stemmer leaves "submissions"
    everywhere = set().union(*map(pages_with, index["terms"]))
    assert len(everywhere) > 70 and not [name for name in everywhere if name.startswith("solutions/")]
    assert (site / "solutions/20_attention.html").is_file()


def words(text):
    "Letters and digits alone: how a comment is marked up does not matter."
    return re.sub(r"\W+", " ", text).strip()


def test_the_reference_says_what_arguments_mean(site, pages):
    "Every comment that stands beside an argument of an exported function of `plmnb.attention`, and the docstrings."
    html_text = (site / "api/plmnb.attention.html").read_text(encoding="utf-8")
    text, comments = words(unescape(re.sub(r"<[^>]*>", " ", html_text))), []
    for name in attention.__all__:
        thing = getattr(attention, name)
        if inspect.isfunction(thing): comments += [thing.__doc__, *filter(None, docments(thing).values())]
    assert len(comments) > 60 and [comment for comment in comments if words(comment) not in text] == []
    assert {"plmnb.attention.attention", "plmnb.attention.KeyValueCache.extend"} <= pages["api/plmnb.attention.html"].anchors
    assert "../2_model/20_attention.html" in pages["api/plmnb.attention.html"].links


def test_a_folder_of_somebody_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    done = build(tmp_path)
    assert done.returncode and "holds something else than a site" in done.stderr and (tmp_path / "thesis.txt").exists()
    assert "no report.html" in build(tmp_path / "new", "--report", tmp_path).stderr


@pytest.mark.parametrize("text, said", [("[there](nowhere.md)", "nowhere.md"), ("$\\nonsense{x}$", "cannot be drawn"), ("A line.", None)])
def test_what_a_reader_would_miss_ends_the_build(text, said, tmp_path):
    (tmp_path / "index.md").write_text(f"# A page\n\n{text}\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "-c", str(ROOT / "docs"), str(tmp_path), str(tmp_path / "out")], capture_output=True, text=True)
    assert (done.returncode, said is None or said in done.stderr) == (1 if said else 0, True), done.stderr
