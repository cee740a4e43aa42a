from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.curve import Curve
from engine.shot import SCHEMA_VERSION, shot_from_dict
from plugin import document
from plugin.document import curve_keys, focus_keys, sampled_keys, shot_document

VALUES = st.floats(-1e4, 1e4).map(lambda value: round(value, 6))
SAMPLES = st.lists(VALUES, min_size=1, max_size=40).map(lambda values: dict(enumerate(values, 1001)))

NEAR = 1e-9
"""How far a curve may lie from what was sampled."""


def whole(**parts: object) -> dict[str, object]:
    given: dict[str, object] = {
        "plate": "/p/p.%04d.exr",
        "depth": "/d/d.%04d.exr",
        "frames": (1001, 1024),
        "focus": 0.5,
        "blur": 12.0,
        "output": "/o/o.%04d.exr",
    }
    return shot_document(**(given | parts))  # type: ignore[arg-type]


def curve(keys: list[dict[str, object]]) -> Curve:
    """As the engine evaluates them."""
    blur = shot_from_dict(whole(blur=keys)).blur
    assert blur is not None
    return Curve.of(blur.keys, blur.before, blur.after)


@given(SAMPLES)
def test_a_curve_through_the_keys_goes_through_every_sample(samples: dict[int, float]) -> None:
    positive = {frame: abs(value) for frame, value in samples.items()}
    made = curve(sampled_keys(positive))
    # The engine's own rounding comes on top, of values up to ten thousand.
    assert all(abs(made(frame) - value) <= NEAR + 1e-11 for frame, value in positive.items())


@given(SAMPLES)
def test_keys_are_samples_in_order_from_the_first_to_the_last(samples: dict[int, float]) -> None:
    keys = sampled_keys(samples)
    assert all(samples[int(key["frame"])] == key["value"] for key in keys)
    assert all(one["frame"] < two["frame"] for one, two in pairwise(keys))
    assert keys[0]["frame"] == min(samples)
    assert len(keys) == 1 or keys[-1]["frame"] == max(samples)


@given(st.lists(st.tuples(st.integers(1, 30), VALUES), min_size=1, max_size=8), VALUES)
def test_straight_runs_take_no_more_keys_than_they_have_corners(runs: list[tuple[int, float]], start: float) -> None:
    frame, value, samples = 1001, start, {1001: start}
    for length, target in runs:
        for step in range(1, length + 1):
            samples[frame + step] = value + (target - value) * step / length
        frame, value = frame + length, target
    assert len(sampled_keys(samples)) <= len(runs) + 1


def test_what_never_changes_is_one_key() -> None:
    assert sampled_keys(dict.fromkeys(range(1001, 1241), 8.0)) == [
        {"frame": 1001.0, "value": 8.0, "interpolation": "linear"}
    ]


def test_a_hold_a_ramp_and_a_hold_are_four_keys() -> None:
    samples = {frame: min(max((frame - 1010) / 10, 0.0), 1.0) for frame in range(1001, 1031)}
    assert [key["frame"] for key in focus_keys(samples)] == [1001, 1010, 1020, 1030]


def test_sampled_distances_are_straight_in_distance() -> None:
    samples = {frame: 2.0 + 0.25 * (frame - 1001) for frame in range(1001, 1025)}
    shot = shot_from_dict(whole(focus=focus_keys(samples, "distance")))
    assert shot.focus.space == "distance"
    assert [key.distance for key in shot.focus.keys] == [2.0, 7.75]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_no_document_can_hold_is_refused_by_its_frame(bad: float) -> None:
    with pytest.raises(ValueError, match="1002"):
        sampled_keys({1001: 1.0, 1002: bad})
    with pytest.raises(ValueError, match="no samples"):
        sampled_keys({})
    with pytest.raises(ValueError, match="no keys"):
        curve_keys([])
    with pytest.raises(ValueError, match="1003"):
        focus_keys({1003: 0.0}, "distance")
    with pytest.raises(ValueError, match="metres"):
        focus_keys({1003: 1.0}, "metres")


def test_a_spline_keeps_its_tangents_and_the_order_of_its_frames() -> None:
    keys = curve_keys(
        [
            {"frame": 1011, "value": 4, "interpolation": "constant", "left": {"frame": -3, "value": 1}},
            {"frame": 1001, "value": 2, "right": {"frame": 5, "value": 0.5}},
            {"frame": 1021, "value": 9, "interpolation": "linear", "left": {"frame": 1e-12, "value": 2}},
        ]
    )
    made = curve(keys)
    assert [key.frame for key in made.keys] == [1001, 1011, 1021]
    assert made.keys[0].right == (5, 0.5)
    assert made.keys[1].left == (-3, 1)
    assert made.keys[2].left == (0, 2)  # a rounding error beyond its key
    assert made(1015) == 4


def test_a_bezier_is_what_its_control_points_say() -> None:
    keys = curve_keys(
        [
            {"frame": 0, "value": 1, "right": {"frame": 4, "value": 0}},
            {"frame": 12, "value": 3, "left": {"frame": -4, "value": 0}},
        ]
    )
    # Handles a third of the way along: time runs evenly, and the value is 1 + 2 (3 t^2 - 2 t^3).
    assert curve(keys)(3) == pytest.approx(1 + 2 * (3 / 16 - 2 / 64), abs=1e-9)


def test_what_is_not_given_is_left_out_at_any_depth() -> None:
    made = whole(depth=None, frames=None, lens=None, aperture={"blades": 6, "image": None}, maximum_radius=None)
    assert "depth" not in made
    assert "lens" not in made
    assert "maximum_radius" not in made
    assert made["plate"] == {"path": "/p/p.%04d.exr"}
    assert made["aperture"] == {"blades": 6}
    assert shot_from_dict(made).aperture.blades == 6


def test_parts_may_be_paths_numbers_keys_or_whole() -> None:
    shot = shot_from_dict(
        whole(
            plate={"path": "/p/p.%04d.exr", "layer": "beauty"},
            frames="1001-1010x3",
            focus={"keys": [{"frame": 1001, "pixel": [10, 20]}], "sample_radius": 5},
            blur=None,
            lens={"focal_length": 50, "f_number": 2.0},
            renderer={"quality": "draft"},
        )
    )
    assert shot.plate.layer == "beauty"
    assert shot.plate.frames == "1001-1010x3"
    assert shot.focus.sample_radius == 5
    assert shot.focus.space == "disparity"
    assert shot.lens is not None
    assert shot.renderer.quality == "draft"
    assert shot_from_dict(whole()).plate.frames == "1001-1024"


def test_it_writes_the_version_that_the_engine_reads() -> None:
    assert document.SCHEMA_VERSION == SCHEMA_VERSION
