"""What stands in a depth file: painted pictures, scaled and negative distances, rays, and where nothing is."""

from __future__ import annotations

import re
from math import inf, nan
from pathlib import Path

import av
import numpy as np
import pytest

from engine.depth import DepthLimits, find_limits, to_disparity
from engine.depth.colour_maps import COLOUR_MAPS, colour_map
from engine.errors import ChannelError, DepthRangeError, OpticsError, ShotError
from engine.frames import Float32Array
from engine.media import DepthReader
from engine.shot import Depth, LensSettings, Plate, shot_from_dict

from .pictures import store

RAMP = np.tile(np.linspace(0, 1, 96, dtype=np.float32), (64, 1))
RAMP[20:40, 30:60] = 0.9


def read(path: Path, **settings: object) -> Float32Array:
    depth = Depth.model_validate({"path": str(path), "convention": "near1", **settings})
    with DepthReader(depth, Plate(path="unused", frames="1-2")) as reader:
        return reader.read(1).values


def movie(path: Path, picture: Float32Array) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
        whole = np.rint(picture * 255).astype(np.uint8)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(whole, "rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_a_painted_depth_is_refused_by_name_or_read_back_on_request(tmp_path: Path, name: str) -> None:
    path = store(tmp_path / "d.png", colour_map(name).paint(RAMP), ("R", "G", "B"), "uint8")
    with pytest.raises(ChannelError, match=rf'"{name.removesuffix("_r")}".*depth\.colour_map'):
        read(path)
    assert np.abs(read(path, colour_map=name) - RAMP).max() < 2 / 255


@pytest.mark.parametrize("name", ["turbo", "inferno", "spectral_r", "jet", "viridis"])
def test_a_painted_movie_is_refused_or_read_back(tmp_path: Path, name: str) -> None:
    path = movie(tmp_path / "d.mp4", colour_map(name).paint(RAMP))
    with pytest.raises(ChannelError, match=r"depth\.colour_map"):
        read(path)
    assert np.nanmedian(np.abs(read(path, colour_map=name) - RAMP)) < 0.02


@pytest.mark.parametrize("suffix", [".png", ".tif", ".exr", ".jpg", ".mp4"])
def test_a_grey_picture_with_a_tint_by_compression_is_a_depth_map(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(3)
    grey = np.repeat(RAMP[:, :, None], 3, axis=2)
    path = tmp_path / f"d{suffix}"
    if suffix == ".mp4":
        movie(path, grey)
    elif suffix == ".jpg":
        _jpeg(path, grey)
    else:
        tinted = np.clip(grey + rng.normal(0, 0.004, grey.shape).astype(np.float32), 0, 1)
        store(path, tinted, ("R", "G", "B"), "half" if suffix == ".exr" else "uint8")
    assert np.abs(read(path) - RAMP).mean() < 0.02


def _jpeg(path: Path, picture: Float32Array) -> None:
    import OpenImageIO as oiio  # noqa: N813

    spec = oiio.ImageSpec(picture.shape[1], picture.shape[0], 3, "uint8")
    spec.attribute("CompressionQuality", 60)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.ascontiguousarray(picture))
    assert out.close()


def test_a_picture_in_colours_is_no_depth(tmp_path: Path) -> None:
    colours = np.random.default_rng(4).random((64, 96, 3), dtype=np.float32)
    with pytest.raises(ChannelError, match=r"R, G, B differ.*depth\.channel"):
        read(store(tmp_path / "d.exr", colours, ("R", "G", "B")))
    path = store(tmp_path / "d.png", colours, ("R", "G", "B"), "uint8")
    with DepthReader(Depth(path=str(path), convention="near1"), Plate(path="unused")) as reader:
        (notice,) = reader.notices
    assert notice.kind == "depth.coloured"
    assert re.search(r"R, G, B differ in .*%.*depth\.channel", notice.message)
    with pytest.raises(ChannelError, match=r'only .*"turbo"'):
        read(path, colour_map="turbo")
    assert read(path, channel="G").shape == (64, 96)


def test_one_channel_of_a_painted_picture_is_warned_of(tmp_path: Path) -> None:
    path = store(tmp_path / "d.png", colour_map("turbo").paint(RAMP), ("R", "G", "B"), "uint8")
    with DepthReader(Depth(path=str(path), convention="near1", channel="R"), Plate(path="unused")) as reader:
        assert [notice.kind for notice in reader.notices] == ["depth.coloured"]


def test_a_later_frame_in_colours_is_refused_too(tmp_path: Path) -> None:
    store(tmp_path / "d.0001.png", np.zeros((64, 96, 3), np.float32), ("R", "G", "B"), "uint8")
    store(tmp_path / "d.0002.png", colour_map("jet").paint(RAMP), ("R", "G", "B"), "uint8")
    depth = Depth(path=str(tmp_path / "d.%04d.png"), convention="near1")
    with DepthReader(depth, Plate(path="unused", frames="1-2")) as reader:
        reader.read(1)
        with pytest.raises(ChannelError, match=r"frame 2.*jet"):
            reader.read(2)


def distances(path: Path, values: list[float], kind: str = "float", **settings: object) -> list[float]:
    row = np.array([values], np.float32)[:, :, None]
    store(path, row, ("Z",) if path.suffix == ".exr" else ("Y",), kind)
    return [float(v) for v in read(path, **{"convention": "distance", **settings})[0]]


@pytest.mark.parametrize(
    ("values", "settings", "means"),
    [
        ([2, 0, 5], {}, [2, inf, 5]),
        ([2, 0, 5], {"nothing_is": "unknown"}, [2, nan, 5]),
        ([2, 65504, 5], {}, [2, inf, 5]),
        ([2, 1e10, 5], {}, [2, inf, 5]),
        ([2, -1e30, 5], {}, [2, inf, 5]),
        ([2, 3.4e38, inf], {}, [2, inf, inf]),
        ([2, 1000, 5], {"nothing": 1000}, [2, inf, 5]),
        ([2, -1, 5], {"nothing": -1, "nothing_is": "unknown"}, [2, nan, 5]),
        ([-2, -5, -1e10], {"scale": -1}, [2, 5, inf]),
        ([200, 0, 500], {"scale": 0.01}, [2, inf, 5]),
        ([0.1, 9, 0], {"nothing": 9, "convention": "near1"}, [0.1, 0, 0]),
        ([0.1, -1, 0], {"nothing": -1, "convention": "far1"}, [0.1, 1, 0]),
        ([0.1, 9, 0], {"nothing": 9, "convention": "inverse"}, [0.1, 0, 0]),
        ([50, -1, 30], {"nothing": -1, "convention": "far1", "near": 20, "far": 60}, [50, 60, 30]),
    ],
)
def test_a_value_may_mean_that_nothing_is_there(
    tmp_path: Path, values: list[float], settings: dict[str, object], means: list[float]
) -> None:
    np.testing.assert_allclose(distances(tmp_path / "d.exr", values, **settings), means, rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "means"),
    [
        ({}, [2, 0, 5]),
        ({"nothing_is": "far"}, [2, inf, 5]),
        ({"nothing_is": "unknown"}, [2, nan, 5]),
    ],
)
def test_a_zero_of_a_depth_camera_is_a_hole_unless_it_is_told(
    tmp_path: Path, settings: dict[str, object], means: list[float]
) -> None:
    millimetres = [2000 / 65535, 0, 5000 / 65535]
    found = distances(tmp_path / "d.png", millimetres, "uint16", scale=65.535, **settings)
    np.testing.assert_allclose(found, means, rtol=1e-6)


@pytest.mark.parametrize("nothing", [0.0, 65504.0, 1e10, 1e30, inf])
def test_what_stands_for_nothing_does_not_disturb_the_limits(tmp_path: Path, nothing: float) -> None:
    found = distances(tmp_path / "d.exr", [2.0] * 500 + [nothing] * 400 + [8.0] * 100)
    values = np.array([found], np.float32)
    settings = Depth(convention="distance")
    limits = find_limits([(1, values)], settings)
    assert limits.near == pytest.approx(2, rel=1e-3)
    disparity = to_disparity(values, settings, limits)
    assert disparity.repaired == 0
    assert float(disparity.values[0, 700]) == 0
    assert float(disparity.values[0, 950]) == pytest.approx(0.25, rel=1e-3)


@pytest.mark.parametrize("convention", ["distance", "inverse"])
@pytest.mark.parametrize("pixel_aspect", [1.0, 2.0])
def test_lengths_of_rays_become_distances_from_the_cameras_plane(
    tmp_path: Path, convention: str, pixel_aspect: float
) -> None:
    x = (np.arange(96) + 0.5 - 48) / 48 * 0.5
    y = (np.arange(64) + 0.5 - 32) / 48 * 0.5 / pixel_aspect
    rays = 7 * np.sqrt(1 + x[None, :] ** 2 + y[:, None] ** 2)
    values = rays if convention == "distance" else 1 / rays
    path = store(tmp_path / "d.exr", values.astype(np.float32)[:, :, None], ("Z",), "float")
    lens = LensSettings(focal_length=36.0, f_number=2.0, sensor_width=36.0)
    depth = Depth.model_validate({"path": str(path), "convention": convention, "measured": "ray"})
    with DepthReader(depth, Plate(path="unused", pixel_aspect=pixel_aspect), lens=lens) as reader:
        wall = reader.read(1).values
    np.testing.assert_allclose(wall, 7 if convention == "distance" else 1 / 7, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"measured": "ray"}, OpticsError, "field_of_view"),
        ({"measured": "ray", "field_of_view": 50, "convention": "near1"}, OpticsError, "holds no distances"),
        ({"scale": 0}, ShotError, "depth.scale is 0"),
        ({"colour_map": "turbo"}, ShotError, "near1"),
        ({"colour_map": "turbo", "convention": "inverse"}, ShotError, "near1"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    settings: dict[str, object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        shot_from_dict(
            {
                "plate": {"path": "a.exr"},
                "depth": settings,
                "focus": {"keys": [{"frame": 1, "disparity": 0.5}]},
                "blur": {"keys": [{"frame": 1, "value": 4}]},
                "output": {"path": "o.exr"},
            }
        )


@pytest.mark.parametrize("convention", ["distance", "inverse"])
def test_negative_distances_are_told_with_the_scale_that_turns_them(convention: str) -> None:
    values = np.full((4, 4), -3, np.float32)
    settings = Depth.model_validate({"convention": convention})
    with pytest.raises(DepthRangeError, match=r"depth\.scale.*-1"):
        find_limits([(1, values)], settings)
    with pytest.raises(DepthRangeError, match=r"depth\.scale.*-1"):
        to_disparity(values, settings, DepthLimits(2.0, inf if convention == "distance" else 0.0))
