"""Flags and the shot document say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from engine.errors import ShotError
from engine.shot import Shot, load_shot, save_shot
from ui.cli import app
from ui.cli.flags import SHOT_FLAGS, apply_flags, field_of
from ui.cli.render import build_shot

BY_KEYS = {"focus.keys", "blur.keys"}
"""Fields that --focus, --focus-distance and --blur build."""

ONLY_IN_DOCUMENTS = {"schema_version", "name", "renderer.name", "output.metadata"} | {
    f"{curve}.{end}" for curve in ("focus", "blur") for end in ("before", "after")
}


def fields(model: type[BaseModel], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, info in model.model_fields.items():
        options: list[Any] = [info.annotation]
        if get_origin(info.annotation) is not tuple:  # keys are a list of parts, which one flag each builds
            options += get_args(info.annotation)
        inner = next((kind for kind in options if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        found |= fields(inner, f"{prefix}{name}.") if inner is not None else {prefix + name}
    return found


def minimal(**changes: object) -> dict[str, Any]:
    return {"plate": "plate.%04d.exr", "out": "out.%04d.exr", **changes}


def test_every_field_of_the_document_has_a_flag_or_a_reason() -> None:
    assert {flag.field for flag in SHOT_FLAGS} | BY_KEYS | ONLY_IN_DOCUMENTS == fields(Shot)


def test_help_shows_the_document_s_own_words() -> None:
    text = " ".join(
        CliRunner().invoke(app, ["render", "--help"], env={"COLUMNS": "400", "TERM": "dumb"}).output.split()
    )
    for flag in SHOT_FLAGS:
        assert flag.option in text
        assert str(field_of(flag.field).description) in text, flag.option


def test_flags_build_the_shot_that_a_document_would() -> None:
    shot = build_shot(
        None,
        ["1001=0.62", "1024@812,404"],
        [],
        ["1001=24"],
        minimal(
            depth="d.####.exr", depth_kind="near1", near=1.0, far=0.0, layers=["coc,overlay"], max_radius=40.0, blades=7
        ),
    )
    assert shot.depth.convention == "near1"
    assert (shot.depth.near, shot.depth.far) == (1.0, 0.0)
    assert [key.frame for key in shot.focus.keys] == [1001, 1024]
    assert shot.focus.keys[1].pixel == (812, 404)
    assert shot.blur is not None
    assert shot.blur.keys[0].value == 24
    assert shot.output.layers == ("coc", "overlay")
    assert shot.maximum_radius == 40
    assert shot.aperture.blades == 7


def test_flags_change_what_a_document_says_and_nothing_else(tmp_path: Path) -> None:
    made = build_shot(None, ["1001=0.5"], [], ["1001=24"], minimal(blades=5, on_missing="hold"))
    save_shot(made, tmp_path / "shot.json")
    kept = load_shot(tmp_path / "shot.json")
    changed = build_shot(tmp_path / "shot.json", [], [], [], {"quality": "draft", "roundness": 0.5})
    assert changed.renderer.quality == "draft"
    assert changed.aperture == kept.aperture.model_copy(update={"roundness": 0.5})
    assert changed.plate == kept.plate
    assert changed.focus == kept.focus


def test_a_lens_takes_the_place_of_k_and_k_of_a_lens(tmp_path: Path) -> None:
    by_k = build_shot(None, [], ["1001=3"], ["1001=24"], minimal(depth_kind="distance", near=1.0))
    save_shot(by_k, tmp_path / "shot.json")
    by_lens = build_shot(tmp_path / "shot.json", [], [], [], {"focal_length": 50.0, "f_number": 2.8})
    assert by_lens.blur is None
    assert by_lens.lens is not None
    save_shot(by_lens, tmp_path / "shot.json")
    again = build_shot(tmp_path / "shot.json", [], [], ["1001=8"], {})
    assert again.lens is None
    assert again.blur is not None


def test_all_flags_that_are_needed_are_named_at_once() -> None:
    with pytest.raises(ShotError, match="--plate, --out, --focus or --focus-distance, --blur or --focal-length"):
        build_shot(None, [], [], [], {})


def test_an_unset_flag_says_nothing() -> None:
    document: dict[str, Any] = {"plate": {"path": "a"}}
    apply_flags(document, {flag.name: None for flag in SHOT_FLAGS})
    assert document == {"plate": {"path": "a"}}
