"""What is installed finds itself, and renders a real shot with the real engine."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plugin.installing import carry_out, plan_install
from tests.engine.render.shots import write_exr
from tests.plugin.resolve.fakes import Comp, Tool, control, put, remove, shot_comp
from tests.plugin.resolve.lua import PARTS, runtime, wrapper

ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "rackfocus")


@pytest.fixture
def fusion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401
    """Fusion's folder with the plugin in it, as its scripts see it."""
    folder = tmp_path / "Fusion"
    carry_out(plan_install("resolve", folder, COMMAND, "1.0"))
    monkeypatch.delenv("RACKFOCUS", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["fuscript"])
    yield SimpleNamespace(Version=21.0, MapPath=lambda _: f"{tmp_path}/Nothing;{folder}/Scripts", folder=folder)
    for name in [name for name in sys.modules if name.startswith("rackfocus_plugin")]:
        if name.endswith("resolve.running"):
            for engine in sys.modules[name]._ENGINES.values():
                engine.close()
        del sys.modules[name]


def small_comp(folder: Path, count: int = 2) -> tuple[Comp, Tool]:
    random = np.random.default_rng(1)
    for at in range(count):
        write_exr(folder / f"plate.{1001 + at}.exr", random.random((24, 32, 3), np.float32), ("R", "G", "B"))
        write_exr(folder / f"depth.{1 + at:04d}.exr", 1 + 4 * random.random((24, 32, 1), np.float32), ("Z",))
    comp, made = shot_comp(0, count - 1, str(folder))
    put(made, K=3.0)
    return comp, made


def results(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "plate_rackfocus").rglob("*.exr"))


def test_every_file_of_the_plugin_is_installed() -> None:
    listed = set(json.loads((PARTS / "install.json").read_text(encoding="utf-8"))["files"])
    there = {f"resolve/{file.relative_to(PARTS).as_posix()}" for file in PARTS.rglob("*") if file.is_file()}
    wanted = {name for name in there if name.endswith((".py", ".lua", ".setting"))}
    assert listed == wanted


def test_the_three_scripts_are_one_but_for_what_they_are_called_on() -> None:
    texts = [file.read_text(encoding="utf-8").partition("\n")[2] for file in PARTS.glob("scripts/*.py")]
    assert len({re.sub(r'main\(HOST, "(clip|comp|tool)"\)', "", text) for text in texts}) == 1
    assert len(set(texts)) == 3


@pytest.mark.parametrize("place", ["Comp/Rackfocus.py", "Tool/Rackfocus.py"])
def test_a_script_of_the_menu_renders_the_comp(fusion: Any, tmp_path: Path, place: str) -> None:  # noqa: ANN401
    comp, made = small_comp(tmp_path)
    runpy.run_path(str(fusion.folder / "Scripts" / place), {"fusion": fusion, "comp": comp, "tool": made})
    assert results(tmp_path) == [f"plate_rackfocus_v001.{number}.exr" for number in (1001, 1002)]
    assert comp.tools[-1].name == "Rackfocus_Result"


def test_a_script_that_is_not_told_where_it_lies_asks_fusion(fusion: Any, tmp_path: Path) -> None:  # noqa: ANN401
    comp, _ = small_comp(tmp_path)
    text = (fusion.folder / "Scripts/Comp/Rackfocus.py").read_text(encoding="utf-8")
    exec(compile(text, "<string>", "exec"), {"fusion": fusion, "comp": comp, "__name__": "__main__"})
    assert len(results(tmp_path)) == 2


def test_a_plugin_that_is_gone_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = tmp_path / "x.py"
    lost.write_text((PARTS / "scripts/comp.py").read_text(encoding="utf-8"), encoding="utf-8")
    runpy.run_path(str(lost), {"fusion": SimpleNamespace(MapPath=lambda _: "")})
    assert "rackfocus install resolve" in capsys.readouterr().out


@pytest.mark.skipif(runtime() is None, reason="needs lupa with LuaJIT: pip install lupa")
def test_the_lua_script_renders_the_comp_without_python_in_the_host(fusion: Any, tmp_path: Path) -> None:  # noqa: ANN401
    comp, made = small_comp(tmp_path)
    control(made, "Focus").expressions["Focus"] = lambda time: 0.4 + time / 10
    lua, said = runtime(), []
    wrap = wrapper(lua)
    names = lua.globals()
    names.print = lambda *given: said.append(" ".join(map(str, given)))
    names.comp, names.fusion = wrap(comp), wrap(fusion)
    lua.eval("dofile")(str(fusion.folder / "Scripts/Comp/Rackfocus Export.lua"))
    assert results(tmp_path) == [f"plate_rackfocus_v001.{number}.exr" for number in (1001, 1002)], said
    assert "frame by frame" in said[0]
    assert said[1] == f"Rackfocus: wrote {tmp_path}/sh010_Rackfocus.json"
    assert "Rackfocus_Result shows" in said[-1]
    result = comp.tools[-1]
    assert [result.values[name] for name in ("GlobalIn", "GlobalOut", "ClipTimeEnd")] == [0, 1, 1]
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.skipif(runtime() is None, reason="needs lupa with LuaJIT: pip install lupa")
def test_the_lua_script_says_what_is_wrong(fusion: Any, tmp_path: Path) -> None:  # noqa: ANN401
    comp, made = small_comp(tmp_path)
    lua, said = runtime(), []
    wrap = wrapper(lua)
    names = lua.globals()
    names.print = lambda *given: said.append(" ".join(map(str, given)))
    names.comp, names.fusion = wrap(comp), wrap(fusion)
    script = str(fusion.folder / "Scripts/Comp/Rackfocus Export.lua")
    put(made, K=-1.0)
    lua.eval("dofile")(script)
    assert any("K is -1" in line for line in said)
    assert "there is no result" in said[-1]
    remove(made)
    lua.eval("dofile")(script)
    assert "no Rackfocus group" in said[-1]


def test_the_python_of_the_host_needs_no_engine_and_no_numpy(fusion: Any) -> None:  # noqa: ANN401
    code = (
        "import sys; import rackfocus_plugin.resolve;"
        "print(sorted({n.split('.')[0] for n in sys.modules} & {'engine', 'numpy', 'torch', 'fusionscript'}))"
    )
    environment = {"PYTHONPATH": str(fusion.folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/", env=environment
    )
    assert done.stdout.strip() == "[]"
