"The course as a reader meets it: JupyterLab in a browser, on a copy of the course; cells run, pictures appear, widgets answer, exercises are judged."
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil
import pytest

ROOT = Path(__file__).parents[1]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="no driver of a browser: pip install playwright")
DRIVER = Path(playwright.__file__).parents[1] / "driver" / "node"
pytestmark = [pytest.mark.skipif(BROWSER is None, reason="no browser: apt-get install chromium"),
              pytest.mark.skipif(not DRIVER.exists(), reason="playwright came without its driver: pip install --force-reinstall playwright")]
CHAPTERS = ["0_ground/00_core.ipynb", "0_ground/01_plots.ipynb", "2_model/20_attention.ipynb"]
WIDGET = "explore_heads(weights, sentence"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"  # the one thing that a chapter would like to have from elsewhere
LOCAL = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")

OPEN = """async path => {
    const panel = await jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'});
    await panel.context.ready; await panel.context.sessionContext.ready; await panel.context.sessionContext.session.kernel.info;
    jupyterapp.shell.activateById(panel.id);
    window.panel = panel;
    const cell = [...panel.content.model.cells].find(cell => (cell.getMetadata('tags') || []).includes('parameters'));
    cell.sharedModel.setSource(cell.sharedModel.getSource().replace('scale = "auto"', 'scale = "tiny"').replace('device = "auto"', 'device = "cpu"'));
}"""
RUN = """seconds => Promise.race([jupyterapp.commands.execute('notebook:run-all-cells'),
    new Promise((_, fail) => setTimeout(() => fail(new Error(`not done after ${seconds} s`)), 1000 * seconds))])"""
CELLS = "() => [...panel.content.model.cells].map(cell => cell.toJSON())"
SCROLL = "async index => { const notebook = panel.content; notebook.activeCellIndex = index; await notebook.scrollToItem(index, 'center'); notebook.widgets[index].node.setAttribute('data-index', index); }"


def environment(home):
    "Nothing of the user's is read or written."
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    folders = {"HOME": home, "JUPYTER_CONFIG_DIR": home / "config", "JUPYTER_DATA_DIR": home / "data", "JUPYTER_RUNTIME_DIR": home / "runtime", "IPYTHONDIR": home / "ipython",
               "JUPYTERLAB_SETTINGS_DIR": home / "settings", "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces", "MPLCONFIGDIR": home / "matplotlib", "PLMNB_HOME": home / "plmnb"}
    return {**kept, **{name: str(folder) for name, folder in folders.items()}, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def end(server):
    "Stop a server and whatever it has started."
    family = [server, *server.children(recursive=True)]
    server.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=20)
    for process in alive: process.kill()
    psutil.wait_procs(alive, timeout=10)


@contextmanager
def jupyterlab(home):
    "A server on a copy of the course; yields its address and its token. It has ended afterwards, whatever happened."
    env, token, port = environment(home), secrets.token_hex(16), free_port()
    subprocess.run([sys.executable, "-m", "plmnb.cli", "course", str(home / "course")], env=env, check=True, capture_output=True)
    quiet = home / "settings" / "@jupyterlab" / "apputils-extension"
    quiet.mkdir(parents=True)
    (quiet / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}), encoding="utf-8")
    options = {"ServerApp.ip": "127.0.0.1", "ServerApp.port": port, "ServerApp.port_retries": 0, "IdentityProvider.token": token, "ServerApp.root_dir": home / "course", "LabApp.expose_app_in_browser": True}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *(f"--{name}={value}" for name, value in options.items())]
    with open(home / "server.log", "wb") as log: server = psutil.Popen(command, env=env, cwd=home, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/api", server, home / "server.log")
        yield f"http://127.0.0.1:{port}", token
    finally: end(server)


def wait_for(address, server, log, seconds=60):
    started = time.monotonic()
    while True:
        try: return urlopen(address, timeout=5).close()
        except (URLError, OSError): pass
        if server.poll() is not None or time.monotonic() - started > seconds: pytest.fail(f"JupyterLab does not answer:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.2)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with jupyterlab(tmp_path_factory.mktemp("lab")) as found: yield found


@pytest.fixture(scope="module")
def page(lab):
    "One page of JupyterLab, without the internet. What it asks of others and what goes wrong in it is kept in `page.elsewhere` and `page.errors`."
    address, token = lab
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])])
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(60_000)
            page.elsewhere, page.errors = [], []
            def offline(route):
                if route.request.url != BADGE: page.elsewhere.append(route.request.url)
                route.abort("internetdisconnected")
            page.route(lambda url: not url.startswith(LOCAL), offline)
            page.on("pageerror", lambda error: page.errors.append(str(error)))
            page.goto(f"{address}/lab?token={token}&reset")
            page.wait_for_function("() => window.jupyterapp")
            page.evaluate("() => jupyterapp.restored")
            yield page
        finally: browser.close()


def shoot(page, name):
    "A picture for a person to look at, where PLMNB_SCREENSHOTS says into which folder."
    if folder := os.environ.get("PLMNB_SCREENSHOTS"): page.screenshot(path=str(Path(folder) / f"{name}.png"))


def scroll_to(page, index):
    "Bring a cell to the middle; returns its node."
    page.evaluate(SCROLL, index)
    return page.locator(f".jp-NotebookPanel:visible .jp-Cell[data-index='{index}']")


def index_of(page, text):
    return next(i for i, cell in enumerate(page.evaluate(CELLS)) if cell["cell_type"] == "code" and text in "".join(cell["source"]))


def outputs(cells, kind):
    return [output for cell in cells for output in cell.get("outputs", []) if output["output_type"] == kind]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_runs_and_its_pictures_are_seen(page, name):
    page.evaluate(OPEN, f"nbs/{name}")
    for cell in page.evaluate(CELLS): assert not cell.get("execution_count")
    page.evaluate(RUN, 300)
    cells = page.evaluate(CELLS)
    assert [i for i, cell in enumerate(cells) if cell["cell_type"] == "code" and "".join(cell["source"]).strip() and not cell["execution_count"]] == []
    assert outputs(cells, "error") == [] and [output["text"] for output in outputs(cells, "stream") if output["name"] == "stderr"] == []
    drawn = [i for i, cell in enumerate(cells) if any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))]
    for i in drawn:
        picture = scroll_to(page, i).locator(".jp-OutputArea img").first
        picture.wait_for()
        page.wait_for_function("node => node.complete && node.naturalWidth > 100", arg=picture.element_handle())
        shoot(page, f"{Path(name).stem}-{i}")
    assert len(drawn) >= {"00_core": 0, "01_plots": 3, "20_attention": 3}[Path(name).stem]
    assert page.locator(".jp-NotebookPanel:visible [data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.elsewhere == [] and page.errors == []


def test_a_widget_answers(page):
    "Another head, other bars."
    page.evaluate(OPEN, "nbs/2_model/20_attention.ipynb")
    cell = scroll_to(page, index_of(page, WIDGET))
    box, bars = cell.locator("select").first, cell.locator(".widget-html-content, .jupyter-widgets.widget-html").last
    box.wait_for()
    before = bars.inner_html()
    box.select_option(index=1)
    page.wait_for_function("([node, before]) => node.innerHTML !== before", arg=[bars.element_handle(), before])
    shoot(page, "widget")
    assert page.elsewhere == [] and page.errors == []


def answer(page, cell, text, said):
    "Type an answer over what stands in a cell, run it, and wait for what the check says."
    editor = cell.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+Enter")
    cell.locator(".jp-OutputArea-output", has_text=said).wait_for()


def test_an_exercise_is_judged(page):
    "A coin that moves everybody's generator gets a hint; one with its own is right."
    page.evaluate(OPEN, "nbs/0_ground/00_core.ipynb")
    cell = scroll_to(page, index_of(page, 'check("core.1"'))
    wrong = "def my_coin(n, seed):\n    random.seed(seed)\n    return [random.randint(0, 1) for _ in range(n)]\n\ncheck('core.1', my_coin);"
    answer(page, cell, wrong, "core.1: the module's generator has moved")
    shoot(page, "exercise-wrong")
    answer(page, cell, wrong.replace("random.seed(seed)", "own = random.Random(seed)").replace("random.randint", "own.randint"), "core.1: right")
    shoot(page, "exercise-right")
    assert page.elsewhere == [] and page.errors == []


def test_nothing_is_left_of_a_server_when_a_test_fails(tmp_path):
    "Neither the server nor its kernels."
    with pytest.raises(RuntimeError, match="in the middle"):
        with jupyterlab(tmp_path) as (address, token):
            urlopen(Request(f"{address}/api/kernels", data=b"{}", method="POST", headers={"Authorization": f"token {token}"}), timeout=60).close()
            server = next(process for process in psutil.Process().children() if f"--ServerApp.port={address.rpartition(':')[2]}" in process.cmdline())
            family = [server, *server.children(recursive=True)]
            assert len(family) > 1
            raise RuntimeError("in the middle")
    assert [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    with pytest.raises(URLError): urlopen(address, timeout=5)
