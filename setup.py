"Everything is set in settings.ini, which nbdev reads too."
import shlex
import shutil
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

here = Path(__file__).parent
ini = ConfigParser(delimiters=["="], interpolation=None)
ini.read(here / "settings.ini", encoding="utf-8")
cfg = ini["DEFAULT"]
course = shlex.split(cfg["course_requirements"])


class BuildWithCourse(build_py):
    "A wheel brings the notebooks and the references of their numbers, which `plmnb course` copies; in a checkout they lie beside the package."

    def run(self):
        if not self.editable_mode: shutil.rmtree(Path(self.build_lib, "plmnb"), ignore_errors=True)  # what an earlier build left is not of this version
        super().run()
        if self.editable_mode: return
        notebooks = [path for path in sorted((here / "nbs").rglob("*.ipynb")) if not any(part.startswith(".") for part in path.relative_to(here).parts)]
        places = {path: path.relative_to(here / "nbs") for path in notebooks} | {here / "results" / "claims.json": "claims.json"}
        for path, place in places.items():
            target = Path(self.build_lib, "plmnb", "_course", place)
            self.mkpath(str(target.parent))
            self.copy_file(str(path), str(target))


setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    license="Apache-2.0",
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(include=["plmnb", "plmnb.*"]),
    python_requires=">=" + cfg["min_python"],
    install_requires=shlex.split(cfg["requirements"]),
    extras_require={"course": course, "dev": course + shlex.split(cfg["dev_requirements"])},
    entry_points={"console_scripts": [cfg["console_scripts"]], "nbdev": ["plmnb=plmnb._modidx:d"]},
    zip_safe=False,
    cmdclass={"build_py": BuildWithCourse},
)
