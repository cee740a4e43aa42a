"""A shot finds its files on another machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import ShotError
from engine.shot import Matte, Shot, shot_from_dict, shot_to_json
from plugin.farm import load_here
from plugin.farm.paths import PathMapping, folder_of, with_folders


def shot_at(plate: str, depth: str | None = None, out: str = "/show/out/a.%04d.exr", **further: object) -> Shot:
    depth_part = {} if depth is None else {"depth": {"path": depth, "near": 1.0}}
    return shot_from_dict(
        {
            "plate": {"path": plate},
            **depth_part,
            "focus": {"keys": [{"frame": 1, "disparity": 0.5}]},
            "blur": {"keys": [{"frame": 1, "value": 4}]},
            "output": {"path": out},
            **further,
        },
        "test",
    )


def rules(folder: Path, *entries: tuple[str, str, str]) -> Path:
    """A file of rules as a session writes it."""
    names = ("source_path_format", "source_path", "destination_path")
    said = {"version": "pathmapping-1.0", "path_mapping_rules": [dict(zip(names, e, strict=True)) for e in entries]}
    path = folder / "rules.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    return path


def test_every_path_of_a_shot_is_mapped(tmp_path: Path) -> None:
    weights = {"any_to_bokeh": {"weights": "/show/weights", "image_encoder": "/show/clip"}}
    shot = shot_at("/show/p/a.%04d.exr", "/show/d/a.%04d.exr", aperture={"image": "/show/iris.png"}, renderer=weights)
    mapped = PathMapping.read(rules(tmp_path, ("POSIX", "/show", "/mnt/x"))).apply(shot)
    assert mapped.plate.path == "/mnt/x/p/a.%04d.exr"
    assert mapped.depth.path == "/mnt/x/d/a.%04d.exr"
    assert mapped.output.path == "/mnt/x/out/a.%04d.exr"
    assert mapped.aperture.image == "/mnt/x/iris.png"
    assert mapped.renderer.any_to_bokeh.weights == "/mnt/x/weights"
    assert mapped.renderer.any_to_bokeh.image_encoder == "/mnt/x/clip"


def test_a_shot_from_windows_renders_here(tmp_path: Path) -> None:
    mapping = PathMapping.read(rules(tmp_path, ("WINDOWS", "P:\\Show", "/mnt/show"), ("WINDOWS", r"\\srv\x", "/mnt/x")))
    assert mapping.path(r"p:\show\sh010\plate.%04d.exr") == "/mnt/show/sh010/plate.%04d.exr"
    assert mapping.path("//srv/x/plate.mov") == "/mnt/x/plate.mov"
    assert mapping.path(r"Q:\show\plate.mov") == r"Q:\show\plate.mov"


def test_the_longest_rule_counts_and_a_name_is_no_folder(tmp_path: Path) -> None:
    mapping = PathMapping.read(rules(tmp_path, ("POSIX", "/show", "/a"), ("POSIX", "/show/sh010", "/b")))
    assert mapping.path("/show/sh010/p.exr") == "/b/p.exr"
    assert mapping.path("/show/sh020/p.exr") == "/a/sh020/p.exr"
    assert mapping.path("/showreel/p.exr") == "/showreel/p.exr"


def test_a_session_without_rules_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("{}", encoding="utf-8")
    shot = shot_at("/show/p/a.%04d.exr")
    assert PathMapping.read(tmp_path / "rules.json").apply(shot) == shot
    assert PathMapping.read(None).apply(shot) == shot


@pytest.mark.parametrize("text", ["", "[1]", '{"path_mapping_rules": [{"source_path": "/a"}]}', "nonsense"])
def test_a_file_that_holds_no_rules_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text(text, encoding="utf-8")
    with pytest.raises(ShotError, match=r"rules\.json"):
        PathMapping.read(tmp_path / "rules.json")


def test_a_job_puts_files_into_other_folders_and_leaves_their_names() -> None:
    shot = shot_at(r"P:\show\plate.%04d.exr", "/show/d/depth.%04d.exr")
    moved = with_folders(shot, {"plate": Path("/here/p"), "depth": None, "output": Path("/here/o")})
    assert moved.plate.path == "/here/p/plate.%04d.exr"
    assert moved.depth.path == "/show/d/depth.%04d.exr"
    assert moved.output.path == "/here/o/a.%04d.exr"


def test_a_matte_goes_where_its_folder_goes() -> None:
    shot = shot_at("/show/p/a.%04d.exr")
    assert folder_of(shot, "matte") is None
    assert with_folders(shot, {"matte": Path("/here")}) == shot
    roto = shot.model_copy(update={"matte": Matte(path="/show/roto/m.%04d.exr")})
    assert folder_of(roto, "matte") == "/show/roto"
    moved = with_folders(roto, {"matte": Path("/here")})
    assert moved.matte is not None
    assert moved.matte.path == "/here/m.%04d.exr"


def test_a_depth_in_the_plate_s_own_files_goes_with_them() -> None:
    moved = with_folders(shot_at("/show/p/a.%04d.exr"), {"plate": Path("/here"), "depth": Path("/there")})
    assert moved.depth.path is None
    assert folder_of(moved, "depth") is None
    assert folder_of(moved, "plate") == "/here"


def test_rules_know_the_paths_as_the_document_has_them(tmp_path: Path) -> None:
    document = tmp_path / "shot.json"
    shot = shot_at(r"P:\show\p\a.%04d.exr", "depth/a.%04d.exr", "/show/out/a.%04d.exr")
    document.write_text(shot_to_json(shot), encoding="utf-8")
    mapping = rules(tmp_path, ("WINDOWS", "P:\\", "/mnt"), ("POSIX", "/show", "/mnt/show"))
    here = load_here(document, mapping, {})
    assert here.plate.path == "/mnt/show/p/a.%04d.exr"
    assert here.depth.path == str(tmp_path / "depth/a.%04d.exr")
    assert here.output.path == "/mnt/show/out/a.%04d.exr"
