"""Input that cannot be meant is told once before the first frame, with numbers and the setting that helps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from engine.frames import Float32Array
from engine.render import render
from engine.render.check import check
from engine.render.looking import look_at
from engine.shot import shot_from_dict
from training.scenes import benchmark_shots, demo_shot
from training.scenes.clip_scenes import clip_scene
from ui.cli.info import _shot as info_of_shot

from .shots import Tint, write_exr

WIDTH, HEIGHT = 96, 64


def picture(frame: int = 1) -> Float32Array:
    """Hard squares of different brightness that move."""
    rng = np.random.default_rng(5)
    small = rng.random((HEIGHT // 4, WIDTH // 4, 3), dtype=np.float32)
    return np.roll(np.kron(small, np.ones((4, 4, 1), np.float32)), 8 * frame, axis=1)


def ground(frame: int = 1) -> Float32Array:
    """Disparity of a ground that runs from the camera to a wall, and a box on it."""
    rows = np.clip(np.linspace(-0.4, 1, HEIGHT), 0.05, 1)
    disparity = np.repeat(rows[:, None], WIDTH, axis=1).astype(np.float32)
    disparity[30:50, 20 + frame : 40 + frame] = 0.7
    return disparity


def metres(frame: int = 1) -> Float32Array:
    return (2 / ground(frame)).astype(np.float32)


def write(path: Path, values: Float32Array, kind: str = "float") -> None:
    if path.suffix == ".exr":
        write_exr(path, values[:, :, None], ("Z",), kind)
        return
    spec = oiio.ImageSpec(values.shape[1], values.shape[0], 1, kind)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.ascontiguousarray(values[:, :, None]))
    assert out.close()


def told(
    folder: Path,
    depth: Callable[[int], Float32Array],
    settings: dict[str, Any],
    *,
    plate: Callable[[int], Float32Array] = picture,
    focus: dict[str, float] | None = None,
    suffix: str = ".exr",
    kind: str = "float",
) -> dict[str, str]:
    """Kinds and messages that a render tells before its first frame; check and info say the same."""
    for frame in (1, 2, 3):
        write_exr(folder / f"plate.{frame:04d}.exr", plate(frame), ("R", "G", "B"), "half")
        write(folder / f"depth.{frame:04d}{suffix}", depth(frame), kind)
    shot = {
        "plate": {"path": str(folder / "plate.%04d.exr")},
        "depth": {"path": str(folder / f"depth.%04d{suffix}"), **settings},
        "focus": {"keys": [{"frame": 1, **(focus or {"pixel": (30, 40)})}]},
        "blur": {"keys": [{"frame": 1, "value": 20.0}]},
        "output": {"path": str(folder / "out" / "out.%04d.exr")},
    }
    made = shot_from_dict(shot)
    events: list[Any] = []
    render(made, renderer=Tint(), report=events.append)
    kinds = [type(event).__name__ for event in events]
    before = events[: kinds.index("Started")]
    heard = {e.kind: e.message for e in before if type(e).__name__ == "Warned"}
    findings = check(made, overwrite=True)
    assert not findings.problems
    assert {notice.kind for notice in findings.notices} == set(heard)
    (folder / "shot.json").write_text(json.dumps(shot))
    assert {line.partition(": ")[0] for line in info_of_shot(folder / "shot.json")["warnings"]} == set(heard)
    return heard


GOOD: list[tuple[Callable[[int], Float32Array], dict[str, Any], str, str]] = [
    (metres, {}, ".exr", "float"),
    (metres, {"near": 2.0}, ".exr", "half"),
    (metres, {"near": 2.0, "far": 30.0}, ".exr", "float"),
    (lambda f: 1 / metres(f), {"convention": "inverse"}, ".exr", "float"),
    (lambda f: 100 * ground(f), {"convention": "inverse"}, ".exr", "float"),
    (ground, {"convention": "near1"}, ".exr", "half"),
    (ground, {"convention": "near1"}, ".png", "uint8"),
    (ground, {"convention": "direct"}, ".png", "uint16"),
    (lambda f: 1 - ground(f), {"convention": "far1"}, ".png", "uint16"),
    (lambda f: metres(f) / 65.535, {"scale": 65.535}, ".png", "uint16"),
    (lambda f: -metres(f), {"scale": -1}, ".exr", "float"),
    (lambda f: np.where(ground(f) < 0.1, 1e10, metres(f)), {}, ".exr", "float"),
]


@pytest.mark.parametrize(("depth", "settings", "suffix", "kind"), GOOD)
def test_good_input_of_every_kind_is_passed_in_silence(
    tmp_path: Path, depth: Callable[[int], Float32Array], settings: dict[str, Any], suffix: str, kind: str
) -> None:
    values: Callable[[int], Float32Array] = lambda f: np.asarray(depth(f), np.float32)  # noqa: E731
    assert told(tmp_path, values, settings, suffix=suffix, kind=kind) == {}


@pytest.mark.parametrize(
    ("depth", "settings", "says"),
    [
        (lambda f: 580 * ground(f), {"convention": "near1"}, ("--near", "580", '"inverse"')),
        (lambda f: 40 * metres(f), {"convention": "far1"}, ("--far", "distance")),
        (lambda f: 255 * ground(f), {"convention": "direct"}, ("depth.near 1",)),
        (lambda f: 2 * ground(f) - 1, {"convention": "near1"}, ("-0.9", "1")),
        (metres, {"near": 8.0}, ("nearer than depth.near 8",)),
        (lambda f: 100 * metres(f), {"near": 2.0, "far": 40.0}, ("farther than depth.far 40",)),
    ],
)
def test_values_beyond_the_limits_are_told_with_what_is_there(
    tmp_path: Path, depth: Callable[[int], Float32Array], settings: dict[str, Any], says: tuple[str, ...]
) -> None:
    heard = told(tmp_path, lambda f: np.asarray(depth(f), np.float32), settings)
    assert "depth.beyond" in heard
    for word in says:
        assert word in heard["depth.beyond"]


@pytest.mark.parametrize(("low", "high"), [(0, 255 / 65535), (0.5, 0.51), (0.2, 0.201)])
@pytest.mark.parametrize("convention", ["near1", "far1"])
def test_normalised_depth_that_fills_next_to_nothing_is_told(
    tmp_path: Path, low: float, high: float, convention: str
) -> None:
    values: Callable[[int], Float32Array] = lambda f: (low + (high - low) * ground(f)).astype(np.float32)  # noqa: E731
    assert "depth.squeezed" in told(tmp_path, values, {"convention": convention})


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "uint16"), (".png", "uint8"), (".tif", "uint16")])
def test_whole_numbers_are_no_distances(tmp_path: Path, suffix: str, kind: str) -> None:
    heard = told(tmp_path, ground, {}, suffix=suffix, kind=kind)
    assert "near1" in heard["depth.whole-numbers"]
    assert ("65.535" in heard["depth.whole-numbers"]) == (kind == "uint16")


@pytest.mark.parametrize(
    ("settings", "suffix", "says"),
    [
        ({}, ".exr", "infinitely far"),
        ({"scale": 65.535}, ".png", "filled"),
        ({"nothing_is": "far"}, ".exr", None),
        ({"nothing_is": "unknown"}, ".exr", None),
        ({"scale": 65.535, "nothing_is": "far"}, ".png", None),
    ],
)
def test_zeros_among_distances_are_told_with_the_setting(
    tmp_path: Path, settings: dict[str, Any], suffix: str, says: str | None
) -> None:
    whole = suffix == ".png"
    values: Callable[[int], Float32Array] = lambda f: (  # noqa: E731
        np.where(ground(f) < 0.1, 0, metres(f)) / (65.535 if whole else 1)
    ).astype(np.float32)
    heard = told(tmp_path, values, settings, suffix=suffix, kind="uint16" if whole else "float")
    assert ("depth.zeros" in heard) == (says is not None)
    assert says is None or (says in heard["depth.zeros"] and "depth.nothing_is" in heard["depth.zeros"])


@pytest.mark.parametrize("rows", [1, 4, 20])
def test_distances_that_are_mostly_negative_are_told(tmp_path: Path, rows: int) -> None:
    def depth(frame: int) -> Float32Array:
        values = -metres(frame)
        values[:rows] *= -1
        return values

    heard = told(tmp_path, depth, {"near": 2.0})
    assert "depth.scale (--depth-scale) to -1" in heard["depth.negative"]


@pytest.mark.parametrize(
    ("depth", "convention"),
    [
        (ground, "far1"),
        (lambda f: 1 - ground(f), "near1"),
        (lambda f: 1 - ground(f), "direct"),
        (lambda f: (1.02 - ground(f)) * 100, "inverse"),
    ],
)
def test_ground_and_sky_that_changed_places_are_told(
    tmp_path: Path, depth: Callable[[int], Float32Array], convention: str
) -> None:
    heard = told(tmp_path, lambda f: np.asarray(depth(f), np.float32), {"convention": convention})
    assert "may be turned round" in heard["depth.inverted"]


@pytest.mark.parametrize(
    ("focus", "settings", "outside"),
    [
        ({"distance": 0.5}, {}, True),
        ({"distance": 200.0}, {"near": 2.0, "far": 1000.0}, True),
        ({"disparity": 1.4}, {"near": 2.0}, True),
        ({"disparity": -0.3}, {"near": 2.0}, True),
        ({"distance": 5.0}, {}, False),
        ({"distance": 2.0}, {}, False),
        ({"disparity": 0.0}, {"near": 2.0}, True),
        ({"disparity": 0.046}, {"near": 2.0}, False),  # a hair behind the wall: nobody sees its blur
    ],
)
def test_focus_outside_the_shots_depth_is_told(
    tmp_path: Path, focus: dict[str, float], settings: dict[str, Any], outside: bool
) -> None:
    heard = told(tmp_path, metres, settings, focus=focus)
    assert ("focus.beyond" in heard) == outside


@pytest.mark.parametrize("radius", [4, 6, 8])
def test_a_plate_that_is_not_sharp_is_told(tmp_path: Path, radius: int) -> None:
    def soft(frame: int) -> Float32Array:
        kernel = np.ones(2 * radius + 1) / (2 * radius + 1)
        image = np.kron(picture(frame), np.ones((4, 4, 1), np.float32))
        for _ in range(2):
            image = np.apply_along_axis(np.convolve, 0, image, kernel, "same")
            image = np.apply_along_axis(np.convolve, 1, image, kernel, "same")
        return image.astype(np.float32)

    heard = told(tmp_path, lambda f: np.kron(metres(f), np.ones((4, 4), np.float32)), {}, plate=soft)
    assert "may not be sharp" in heard["plate.soft"]


@pytest.mark.parametrize("name", ["fog", "night", "title", "grain"])
def test_nothing_is_said_of_pictures_with_few_edges(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(8)
    fog = np.tile(np.linspace(0.4, 0.5, HEIGHT, dtype=np.float32)[:, None, None], (1, WIDTH, 3))
    made = {"fog": fog, "night": 0.001 * fog, "title": np.zeros_like(fog), "grain": fog + 0.02 * rng.random(fog.shape)}
    made["title"][30:34, 20:70] = 1
    assert told(tmp_path, metres, {}, plate=lambda _f: made[name].astype(np.float32)) == {}


def test_depth_that_stands_still_under_a_moving_plate_is_told(tmp_path: Path) -> None:
    assert "depth.still" in told(tmp_path, lambda _f: metres(1), {})


def test_a_still_depth_of_a_still_plate_is_passed(tmp_path: Path) -> None:
    assert told(tmp_path, lambda _f: metres(1), {}, plate=lambda _f: picture(1)) == {}


SCENES = {s.name.partition("-")[0]: s for s in (*benchmark_shots(384, 216), demo_shot(384, 216))}


@pytest.mark.parametrize("name", [*sorted(SCENES), *(f"clip-{n}" for n in range(70, 74))])
def test_no_scene_of_ours_looks_soft_or_turned_round(name: str) -> None:
    if name.startswith("clip"):
        view = clip_scene((5, int(name[5:])), 256, 144, 2).at(0).view(0, 2)
    else:
        view = SCENES[name].scene.view(SCENES[name].frames[0], 2)
    look = look_at(1, view.image, view.disparity, view.disparity, None, 0.0)
    assert look.steepest > 0.6
    turned = look.bands[0] > 0.8 and look.bands[-1] < 0.45 and look.top_spread < 0.08
    assert not turned
