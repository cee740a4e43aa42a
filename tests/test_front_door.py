"""``rackfocus`` and ``python -m rackfocus`` find themselves, whatever a studio keeps on its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rackfocus
from engine.render.loop import VERSION

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A studio's folder with packages of our names."""
    for name in ("ui", "engine", "training", "plugin", "export"):
        package = tmp_path / "studio" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"raise RuntimeError('the studio\\'s own {name} was imported')\n")
    return tmp_path / "studio"


def run(*command: str, path: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, check=False)


def test_a_studio_s_own_packages_cannot_shadow_ours(hostile: Path) -> None:
    both = f"{hostile}{os.pathsep}{ROOT}"
    done = run(sys.executable, "-m", "rackfocus", "--help", path=both, cwd=hostile)
    assert done.returncode == 0, done.stderr
    assert "render" in done.stdout


def test_a_studio_s_own_packages_cannot_shadow_the_installed_command(hostile: Path) -> None:
    script = Path(sys.executable).with_name("rackfocus")
    if not script.exists():
        pytest.skip("rackfocus is not installed in this environment; make test installs it")
    done = run(str(script), "--help", path=str(hostile), cwd=hostile)
    assert done.returncode == 0, done.stderr
    assert "render" in done.stdout


def test_a_pipeline_s_own_python_gets_our_engine(hostile: Path) -> None:
    both = f"{hostile}{os.pathsep}{ROOT}"
    code = "import rackfocus; print(rackfocus.Shot.__module__, callable(rackfocus.render))"
    done = run(sys.executable, "-c", code, path=both, cwd=hostile)
    assert done.stdout.strip() == "engine.shot.document True", done.stderr


def test_a_studio_s_engine_that_is_already_imported_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").touch()
    both = f"{tmp_path}{os.pathsep}{ROOT}"
    done = run(sys.executable, "-c", "import engine, rackfocus", path=both, cwd=tmp_path)
    assert 'a package named "engine"' in done.stderr.splitlines()[-1]


def test_importing_the_front_door_is_free() -> None:
    code = "import sys, rackfocus; print('numpy' in sys.modules, 'pydantic' in sys.modules)"
    done = run(sys.executable, "-c", code, path=str(ROOT), cwd=ROOT)
    assert done.stdout.strip() == "False False"


def test_help_waits_for_no_heavy_library() -> None:
    code = "import sys; from ui.cli.app import run; run(['--help']); print('numba' in sys.modules, 'av' in sys.modules)"
    done = run(sys.executable, "-c", code, path=str(ROOT), cwd=ROOT)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "False False"


def test_the_version_is_the_distribution_s() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{rackfocus.__version__}"' in project
    assert rackfocus.__version__ == VERSION


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="refocus"):
        _ = rackfocus.refocus  # type: ignore[attr-defined]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_without_a_target_says_what_can_be_made() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("demo", "test", "bench", "lint"):
        assert f"make {target}" in done.stdout
