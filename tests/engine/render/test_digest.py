"""The settings digest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from engine.depth import DepthLimits
from engine.render.digest import FrameFacts, file_identity, frame_digest, settings_of
from engine.shot import Shot, shot_from_dict

FACTS = FrameFacts(1001, 0.5, 24.0, ("plate:1:2", "depth:3:4"))
LIMITS = DepthLimits(1.0, 9.0)


def shot(**changes: Any) -> Shot:  # noqa: ANN401
    data: dict[str, Any] = {
        "plate": {"path": "plate.%04d.exr"},
        "depth": {"path": "depth.%04d.exr"},
        "focus": {"keys": [{"frame": 1001, "disparity": 0.5}]},
        "blur": {"keys": [{"frame": 1001, "value": 24}]},
        "output": {"path": "out.%04d.exr"},
    }
    for name, value in changes.items():
        data[name] = {**data[name], **value} if isinstance(value, dict) and name in data else value
    return shot_from_dict(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"plate": {"path": "moved/plate.%04d.exr"}},
        {"plate": {"frames": "1001-1005"}},
        {"output": {"path": "elsewhere.%04d.exr"}},
        {"focus": {"keys": [{"frame": 1001, "disparity": 0.5}, {"frame": 1010, "disparity": 0.1}]}},
        {"depth": {"near": 1.0, "far": 9.0}},
        {"depth": {"edges": "exact"}},
        {"depth": {"edge_strength": 2.0}},
    ],
)
def test_what_changes_no_pixel_of_a_frame_changes_no_settings(changes: dict[str, Any]) -> None:
    assert settings_of(shot(**changes), LIMITS) == settings_of(shot(), LIMITS)


@pytest.mark.parametrize(
    "changes",
    [
        {"in_focus_range": 0.1},
        {"maximum_radius": 30.0},
        {"near_multiplier": 0.5},
        {"aperture": {"blades": 6}},
        {"highlights": {"gain": 1.0}},
        {"renderer": {"quality": "draft"}},
        {"plate": {"colour_space": "ACEScg"}},
        {"plate": {"extra_layers": ["diffuse"]}},
        {"depth": {"convention": "inverse"}},
        {"depth": {"clean_edges": False}},
        {"matte": {"path": "matte.%04d.exr"}},
        {"output": {"compression": "dwaa"}},
        {"output": {"layers": ["coc"]}},
    ],
)
def test_what_changes_a_pixel_changes_the_settings(changes: dict[str, Any]) -> None:
    assert settings_of(shot(**changes), LIMITS) != settings_of(shot(), LIMITS)


def test_a_matte_counts_by_its_channel_and_disparity_and_not_by_its_place() -> None:
    def settings(**matte: object) -> str:
        return settings_of(shot(matte={"path": "m.%04d.exr", **matte}), LIMITS)

    assert "matte" not in settings_of(shot(), LIMITS), "documents from before there were mattes keep their digests"
    assert settings(path="moved/m.%04d.exr", frame_offset=5) == settings()
    assert len({settings(), settings(channel="R"), settings(disparity=0.0), settings(disparity=0.5)}) == 4


def test_limits_focus_blur_and_files_change_the_digest() -> None:
    settings = settings_of(shot(), LIMITS)
    base = frame_digest(settings, [FACTS])
    assert len(base) == 64
    others = [
        frame_digest(settings_of(shot(), DepthLimits(1.0, 9.5)), [FACTS]),
        frame_digest(settings, [FrameFacts(1001, 0.5000001, 24.0, FACTS.files)]),
        frame_digest(settings, [FrameFacts(1001, 0.5, 24.5, FACTS.files)]),
        frame_digest(settings, [FrameFacts(1001, 0.5, 24.0, ("plate:1:3", "depth:3:4"))]),
        frame_digest(settings, [FACTS, FACTS]),
    ]
    assert base not in others
    assert len(set(others)) == len(others)
    assert frame_digest(settings, [FACTS]) == base


def test_a_file_is_known_by_name_size_and_time_wherever_it_lies(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.exr").write_bytes(b"12345")
        os.utime(tmp_path / folder / "x.exr", ns=(0, 1_700_000_000_000_000_000))
    first, second = (file_identity(tmp_path / folder / "x.exr") for folder in ("a", "b"))
    assert first == second
    os.utime(tmp_path / "b" / "x.exr", ns=(0, 1_700_000_000_000_001_000))
    assert file_identity(tmp_path / "b" / "x.exr") != first
    assert file_identity(tmp_path / "none.exr") == file_identity(None)


def test_the_picture_of_an_aperture_is_known_by_its_file(tmp_path: Path) -> None:
    picture = tmp_path / "star.exr"
    picture.write_bytes(b"1")
    starred = shot(aperture={"image": str(picture)})
    before = settings_of(starred, LIMITS)
    picture.write_bytes(b"22")
    assert settings_of(starred, LIMITS) != before


def test_another_colour_configuration_changes_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)
    before = settings_of(shot(), LIMITS)
    monkeypatch.setenv("OCIO", "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5")
    assert settings_of(shot(), LIMITS) != before
