from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import ChannelError, CorruptError, DepthSizeError, MissingFrameError
from engine.frames import Window
from engine.media import DepthImage, DepthReader, fit_depth
from engine.media.saving import NewPart, save_image
from engine.shot import Depth, Plate

from .pictures import RGBA, noise, store


def test_depth_is_a_channel_of_the_plates_own_file(tmp_path: Path) -> None:
    image = noise(channels=5)
    kinds = ("half", "half", "half", "half", "float")
    store(tmp_path / "a.0001.exr", image, (*RGBA, "depth.Z"), kinds)
    with DepthReader(Depth(), Plate(path=str(tmp_path / "a.%04d.exr"))) as reader:
        np.testing.assert_array_equal(reader.read(1).values, image[:, :, 4])
        reader.check(1)


def test_depth_lies_in_another_part_than_colour(tmp_path: Path) -> None:
    window = Window.of_size(48, 32)
    values = noise(channels=1, seed=5)
    parts = [
        NewPart(noise(), RGBA, ("half",) * 4, window, name="rgba"),
        NewPart(values, ("Z",), ("float",), window, name="depth"),
    ]
    save_image(tmp_path / "a.0001.exr", "openexr", parts, "test")
    plate = Plate(path=str(tmp_path / "a.%04d.exr"), part="rgba")
    for depth in (Depth(), Depth(part="depth"), Depth(part=1), Depth(channel="Z")):
        with DepthReader(depth, plate) as reader:
            np.testing.assert_array_equal(reader.read(1).values, values[:, :, 0])


def test_infinite_depth_is_a_distance_and_stays(tmp_path: Path) -> None:
    values = noise(channels=1)
    values[0, 0], values[1, 1] = np.inf, np.nan
    store(tmp_path / "d.0001.exr", values, ("Z",), "float")
    with DepthReader(Depth(path=str(tmp_path / "d.%04d.exr")), Plate(path="unused")) as reader:
        np.testing.assert_array_equal(reader.read(1).values, values[:, :, 0])


@pytest.mark.parametrize(("kind", "most"), [("uint8", 255), ("uint16", 65535)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_integer_depth_is_exact_and_never_colour_transformed(tmp_path: Path, kind: str, most: int, suffix: str) -> None:
    codes = np.linspace(0, most, 48 * 32).round().reshape(32, 48, 1).astype(np.float32)
    store(tmp_path / f"d.0001{suffix}", codes / np.float32(most), ("Y",), kind)
    with DepthReader(Depth(path=str(tmp_path / f"d.%04d{suffix}")), Plate(path="unused")) as reader:
        np.testing.assert_array_equal(np.rint(reader.read(1).values * np.float64(most)), codes[:, :, 0])


def test_depth_frames_may_be_numbered_otherwise(tmp_path: Path) -> None:
    store(tmp_path / "d.0001.exr", noise(channels=1), ("Z",), "float")
    depth = Depth(path=str(tmp_path / "d.%04d.exr"), frame_offset=-1000)
    with DepthReader(depth, Plate(path="unused", frames="1001")) as reader:
        np.testing.assert_array_equal(reader.read(1001).values, noise(channels=1)[:, :, 0])
        with pytest.raises(MissingFrameError, match="frame 2"):
            reader.read(1002)


def test_a_held_plate_takes_the_depth_of_the_frame_it_shows(tmp_path: Path) -> None:
    for frame in (1, 2, 3):
        store(tmp_path / f"d.{frame:04d}.exr", noise(channels=1, seed=frame), ("Z",), "float")
        if frame != 2:
            store(tmp_path / f"a.{frame:04d}.exr", noise())
    plate = Plate(path=str(tmp_path / "a.%04d.exr"), on_missing="hold")
    with DepthReader(Depth(path=str(tmp_path / "d.%04d.exr")), plate) as reader:
        np.testing.assert_array_equal(reader.read(2).values, noise(channels=1, seed=1)[:, :, 0])


def test_a_missing_depth_channel_lists_those_there_are(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", noise())
    plate = Plate(path=str(tmp_path / "a.%04d.exr"))
    with pytest.raises(ChannelError, match="R, G, B, A"):
        DepthReader(Depth(), plate)
    with pytest.raises(ChannelError, match='"far"'):
        DepthReader(Depth(channel="far"), plate)


def test_alpha_beside_depth_is_read_only_where_it_counts(tmp_path: Path) -> None:
    image = noise(channels=2)
    store(tmp_path / "d.0001.exr", image, ("Z", "A"), "float")
    for asked in (False, True):
        depth = Depth(path=str(tmp_path / "d.%04d.exr"), unpremultiply=asked)
        with DepthReader(depth, Plate(path="unused")) as reader:
            found = reader.read(1)
        np.testing.assert_array_equal(found.values, image[:, :, 0])
        assert (found.alpha is not None) == asked
        if found.alpha is not None:
            np.testing.assert_array_equal(found.alpha, image[:, :, 1])


def test_a_truncated_depth_names_its_frame(tmp_path: Path) -> None:
    path = store(tmp_path / "d.0001.exr", noise(channels=1), ("Z",), "float")
    with DepthReader(Depth(path=str(tmp_path / "d.%04d.exr")), Plate(path="unused")) as reader:
        path.write_bytes(path.read_bytes()[:-99])
        with pytest.raises(CorruptError, match="frame 1"):
            reader.read(1)


RAMP = np.arange(8 * 6, dtype=np.float32).reshape(6, 8)


def test_depth_of_the_plates_size_is_untouched() -> None:
    window = Window.of_size(8, 6)
    assert fit_depth(DepthImage(RAMP, window), window, "error", 1) is RAMP


def test_overscan_that_depth_lacks_is_held_from_its_border() -> None:
    plate = Window(-2, -1, 12, 8, 0, 0, 8, 6)
    fitted = fit_depth(DepthImage(RAMP, Window.of_size(8, 6)), plate, "error", 1)
    np.testing.assert_array_equal(fitted, np.pad(RAMP, ((1, 1), (2, 2)), mode="edge"))


def test_depth_with_overscan_is_cut_to_the_plate() -> None:
    theirs = Window(-1, -1, 8, 6, 0, 0, 6, 4)
    fitted = fit_depth(DepthImage(RAMP, theirs), Window.of_size(6, 4), "error", 1)
    np.testing.assert_array_equal(fitted, RAMP[1:5, 1:7])


def test_a_png_of_the_data_windows_size_lies_on_the_data_window() -> None:
    plate = Window(-1, -1, 8, 6, 0, 0, 6, 4)
    np.testing.assert_array_equal(fit_depth(DepthImage(RAMP, Window.of_size(8, 6)), plate, "error", 1), RAMP)


def test_depth_of_another_size_is_an_error_unless_scaling_is_asked_for() -> None:
    with pytest.raises(DepthSizeError, match=r"frame 1017: depth is 8x6 but the plate is 16x12"):
        fit_depth(DepthImage(RAMP, Window.of_size(8, 6)), Window.of_size(16, 12), "error", 1017)


def test_scaled_depth_follows_a_slope_and_keeps_edges_hard() -> None:
    slope = np.tile(np.linspace(100, 107, 8, dtype=np.float32), (6, 1))
    slope[:, 4:] += 500
    slope[0, 0] = np.inf
    fitted = fit_depth(DepthImage(slope, Window.of_size(8, 6)), Window.of_size(16, 12), "scale", 1)
    np.testing.assert_allclose(fitted[5, 1:7], 100.25 + 0.5 * np.arange(6), rtol=1e-5)
    assert set(np.unique(fitted[6, 6:10] > 300)) == {False, True}
    assert not ((fitted > 110) & (fitted < 590)).any()
    assert np.isinf(fitted[0, 0])
    assert not np.isnan(fitted).any()
