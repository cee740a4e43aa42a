"""Installing a plugin changes only what is ours, says so before, and can be taken back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from engine.errors import DependencyError, OutputExistsError, OutputWriteError
from plugin.installing import HOSTS, carry_out, host_folders, plan_install, plan_removal
from ui.cli.app import run

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "rackfocus")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A plugin folder with a client, two hosts and what only the engine needs."""
    folder = tmp_path / "plugin"
    for name, text in {
        "__init__.py": "",
        "client.py": "ENGINE = 1\n",
        "installing.py": "only here\n",
        "nuke/__init__.py": "",
        "nuke/menu.py": "menu\n",
        "blender/addon.py": "addon\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    nuke = {
        "host": "nuke",
        "files": {
            "nuke/__init__.py": "rackfocus_plugin/nuke/__init__.py",
            "nuke/menu.py": "rackfocus_plugin/nuke/menu.py",
        },
        "lines": {"init.py": "nuke.pluginAddPath('./rackfocus_plugin/nuke')"},
    }
    blender = {"host": "blender", "files": {"blender/addon.py": "rackfocus/__init__.py"}}
    (folder / "nuke" / "install.json").write_text(json.dumps(nuke), encoding="utf-8")
    (folder / "blender" / "install.json").write_text(json.dumps(blender), encoding="utf-8")
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def put(source: Path, folder: Path, host: str = "nuke", version: str = "1.0") -> None:
    carry_out(plan_install(host, folder, COMMAND, version, source))


def test_an_installation_holds_the_client_the_host_and_the_engine_s_command(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".nuke"
    plan = plan_install("nuke", folder, COMMAND, "1.0", source)
    assert not folder.exists(), "a plan changes nothing"
    carry_out(plan)
    assert sorted(everything(folder)) == [
        "init.py",
        "rackfocus_plugin/__init__.py",
        "rackfocus_plugin/client.py",
        "rackfocus_plugin/engine.json",
        "rackfocus_plugin/nuke/__init__.py",
        "rackfocus_plugin/nuke/menu.py",
    ]
    assert json.loads((folder / "rackfocus_plugin/engine.json").read_text())["command"] == list(COMMAND)


def test_an_installed_client_finds_the_engine_that_installed_it(source: Path, tmp_path: Path) -> None:
    for file in (ROOT / "plugin").glob("*.py"):
        if file.name != "installing.py":
            (source / file.name).write_bytes(file.read_bytes())
    put(source, tmp_path / "host")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'host')!r}); "
        "from rackfocus_plugin.client import find_engine; print(*find_engine(), sep='\\n')"
    )
    clean = {name: value for name, value in os.environ.items() if name != "RACKFOCUS"}
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, env=clean, check=True, cwd=tmp_path
    )
    assert found.stdout.splitlines() == list(COMMAND)


def test_a_second_installation_has_nothing_to_do(source: Path, tmp_path: Path) -> None:
    put(source, tmp_path / "host")
    assert plan_install("nuke", tmp_path / "host", COMMAND, "1.0", source).changes == ()


def test_an_installation_that_was_cut_short_is_finished_by_the_next(source: Path, tmp_path: Path) -> None:
    plan = plan_install("nuke", tmp_path / "host", COMMAND, "1.0", source)
    for change in plan.changes[:3]:
        change.path.parent.mkdir(parents=True, exist_ok=True)
        change.path.write_bytes(change.content or b"")
    put(source, tmp_path / "host")
    assert plan_install("nuke", tmp_path / "host", COMMAND, "1.0", source).changes == ()


def test_a_removal_leaves_the_folder_as_it_was(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "menu.py").write_text("mine\n", encoding="utf-8")
    (folder / "init.py").write_text("import mine", encoding="utf-8")
    put(source, folder)
    compiled = folder / "rackfocus_plugin" / "__pycache__"
    compiled.mkdir()
    (compiled / "client.cpython-311.pyc").write_bytes(b"")
    assert (folder / "init.py").read_text(encoding="utf-8").startswith("import mine\nnuke.pluginAddPath")
    carry_out(plan_removal("nuke", folder, source))
    assert everything(folder) == {"init.py": b"import mine\n", "menu.py": b"mine\n"}
    assert not (folder / "rackfocus_plugin").exists()
    assert plan_removal("nuke", folder, source).changes == ()


def test_a_new_version_replaces_the_old_one_and_drops_what_it_no_longer_has(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "host"
    put(source, folder)
    (source / "client.py").write_text("ENGINE = 2\n", encoding="utf-8")
    manifest = json.loads((source / "nuke" / "install.json").read_text())
    del manifest["files"]["nuke/menu.py"]
    manifest["lines"]["init.py"] = "import other"
    (source / "nuke" / "install.json").write_text(json.dumps(manifest), encoding="utf-8")
    plan = plan_install("nuke", folder, COMMAND, "2.0", source)
    assert plan.installed == "1.0"
    carry_out(plan)
    assert (folder / "rackfocus_plugin" / "client.py").read_text() == "ENGINE = 2\n"
    assert not (folder / "rackfocus_plugin" / "nuke" / "menu.py").exists()
    assert (folder / "init.py").read_text().splitlines() == ["import other  # added by rackfocus install"]


def test_a_file_of_somebody_else_is_not_replaced_and_nothing_is_written(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "host"
    (folder / "rackfocus_plugin" / "nuke").mkdir(parents=True)
    (folder / "rackfocus_plugin" / "nuke" / "menu.py").write_text("theirs", encoding="utf-8")
    with pytest.raises(OutputExistsError, match=r"menu\.py: not written by rackfocus install"):
        plan_install("nuke", folder, COMMAND, "1.0", source)
    assert list(everything(folder)) == ["rackfocus_plugin/nuke/menu.py"]


def test_a_file_that_a_person_changed_is_neither_replaced_nor_removed(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "host"
    put(source, folder)
    mine = folder / "rackfocus_plugin" / "nuke" / "menu.py"
    mine.write_text("my own menu", encoding="utf-8")
    with pytest.raises(OutputExistsError, match="changed since"):
        plan_install("nuke", folder, COMMAND, "2.0", source)
    plan = plan_removal("nuke", folder, source)
    assert plan.kept == (mine,)
    carry_out(plan)
    assert everything(folder) == {"rackfocus_plugin/nuke/menu.py": b"my own menu"}


def test_two_hosts_in_one_folder_share_the_client_until_the_last_one_goes(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "host"
    put(source, folder)
    put(source, folder, "blender")
    carry_out(plan_removal("nuke", folder, source))
    assert (folder / "rackfocus_plugin" / "client.py").is_file()
    assert plan_install("blender", folder, COMMAND, "1.0", source).changes == ()
    carry_out(plan_removal("blender", folder, source))
    assert everything(folder) == {}


def test_a_linked_init_stays_a_link(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "host"
    folder.mkdir()
    kept = tmp_path / "dotfiles.py"
    kept.write_text("import mine\n", encoding="utf-8")
    (folder / "init.py").symlink_to(kept)
    put(source, folder)
    assert (folder / "init.py").is_symlink()
    assert "pluginAddPath" in kept.read_text(encoding="utf-8")


def test_a_place_outside_the_host_s_folder_is_refused(source: Path, tmp_path: Path) -> None:
    (source / "nuke" / "install.json").write_text('{"files": {"nuke/menu.py": "../menu.py"}}', encoding="utf-8")
    with pytest.raises(DependencyError, match="outside"):
        plan_install("nuke", tmp_path, COMMAND, "1.0", source)


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "host"
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputWriteError, match="--to"):
        put(source, folder)


def test_a_file_in_the_way_of_the_folder_is_named(source: Path, tmp_path: Path) -> None:
    (tmp_path / "host").write_text("", encoding="utf-8")
    with pytest.raises((OutputWriteError, OutputExistsError), match="host"):
        put(source, tmp_path / "host")


HOME = Path("/home/ada")
PLACES = {
    ("nuke", "linux"): HOME / ".nuke",
    ("nuke", "darwin"): HOME / ".nuke",
    ("nuke", "win32"): HOME / ".nuke",
    ("resolve", "linux"): HOME / ".local/share/DaVinciResolve/Fusion",
    ("resolve", "darwin"): HOME / "Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion",
    ("resolve", "win32"): HOME / "AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion",
}


@pytest.mark.parametrize(("host", "platform"), PLACES)
def test_each_host_is_looked_for_where_its_maker_says(host: str, platform: str) -> None:
    assert host_folders(host, {}, platform, HOME) == (PLACES[host, platform],)


def test_the_environment_says_where_a_host_looks() -> None:
    assert host_folders("nuke", {"NUKE_PATH": "/show/nuke:/studio"}, "linux", HOME) == (Path("/show/nuke"),)
    assert host_folders("nuke", {"HOME": "/else"}, "win32", HOME) == (Path("/else/.nuke"),)
    assert host_folders("blender", {"BLENDER_USER_SCRIPTS": "/s"}, "linux", HOME) == (Path("/s/addons"),)
    assert host_folders("blender", {"BLENDER_USER_RESOURCES": "/r"}, "linux", HOME) == (Path("/r/scripts/addons"),)


def test_every_version_of_blender_that_was_started_gets_the_plugin(tmp_path: Path) -> None:
    for version in ("4.2", "4.10", "3.6", "notes"):
        (tmp_path / "blender" / version).mkdir(parents=True)
    found = host_folders("blender", {"XDG_CONFIG_HOME": str(tmp_path)}, "linux", HOME)
    assert [folder.parts[-3] for folder in found] == ["3.6", "4.2", "4.10"]
    with pytest.raises(DependencyError, match="start Blender once"):
        host_folders("blender", {"XDG_CONFIG_HOME": str(tmp_path / "none")}, "linux", HOME)


SHIPPED = [host for host in HOSTS if (ROOT / "plugin" / host / "install.json").is_file()]


@pytest.mark.parametrize("host", SHIPPED)
def test_each_host_s_own_plugin_installs_and_goes_again(
    host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["install", host, "--to", str(tmp_path), "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert planned["plans"][0]["changes"]
    assert not everything(tmp_path), "without --yes nothing is changed"
    assert run(["install", host, "--to", str(tmp_path), "--yes"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in everything(tmp_path))
    assert run(["install", host, "--to", str(tmp_path)]) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert run(["install", host, "--to", str(tmp_path), "--remove", "--yes"]) == 0
    assert not everything(tmp_path)


@pytest.mark.parametrize("host", SHIPPED)
def test_each_host_s_list_names_every_file_of_its_folder(host: str) -> None:
    folder = ROOT / "plugin" / host
    listed = set(json.loads((folder / "install.json").read_text(encoding="utf-8"))["files"])
    there = {f"{host}/{f.relative_to(folder).as_posix()}" for f in folder.rglob("*") if f.is_file()}
    assert {name for name in there if "__pycache__" not in name} - listed <= {f"{host}/install.json"}


def test_an_unknown_host_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["install", "maya"]) == 2
    assert "nuke, resolve, blender" in capsys.readouterr().err


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_plugins(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w"]
    copy = tmp_path / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "plugin", "pyproject.toml", "rackfocus.py", "README.md",
         "LICENSE", "engine", "ui/__init__.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([*build, str(tmp_path), str(copy)], check=True, capture_output=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {name for name in filter(None, listed) if name.startswith("plugin/") and (ROOT / name).is_file()}
    assert wanted
    assert wanted <= inside
