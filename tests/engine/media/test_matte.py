"""Mattes as roto artists and keyers write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import ChannelError, CorruptError, MatteError, MissingFrameError
from engine.frames import Float32Array, Window
from engine.media import MatteImage, MatteReader, fit_matte
from engine.shot import Matte, Plate

from .pictures import RGBA, noise, store

PLAIN = Window.of_size(48, 32)


def values() -> Float32Array:
    return noise(channels=1)[:, :, 0]


def read(path: Path, channel: str | None = None, frame: int = 1) -> MatteImage:
    with MatteReader(Matte(path=str(path), channel=channel), Plate(path="unused")) as reader:
        reader.check(frame)
        return reader.read(frame)


def test_alpha_is_the_matte_where_there_is_one(tmp_path: Path) -> None:
    image = noise()
    store(tmp_path / "m.0001.exr", image)
    np.testing.assert_array_equal(read(tmp_path / "m.%04d.exr").values, image[:, :, 3])
    np.testing.assert_array_equal(read(tmp_path / "m.%04d.exr", "G").values, image[:, :, 1])


@pytest.mark.parametrize("channel", ["Y", "mask.V", "roto"])
def test_the_only_channel_is_the_matte(tmp_path: Path, channel: str) -> None:
    store(tmp_path / "m.0001.exr", values()[:, :, None], (channel,))
    np.testing.assert_array_equal(read(tmp_path / "m.%04d.exr").values, values())


def test_three_equal_channels_are_one_and_three_others_are_refused(tmp_path: Path) -> None:
    store(tmp_path / "m.0001.png", np.repeat(values()[:, :, None], 3, axis=2), RGBA[:3], "uint8")
    np.testing.assert_allclose(read(tmp_path / "m.0001.png").values, values(), atol=1 / 255)
    store(tmp_path / "c.0001.exr", noise(), RGBA[:3])
    with pytest.raises(ChannelError, match=r"frame 1: R, G, B of the matte differ .* set matte\.channel"):
        read(tmp_path / "c.%04d.exr")
    np.testing.assert_array_equal(read(tmp_path / "c.%04d.exr", "B").values, noise()[:, :, 2])


def test_a_channel_that_is_not_there_is_named(tmp_path: Path) -> None:
    store(tmp_path / "m.0001.exr", noise())
    with pytest.raises(ChannelError, match=r'"roto.*set matte\.channel'):
        read(tmp_path / "m.%04d.exr", "roto")
    store(tmp_path / "d.0001.exr", noise(channels=2), ("one", "two"))
    with pytest.raises(ChannelError, match="one, two"):
        read(tmp_path / "d.%04d.exr")


def test_values_that_are_no_coverage_are_repaired_and_counted(tmp_path: Path) -> None:
    image = values()
    image[0, :5] = np.nan, np.inf, -np.inf, 1.25, 1.005
    store(tmp_path / "m.0001.exr", image[:, :, None], ("A",), "float")
    found = read(tmp_path / "m.%04d.exr")
    np.testing.assert_array_equal(found.values[0, :5], [0, 1, 0, 1, 1])
    assert found.repaired == 4


def test_a_matte_from_0_to_255_is_refused(tmp_path: Path) -> None:
    store(tmp_path / "m.0001.exr", 255 * values()[:, :, None], ("A",), "float")
    with pytest.raises(MatteError, match="frame 1: the matte has values up to 25"):
        read(tmp_path / "m.%04d.exr")


def test_a_missing_matte_is_an_error_or_held_as_the_plate_says(tmp_path: Path) -> None:
    for frame in (1, 3):
        store(tmp_path / f"m.{frame:04d}.exr", noise(seed=frame))
        store(tmp_path / f"p.{frame:04d}.exr", noise(seed=frame))
    store(tmp_path / "p.0002.exr", noise())
    matte = Matte(path=str(tmp_path / "m.%04d.exr"))
    with (
        MatteReader(matte, Plate(path=str(tmp_path / "p.%04d.exr"))) as reader,
        pytest.raises(MissingFrameError, match=r"matte\.path: frame 2"),
    ):
        reader.read(2)
    for on_missing in ("hold", "black"):
        with MatteReader(matte, Plate(path=str(tmp_path / "p.%04d.exr"), on_missing=on_missing)) as reader:
            assert reader.read(2).held
            np.testing.assert_array_equal(reader.read(2).values, reader.read(1).values)
            assert not reader.read(3).held


def test_frames_may_be_numbered_otherwise_and_a_broken_file_is_named(tmp_path: Path) -> None:
    file = store(tmp_path / "m.0001.exr", noise())
    with MatteReader(Matte(path=str(tmp_path / "m.%04d.exr"), frame_offset=-1000), Plate(path="unused")) as reader:
        assert reader.path(1001) == file
        np.testing.assert_array_equal(reader.read(1001).values, noise()[:, :, 3])
        file.write_bytes(file.read_bytes()[:-300])
        with pytest.raises(CorruptError, match=r"m\.0001\.exr"):
            reader.read(1001)


def test_a_matte_lies_where_its_window_says_and_nothing_is_covered_around_it() -> None:
    crop = Window(10, 5, 8, 6, 0, 0, 48, 32)
    laid = fit_matte(MatteImage(np.ones((6, 8), np.float32), crop), PLAIN, 1)
    assert laid.sum() == 48
    assert (laid[5:11, 10:18] == 1).all()


def test_a_whole_matte_is_held_into_the_plate_s_overscan() -> None:
    overscan = Window(-4, -2, 56, 36, 0, 0, 48, 32)
    laid = fit_matte(MatteImage(values(), PLAIN), overscan, 1)
    np.testing.assert_array_equal(laid[2:-2, 4:-4], values())
    np.testing.assert_array_equal(laid[0, 4:-4], values()[0])


def test_a_matte_of_another_size_is_refused() -> None:
    with pytest.raises(MatteError, match="frame 7: the matte is 24x16 but the plate is 48x32"):
        fit_matte(MatteImage(np.ones((16, 24), np.float32), Window.of_size(24, 16)), PLAIN, 7)
