"""Inside the display window and outside the data window is nothing: a file that is cropped is the same picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.depth import DepthLimits
from engine.errors import FrameSizeError, KeysError
from engine.frames import Float32Array, PlateFrame, Window
from engine.media import PlateReader
from engine.media.encoding import display_image
from engine.media.images import read_header, read_pixels
from engine.media.saving import NewPart, save_image
from engine.optics import Defocus
from engine.render import check, render
from engine.render.data_window import window_of_result
from engine.render.inputs import Inputs
from engine.shot import Plate, shot_from_dict
from engine.worker.opened import OpenShot

WIDE, HIGH = 96, 64
CHANNELS = ("R", "G", "B", "A", "Z")
KEPT = 1e-5
"""Float rounding: the two renders do the same sums over the same pixels."""


def element(stored: Window, seed: int = 0) -> Float32Array:
    """The whole display window: a textured element with a soft outline in a part of ``stored``, nothing around it."""
    random = np.random.default_rng(seed)
    full = np.zeros((HIGH, WIDE, 5), np.float32)
    x, y = stored.x - stored.display_x, stored.y - stored.display_y
    x0, x1 = max(x, 0), min(x + stored.width, WIDE)
    y0, y1 = max(y, 0), min(y + stored.height, HIGH)
    if x0 < x1 and y0 < y1:
        part = full[y0:y1, x0:x1]
        part[..., 3] = 1
        for edge in (part[:1], part[-1:], part[:, :1], part[:, -1:]):
            edge[..., 3] = 0.5
        part[..., :3] = random.random((*part.shape[:2], 3), np.float32) * part[..., 3:4]
        part[..., 4] = np.linspace(1, 3, x1 - x0, dtype=np.float32)
    return full


def write(path: Path, image: Float32Array, channels: tuple[str, ...], window: Window) -> Path:
    part = NewPart(np.ascontiguousarray(image), channels, ("float",) * len(channels), window, compression="zips")
    save_image(path, "openexr", [part], str(path))
    return path


def cut(full: Float32Array, window: Window) -> Float32Array:
    """The data window of a whole picture; nothing where it lies outside."""
    x, y = window.x - window.display_x, window.y - window.display_y
    return display_image(full, Window(-x, -y, WIDE, HIGH, 0, 0, window.width, window.height))


def shot(folder: Path, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  parts of a document
    data: dict[str, Any] = {
        "plate": {"path": str(folder / "plate.%04d.exr")},
        "depth": {"near": 1.0},
        "focus": {"keys": [{"frame": 1, "distance": 1.0}]},
        "blur": {"keys": [{"frame": 1, "value": 9.0}]},
        "output": {"path": str(folder / "out.%04d.exr"), "data_type": "float"},
    }
    for name, part in changes.items():
        data[name] = data.get(name, {}) | part
    return data


def made(folder: Path, **changes: Any) -> tuple[Float32Array, Window]:  # noqa: ANN401
    """The display window of the rendered frame 1, and its data window."""
    render(shot_from_dict(shot(folder, **changes)), overwrite=True)
    part = read_header(folder / "out.0001.exr").parts[0]
    _, image = read_pixels(folder / "out.0001.exr", 0, part.channels)
    return display_image(image, part.window), part.window


WINDOWS = [
    Window(30, 20, 32, 24, 0, 0, WIDE, HIGH),
    Window(0, 0, 40, 64, 0, 0, WIDE, HIGH),
    Window(61, 3, 31, 17, 0, 0, WIDE, HIGH),
    Window(-40, -30, 37, 21, -50, -40, WIDE, HIGH),  # negative origins
    Window(1015, 523, 40, 33, 1000, 500, WIDE, HIGH),  # a display window that does not begin at 0, 0
    Window(44, 31, 1, 1, 0, 0, WIDE, HIGH),
]


@pytest.mark.parametrize("quality", ["draft", "final"])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_cropped_file_renders_as_the_same_picture_stored_whole(tmp_path: Path, window: Window, quality: str) -> None:
    full = element(window, seed=window.width)
    whole = Window(window.display_x, window.display_y, WIDE, HIGH, window.display_x, window.display_y, WIDE, HIGH)
    renderer = {"renderer": {"quality": quality}}
    write(tmp_path / "plate.0001.exr", full, CHANNELS, whole)
    expected, grown = made(tmp_path, **renderer)
    assert grown == whole
    write(tmp_path / "plate.0001.exr", cut(full, window), CHANNELS, window)
    found, grown = made(tmp_path, **renderer)
    np.testing.assert_allclose(found, expected, atol=KEPT)
    assert grown.whole == whole
    assert grown == window.grown(12, 12)


@pytest.mark.parametrize("plate_cut", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_plate_and_depth_may_be_cropped_each_on_its_own(tmp_path: Path, seed: int, plate_cut: bool) -> None:
    random = np.random.default_rng(seed)
    x, y = int(random.integers(0, 60)), int(random.integers(0, 40))
    window = Window(x, y, int(random.integers(5, WIDE - x)), int(random.integers(5, HIGH - y)), 0, 0, WIDE, HIGH)
    full = element(window, seed)
    depth = np.where(full[..., 3:4] > 0, full[..., 4:], np.float32(np.inf))
    plain = Window.of_size(WIDE, HIGH)
    parts = {"depth": {"path": str(tmp_path / "depth.%04d.exr")}}
    write(tmp_path / "plate.0001.exr", full[..., :3], ("R", "G", "B"), plain)
    write(tmp_path / "depth.0001.exr", depth, ("Z",), plain)
    expected, _ = made(tmp_path, **parts)
    if plate_cut:
        write(tmp_path / "plate.0001.exr", cut(full, window)[..., :3], ("R", "G", "B"), window)
    if seed % 2 or not plate_cut:
        write(tmp_path / "depth.0001.exr", cut(full, window)[..., 4:], ("Z",), window)
    found, _ = made(tmp_path, **parts)
    np.testing.assert_allclose(found, expected, atol=KEPT)


@pytest.mark.parametrize(
    ("convention", "near", "far"),
    [("inverse", 2.0, 0.1), ("near1", 1.0, 0.0), ("near1", 0.9, 0.2), ("far1", 0.0, 1.0), ("direct", None, None)],
)
def test_nothing_there_is_farthest_under_every_convention(
    tmp_path: Path, convention: str, near: float | None, far: float | None
) -> None:
    window = Window(20, 10, 30, 20, 0, 0, WIDE, HIGH)
    write(
        tmp_path / "plate.0001.exr", np.ones((HIGH, WIDE, 3), np.float32), ("R", "G", "B"), Window.of_size(WIDE, HIGH)
    )
    write(tmp_path / "depth.0001.exr", np.full((20, 30, 1), 0.6, np.float32), ("Z",), window)
    depth = {"path": str(tmp_path / "depth.%04d.exr"), "convention": convention, "near": near, "far": far}
    focus = {"keys": [{"frame": 1, "disparity": 0.5}]}
    with Inputs(shot_from_dict(shot(tmp_path, depth=depth, focus=focus))) as inputs:
        limits = DepthLimits.given(inputs._shot.depth)
        assert limits is not None
        disparity, repaired = inputs.disparity(inputs.read(1), limits)
    assert repaired == 0
    assert (disparity[10:30, 20:50] > 0.1).all()
    assert np.count_nonzero(disparity) == 600


@pytest.mark.parametrize("rubbish", [0.0, 1e10, np.inf, np.nan, -1.0, "noise"])
@pytest.mark.parametrize("quality", ["draft", "final"])
def test_depth_where_nothing_is_seen_makes_no_dots(tmp_path: Path, rubbish: float | str, quality: str) -> None:
    window = WINDOWS[0]
    full = element(window)
    renderer = {"renderer": {"quality": quality}}
    write(tmp_path / "plate.0001.exr", full, CHANNELS, Window.of_size(WIDE, HIGH))
    expected, _ = made(tmp_path, **renderer)
    random = np.random.default_rng(3)
    values = random.uniform(0.5, 50, (HIGH, WIDE)) if rubbish == "noise" else np.full((HIGH, WIDE), rubbish)
    full[..., 4] = np.where(full[..., 3] > 0, full[..., 4], values)
    write(tmp_path / "plate.0001.exr", full, CHANNELS, Window.of_size(WIDE, HIGH))
    found, _ = made(tmp_path, **renderer)
    np.testing.assert_allclose(found, expected, atol=KEPT)
    # Far from the element nothing arrives.
    assert not found[:6].any()
    assert not found[:, :16].any()


@pytest.mark.parametrize("size", [1, 2, 5])
def test_an_empty_frame_as_compositors_write_it_stays_empty(tmp_path: Path, size: int) -> None:
    window = Window(0, 0, size, size, 0, 0, WIDE, HIGH)
    write(tmp_path / "plate.0001.exr", np.zeros((size, size, 5), np.float32), CHANNELS, window)
    found, grown = made(tmp_path)
    assert not found.any()
    assert (grown.display_width, grown.display_height) == (WIDE, HIGH)
    assert not check(shot_from_dict(shot(tmp_path))).problems


@pytest.mark.parametrize("origin", [(-60, 10), (WIDE + 20, 5), (10, -40), (-70, -70)])
def test_an_element_beside_the_picture_sheds_no_light_on_it_from_afar(tmp_path: Path, origin: tuple[int, int]) -> None:
    window = Window(*origin, 20, 20, 0, 0, WIDE, HIGH)
    image = np.ones((20, 20, 5), np.float32)
    write(tmp_path / "plate.0001.exr", image, CHANNELS, window)
    found, grown = made(tmp_path)
    assert not found.any()
    assert grown.x <= window.x
    assert grown.y <= window.y


def test_overscan_is_kept_and_its_border_goes_on(tmp_path: Path) -> None:
    window = Window(-8, -6, WIDE + 16, HIGH + 12, 0, 0, WIDE, HIGH)
    image = np.ones((window.height, window.width, 5), np.float32)
    write(tmp_path / "plate.0001.exr", image, CHANNELS, window)
    _, grown = made(tmp_path)
    _, stored = read_pixels(tmp_path / "out.0001.exr", 0, ("R", "A"))
    assert grown == window
    np.testing.assert_allclose(stored, 1, atol=1e-4)


def test_overscan_on_one_side_and_a_crop_on_the_other(tmp_path: Path) -> None:
    window = Window(-10, 0, 40, HIGH, 0, 0, WIDE, HIGH)
    write(tmp_path / "plate.0001.exr", np.ones((HIGH, 40, 5), np.float32), CHANNELS, window)
    found, grown = made(tmp_path, focus={"keys": [{"frame": 1, "disparity": 0.0}]})
    assert (grown.x, grown.width) == (-10, 40 + 12)
    # Its upper and lower border are the picture's own and go on; the right one is the element's and turns soft.
    np.testing.assert_allclose(found[0, :18, 3], 1, atol=1e-4)
    assert 0.2 < found[32, 30, 3] < 0.8


def test_data_windows_may_change_from_frame_to_frame_and_any_split_is_the_same(tmp_path: Path) -> None:
    windows = [Window(10 + 7 * i, 5 + 3 * i, 30 - 2 * i, 20 + i, 0, 0, WIDE, HIGH) for i in range(4)]
    windows.append(Window(0, 0, 1, 1, 0, 0, WIDE, HIGH))
    for frame, window in enumerate(windows, 1):
        write(tmp_path / f"plate.{frame:04}.exr", cut(element(window, frame), window), CHANNELS, window)
    keys = {"blur": {"keys": [{"frame": 1, "value": 2.0}, {"frame": 5, "value": 9.0}]}}
    document = shot_from_dict(shot(tmp_path, **keys, output={"layers": ["coc", "disparity", "invented"]}))
    render(document)
    together = [(tmp_path / f"out.{frame:04}.exr").read_bytes() for frame in range(1, 6)]
    for frames in ("4-5", "2", "1,3"):
        render(document, frames, overwrite=True)
    for frame, before in enumerate(together, 1):
        path = tmp_path / f"out.{frame:04}.exr"
        part = read_header(path).parts[0]
        assert (part.window.display_width, part.window.display_height) == (WIDE, HIGH)
        (tmp_path / "before.exr").write_bytes(before)
        same = read_pixels(tmp_path / "before.exr", 0, part.channels)[1] == read_pixels(path, 0, part.channels)[1]
        assert same.all()


def test_a_pixel_key_counts_from_the_display_window(tmp_path: Path) -> None:
    window = Window(1020, 510, 30, 20, 1000, 500, WIDE, HIGH)
    image = np.ones((20, 30, 5), np.float32)
    image[..., 4] = 2
    image[10:, 15:, 4] = 4
    write(tmp_path / "plate.0001.exr", image, CHANNELS, window)
    with Inputs(shot_from_dict(shot(tmp_path))) as inputs:
        sample = inputs.sampler(DepthLimits(1.0, np.inf))
        assert sample(1, 25.5, 15.5, 1) == pytest.approx(0.5)
        assert sample(1, 45.5, 25.5, 1) == pytest.approx(0.25)
        assert sample(1, 80.5, 50.5, 1) == 0
        with pytest.raises(KeysError, match="from 0,0 to 96,64"):
            sample(1, 97, 10, 1)


@pytest.mark.parametrize("own", [(30, 20), (WIDE, HIGH)])
def test_a_depth_without_windows_lies_on_the_pixels_it_was_made_of(tmp_path: Path, own: tuple[int, int]) -> None:
    window = Window(40, 30, 30, 20, 0, 0, WIDE, HIGH)
    write(tmp_path / "plate.0001.exr", np.ones((20, 30, 4), np.float32), CHANNELS[:4], window)
    grey = np.full((own[1], own[0], 1), 0.75, np.float32)
    save_image(tmp_path / "d.0001.png", "png", [NewPart(grey, ("Y",), ("uint16",), Window.of_size(*own))], "depth")
    depth = {"path": str(tmp_path / "d.%04d.png"), "convention": "near1"}
    focus = {"keys": [{"frame": 1, "disparity": 0.5}]}
    with Inputs(shot_from_dict(shot(tmp_path, depth=depth, focus=focus))) as inputs:
        raw = inputs.read(1)
        assert raw.empty is not None
        np.testing.assert_allclose(raw.depth[30:50, 40:70], 0.75, atol=1e-4)
        assert not raw.empty[30:50, 40:70].any()
        assert np.count_nonzero(~raw.empty) == 600


def test_parts_with_data_windows_of_their_own_are_laid_on_the_picture(tmp_path: Path) -> None:
    beauty, glow = Window(10, 10, 40, 30, 0, 0, WIDE, HIGH), Window(30, 20, 50, 40, 0, 0, WIDE, HIGH)
    rgb = ("glow.R", "glow.G", "glow.B")
    parts = [
        NewPart(np.ones((30, 40, 5), np.float32), CHANNELS, ("float",) * 5, beauty, compression="zips", name="rgba"),
        NewPart(np.full((40, 50, 3), 2, np.float32), rgb, ("float",) * 3, glow, compression="zips", name="glow"),
    ]
    save_image(tmp_path / "plate.0001.exr", "openexr", parts, "plate")
    with Inputs(shot_from_dict(shot(tmp_path, plate={"extra_layers": ["glow"]}))) as inputs:
        plate = inputs.read(1).plate
    assert plate.channels[4:] == rgb
    assert plate.image.shape == (HIGH, WIDE, 7)
    assert plate.image[..., 0].sum() == 40 * 30
    assert plate.image[..., 4].sum() == 2 * 50 * 40
    assert (plate.image[20:60, 30:80, 4] == 2).all()


def test_a_matte_that_is_cropped_covers_nothing_around_it(tmp_path: Path) -> None:
    window = Window(1010, 520, 30, 20, 1000, 500, WIDE, HIGH)
    write(
        tmp_path / "plate.0001.exr",
        np.ones((HIGH, WIDE, 5), np.float32),
        CHANNELS,
        Window(1000, 500, WIDE, HIGH, 1000, 500, WIDE, HIGH),
    )
    write(tmp_path / "m.0001.exr", np.ones((20, 30, 1), np.float32), ("A",), window)
    with Inputs(shot_from_dict(shot(tmp_path, matte={"path": str(tmp_path / "m.%04d.exr")}))) as inputs:
        matte = inputs.read(1).matte
    assert matte is not None
    assert matte.sum() == 600
    assert (matte[20:40, 10:40] == 1).all()


def test_a_renderer_that_looks_at_several_frames_gets_them_in_one_window(tmp_path: Path) -> None:
    windows = [
        Window(10, 10, 40, 30, 0, 0, WIDE, HIGH),
        Window(-6, 0, 40, 30, 0, 0, WIDE, HIGH),
        Window(0, 0, 1, 1, 0, 0, WIDE, HIGH),
        Window(105, 7, WIDE, HIGH, 100, 2, WIDE, HIGH),
    ]
    for frame, window in enumerate(windows, 1):
        image = np.full((window.height, window.width, 4), frame, np.float32)
        write(tmp_path / f"plate.{frame:04}.exr", image, CHANNELS[:4], window)
    write(tmp_path / "plate.0005.exr", np.ones((8, 8, 4), np.float32), CHANNELS[:4], Window.of_size(8, 8))
    with PlateReader(Plate(path=str(tmp_path / "plate.%04d.exr")), one_window=True) as reader:
        for frame in range(1, 5):
            reader.check(frame)
            assert reader.read(frame).image.shape == (HIGH, WIDE, 4)
        assert (reader.read(2).image[:30, :34] == 2).all()
        assert (reader.read(4).image[5:, 5:] == 4).all()
        assert not reader.read(4).image[:5].any()
        for look in (reader.check, reader.read):
            with pytest.raises(FrameSizeError, match="frame 5: the plate is 8x8, but the shot began with 96x64"):
                look(5)


@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_a_result_s_window_holds_the_largest_blur_and_no_more(aspect: float) -> None:
    stored = Window(40, 20, 10, 10, 0, 0, WIDE, HIGH)
    image = np.zeros((HIGH, WIDE, 4), np.float32)
    plate = PlateFrame(
        1, image, CHANNELS[:4], image[..., 0], 0.25, 8.0, stored.whole, pixel_aspect=aspect, stored=stored
    )
    found = window_of_result(plate, Defocus())
    reach = 6 / aspect  # K times the larger of d_f and 1 - d_f
    assert stored.x - found.x == reach + 3
    assert stored.y - found.y == 6 + 3
    assert window_of_result(plate, Defocus(maximum_radius=0)) == stored


def test_a_display_window_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    window = Window(0, 0, 8, 8, 0, 0, 1 << 19, 1 << 19)
    write(tmp_path / "plate.0001.exr", np.ones((8, 8, 5), np.float32), CHANNELS, window)
    problems = check(shot_from_dict(shot(tmp_path))).problems
    assert [problem.code for problem in problems] == ["media.format"]
    assert "correct the windows" in problems[0].message


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_preview_shows_the_display_window_of_a_cropped_plate(tmp_path: Path, scale: float) -> None:
    window = WINDOWS[4]
    write(tmp_path / "plate.0001.exr", cut(element(window), window), CHANNELS, window)
    opened = OpenShot(shot_from_dict(shot(tmp_path)))
    proxy = opened.proxy(1, scale, DepthLimits(1.0, np.inf), lambda: None)
    opened.close()
    assert proxy.image.shape == (HIGH * scale, WIDE * scale, 4)
    assert (proxy.scale, proxy.row_scale) == (scale, scale)
    corner = proxy.image[: int(20 * scale), : int(12 * scale)]
    assert not corner.any()
    assert proxy.image[int(40 * scale), int(35 * scale), 3] == pytest.approx(1)
