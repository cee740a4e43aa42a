from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import ShotError
from training.benchmark.composed import FAR, NEAR, composed_shot
from training.benchmark.shapes import TUNE_PICTURES
from training.benchmark.spoiling import EXACT, WAYS, choose_ways, spoiled
from training.benchmark.truth import KnownShot
from training.metrics import depth_edges


@pytest.fixture(scope="module")
def known() -> KnownShot:
    return composed_shot(TUNE_PICTURES[0], "near", 2, 61, 20.0)


def mean_of(known: KnownShot, way: str) -> float:
    return float(np.mean(spoiled(known, WAYS[way])[0].disparity))


@pytest.mark.parametrize("way", WAYS)
def test_shape_type_and_range_stay_and_the_same_is_always_spoiled_alike(known: KnownShot, way: str) -> None:
    first, again = spoiled(known, WAYS[way]), spoiled(known, WAYS[way])
    for frame, same, before in zip(first, again, known.frames, strict=True):
        assert frame.disparity.shape == before.disparity.shape
        assert frame.disparity.dtype == np.float32
        assert 0.0 <= frame.disparity.min() <= frame.disparity.max() <= 1.0
        assert np.array_equal(frame.disparity, same.disparity)
        assert frame.image is before.image
        assert np.abs(frame.disparity - before.disparity).mean() < 0.2
        # The two layers lie on whole steps of 8 bit.
        assert (way in ("exact", "8bit")) == np.array_equal(frame.disparity, before.disparity)


def test_what_is_said_to_be_new_on_every_frame_is_and_nothing_else(known: KnownShot) -> None:
    changing = {
        name for name, way in WAYS.items() if not np.array_equal(*(frame.disparity for frame in spoiled(known, way)))
    }
    assert changing == {"jitter", "noise", "edges-displaced", "mixed-half", "mixed-third"}


def test_another_shot_is_spoiled_otherwise(known: KnownShot) -> None:
    other = replace(known, name="another")
    one, two = (spoiled(shot, WAYS["low-frequency"])[0].disparity for shot in (known, other))
    assert not np.array_equal(one, two)


def test_the_near_side_shrinks_and_grows_by_as_much_as_is_said(known: KnownShot) -> None:
    areas = [mean_of(known, way) for way in ("small-3", "small-2", "small-1", "exact", "large-1", "large-2", "large-3")]
    radii = np.sqrt((np.array(areas) - FAR) / (NEAR - FAR) * 61 * 61 / np.pi)
    assert np.diff(radii) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("way", "most"),
    [("half-bilinear", 0.2), ("half-stairs", 0.6), ("quarter-bilinear", 0.4), ("quarter-stairs", 1.2)],
)
def test_a_smaller_map_moves_nothing_to_one_side_by_more_than_its_steps(
    known: KnownShot, way: str, most: float
) -> None:
    y, x = np.mgrid[:61, :61]
    shifts = []
    for frame in (known.frames[0], spoiled(known, WAYS[way])[0]):
        near = frame.disparity > 0.5
        shifts.append((x[near].mean(), y[near].mean()))
    assert shifts[1] == pytest.approx(shifts[0], abs=most)


def test_soft_edges_are_ramps_and_stairs_are_not(known: KnownShot) -> None:
    soft, stairs = (spoiled(known, WAYS[way])[0].disparity for way in ("soft-3", "quarter-stairs"))
    assert np.abs(np.diff(soft, axis=1)).max() < 0.2 * (NEAR - FAR)
    assert set(np.unique(stairs)) == {np.float32(NEAR), np.float32(FAR)}
    assert depth_edges(stairs).any()


def test_thin_things_are_missing_and_thick_ones_stay() -> None:
    wires = composed_shot(TUNE_PICTURES[4], "near", 1, 61, 20.0)
    assert mean_of(wires, "thin-missing") < FAR + 0.35 * (mean_of(wires, "exact") - FAR)


def test_the_noise_moves_the_radius_by_a_pixel(known: KnownShot) -> None:
    frame = spoiled(known, WAYS["noise"])[0]
    assert np.std(frame.disparity - known.frames[0].disparity) * frame.strength == pytest.approx(1.0, abs=0.05)


def test_ways_are_chosen_by_name_in_the_list_s_order() -> None:
    assert choose_ways(()) == tuple(WAYS.values())
    assert choose_ways(("soft-3", "exact")) == (EXACT, WAYS["soft-3"])
    with pytest.raises(ShotError, match="there is no way foggy to spoil depth; choose from exact, filtered"):
        choose_ways(("foggy",))
