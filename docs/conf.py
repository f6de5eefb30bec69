"How Sphinx makes the site of the pages that docs/build.py writes: nothing is executed, nothing is fetched."
from configparser import ConfigParser
from pathlib import Path

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

ini = ConfigParser(delimiters=["="], interpolation=None)
ini.read(Path(__file__).parents[1] / "settings.ini", encoding="utf-8")
settings = ini["DEFAULT"]

project, author, release = settings["title"], settings["author"], settings["version"]
copyright = settings["copyright"]
extensions = ["myst_nb"]
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "off"
nb_ipywidgets_js = {}            # they would come from elsewhere
nb_merge_streams = True

html_theme = "furo"
html_title = settings["title"]
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_show_sphinx = False
smartquotes = False              # "auto" is code
html_math_renderer = "mathml"
add_module_names = False
python_maximum_signature_line_length = 90

# where docutils draws a character of TeX otherwise than TeX does
DRAWN = {"<mo>'</mo>": '<mo lspace="0" rspace="0">′</mo>', "<mo>{</mo>": '<mo stretchy="false">{</mo>', "<mo>}</mo>": '<mo stretchy="false">}</mo>'}


def formula(self, node, **options):
    "MathML, which browsers draw by themselves: no script and no font comes along."
    try: drawn = tex2mathml(node.astext().replace("…", r"\ldots "), **options)
    except MathError as error:
        logging.getLogger(__name__).warning("$%s$ cannot be drawn: %s", node.astext(), error, location=node)
        raise nodes.SkipNode from error
    for before, after in DRAWN.items(): drawn = drawn.replace(before, after)
    self.body.append(drawn)
    raise nodes.SkipNode


def block_formula(self, node): formula(self, node, as_block=True)


def setup(app):
    app.add_html_math_renderer("mathml", inline_renderers=(formula, None), block_renderers=(block_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
