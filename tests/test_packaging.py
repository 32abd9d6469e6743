"""What is shipped is complete, and what the repository says about itself is true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jupyter_sessions import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGE: dict[str, Any] = json.loads((ROOT / "labextension/package.json").read_text())


def test_python_and_javascript_carry_one_version() -> None:
    assert PACKAGE["version"] == __version__


def test_every_dependency_has_its_reason_in_contributing() -> None:
    project = PYPROJECT["project"]
    named = [*project["dependencies"], *PYPROJECT["build-system"]["requires"]]
    for extra in project["optional-dependencies"].values():
        named += extra
    names = {re.split(r"[\[<>=~!;, ]", requirement)[0] for requirement in named}
    names |= {*PACKAGE["dependencies"], *PACKAGE["devDependencies"], *PACKAGE["overrides"]}

    tables = "".join(line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines(True) if line.startswith("|"))
    missing = {name for name in names if name.removeprefix("@jupyterlab/").removeprefix("@lumino/") not in tables}
    assert missing == set()


def test_the_lock_file_names_no_place_to_download_from() -> None:
    lock = json.loads((ROOT / "labextension/package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


@pytest.mark.parametrize("script", ["run", "test", "scripts/venv.sh", ".ci/run", "binder/postBuild"])
def test_the_shell_scripts_parse(script: str) -> None:
    shell = "bash" if "bash" in (ROOT / script).read_text().splitlines()[0] else "sh"
    subprocess.run([shell, "-n", ROOT / script], check=True)


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_kept_without_output(notebook: Path) -> None:
    cells = json.loads(notebook.read_text())["cells"]
    assert [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_wheel_holds_the_built_front_end_and_turns_itself_on(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(pip, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    data = f"jupyter_sessions-{__version__}.data/data"

    assert f"{data}/etc/jupyter/jupyter_server_config.d/jupyter_sessions.json" in names
    assert f"{data}/share/jupyter/labextensions/jupyter-sessions/package.json" in names
    assert f"{data}/share/jupyter/labextensions/jupyter-sessions/install.json" in names
    assert any(re.search(r"labextensions/jupyter-sessions/static/remoteEntry\..*\.js$", name) for name in names)
    assert "jupyter_sessions/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "labextension/")) or "node_modules" in name]
