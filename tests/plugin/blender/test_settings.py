from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from rackfocus import __version__
from tests.test_architecture import ROOT

BLENDER = ROOT / "plugin" / "blender"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The settings as they are written: each property is what it was made with."""
    properties = ModuleType("bpy.props")
    for kind in ("Bool", "Enum", "Float", "Int", "Pointer", "String"):
        setattr(properties, f"{kind}Property", lambda **given: given)
    bpy: Any = ModuleType("bpy")
    bpy.props, bpy.types = properties, SimpleNamespace(PropertyGroup=object, Object=object)
    bpy.app = SimpleNamespace(version=(3, 4, 0))
    monkeypatch.setitem(sys.modules, "bpy", bpy)
    monkeypatch.setitem(sys.modules, "bpy.props", properties)
    for name in ("settings", "versions"):
        monkeypatch.delitem(sys.modules, f"plugin.blender.{name}", raising=False)
    yield import_module("plugin.blender.settings")
    for name in ("settings", "versions"):
        sys.modules.pop(f"plugin.blender.{name}", None)


def test_a_tooltip_is_the_description_of_the_field_of_the_shot(settings: ModuleType) -> None:
    import engine.shot.any_to_bokeh
    import engine.shot.document

    places = {**vars(engine.shot.document), **vars(engine.shot.any_to_bokeh)}
    made = settings.RackfocusSettings.__annotations__
    for name, field in settings.FIELDS.items():
        part, _, of_part = field.partition(".")
        assert made[name]["description"] == places[part].model_fields[of_part].description, name


def test_a_choice_offers_what_the_field_of_the_shot_takes(settings: ModuleType) -> None:
    from typing import get_args

    import engine.shot.document as document

    made = settings.RackfocusSettings.__annotations__
    for name, field in settings.FIELDS.items():
        part, _, of_part = field.partition(".")
        if "items" in made[name]:
            kind = getattr(document, part).model_fields[of_part].annotation
            words = {word for inner in (kind, *get_args(kind)) for word in get_args(inner) if isinstance(word, str)}
            offered = {item[0] for item in made[name]["items"]} - {"PLATE"}
            assert offered == words, name


def test_only_what_is_sampled_frame_by_frame_can_be_keyed(settings: ModuleType) -> None:
    made = settings.RackfocusSettings.__annotations__
    keyed = {name for name, given in made.items() if "ANIMATABLE" in given.get("options", {"ANIMATABLE"})}
    assert keyed == {"focus_distance", "focus_disparity", "strength"}


def test_the_sequencer_s_own_scene_is_worked_on_where_it_shows_one(settings: ModuleType) -> None:
    del settings
    scene_of = import_module("plugin.blender.versions").scene_of
    editor, nodes = SimpleNamespace(type="SEQUENCE_EDITOR"), SimpleNamespace(type="NODE_EDITOR")
    assert scene_of(SimpleNamespace(scene="set", area=editor, sequencer_scene="edit")) == "edit"
    assert scene_of(SimpleNamespace(scene="set", area=editor, sequencer_scene=None)) == "set"
    assert scene_of(SimpleNamespace(scene="set", area=nodes, sequencer_scene="edit")) == "set"
    assert scene_of(SimpleNamespace(scene="set", area=editor)) == "set", "Blender 3.4"
    assert scene_of(SimpleNamespace(scene="set", area=None)) == "set", "a script"


def test_every_file_of_the_add_on_is_installed() -> None:
    files = json.loads((BLENDER / "install.json").read_text(encoding="utf-8"))["files"]
    there = {f"blender/{file.name}" for file in BLENDER.iterdir() if file.suffix in {".py", ".toml"}}
    assert set(files) == there
    assert len(set(files.values())) == len(files)


def test_the_add_on_has_the_engine_s_version() -> None:
    manifest = tomllib.loads((BLENDER / "blender_manifest.toml").read_text(encoding="utf-8"))
    addon = import_module("plugin.blender.addon")
    assert manifest["version"] == ".".join(map(str, addon.bl_info["version"])) == __version__


def test_nothing_is_imported_by_the_name_that_the_folder_has_here() -> None:
    """Installed it is called otherwise, and as an extension otherwise again."""
    for file in sorted(Path(BLENDER).glob("*.py")):
        assert "import plugin" not in file.read_text(encoding="utf-8")
        assert "from plugin" not in file.read_text(encoding="utf-8")
