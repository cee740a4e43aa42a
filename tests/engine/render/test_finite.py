"""Finite in, finite out: whatever finite values a plate holds, what is written is finite, and no library complains."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.frames import Float32Array, RenderedFrame, Window
from engine.media import FrameWriter, PlateReader, open_writer
from engine.media.images import read_header, read_pixels
from engine.media.repair import BRIGHTEST, limit_light, made_finite
from engine.media.saving import NewPart, save_image
from engine.render import render
from engine.render.report import Summary
from engine.shot import Output, Plate, shot_from_dict

WIDE, HIGH = 40, 32
RGBA = ("R", "G", "B", "A")
LARGEST = float(np.finfo(np.float32).max)


@pytest.fixture(autouse=True)
def _no_warning_of_a_library() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def plate(kind: str, most: float, channels: int = 3) -> Float32Array:
    random = np.random.default_rng(5)
    shape = (HIGH, WIDE, 3)
    spots = np.where(random.random((HIGH, WIDE, 1)) < 0.02, most, 0.1) * np.ones(3)
    rgb = {
        "all": np.full(shape, most),
        "noise": most * random.random(shape),
        "signed": most * random.uniform(-1, 1, shape),
        "checked": most * (1 - 2 * (np.add.outer(np.arange(HIGH), np.arange(WIDE)) % 2))[:, :, None] * np.ones(3),
        "spots": spots,
        "wide": random.choice([-1, 1], shape) * np.exp(random.uniform(-90, np.log(most), shape)),
        "denormal": random.random(shape) * 1e-40,
    }[kind]
    alpha = {"solid": np.ones(shape[:2]), "soft": random.random(shape[:2]), "thin": np.full(shape[:2], 1e-30)}
    picture = rgb if channels == 3 else np.dstack([rgb, alpha["soft" if kind == "noise" else "solid"]])
    return picture.astype(np.float32)


def rendered(folder: Path, image: Float32Array, suffix: str = "exr", **changes: object) -> tuple[Float32Array, Summary]:
    depth = np.where(np.add.outer(np.arange(HIGH), np.arange(WIDE)) % 29 < 14, 1, 4).astype(np.float32)
    names = (*RGBA[: image.shape[2]], "Z")
    part = NewPart(np.dstack([image, depth]), names, ("float",) * len(names), Window.of_size(WIDE, HIGH))
    save_image(folder / "plate.0001.exr", "openexr", [part], "plate")
    document: dict[str, object] = {
        "plate": {"path": str(folder / "plate.%04d.exr")},
        "depth": {"near": 1.0},
        "focus": {"keys": [{"frame": 1, "distance": 1.0}]},
        "blur": {"keys": [{"frame": 1, "value": 8.0}]},
        "output": {"path": str(folder / f"out.%04d.{suffix}"), **({"data_type": "float"} if suffix == "exr" else {})},
    }
    for name, value in changes.items():
        document[name] = {**document.get(name, {}), **value} if isinstance(value, dict) else value  # type: ignore[dict-item]
    summary = render(shot_from_dict(document), overwrite=True)
    path = folder / f"out.0001.{suffix}"
    return read_pixels(path, 0, read_header(path).parts[0].channels)[1], summary


@pytest.mark.parametrize("quality", ["draft", "final"])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("kind", ["all", "noise", "signed", "checked", "spots", "wide", "denormal"])
@pytest.mark.parametrize("most", [LARGEST, 1e15, 65504.0])
def test_a_finite_plate_gives_a_finite_result(
    tmp_path: Path, most: float, kind: str, channels: int, quality: str
) -> None:
    layers = ["coc", "disparity", "overlay", "invented"]
    found, summary = rendered(
        tmp_path,
        plate(kind, most, channels),
        renderer={"quality": quality},
        highlights={"gain": 4.0},
        output={"layers": layers},
    )
    assert np.isfinite(found).all()
    told = {warning.kind for warning in summary.warnings}
    assert ("plate.limited" in told) == (most > BRIGHTEST and kind != "denormal")
    assert "result.repaired" not in told


@pytest.mark.parametrize("suffix", ["exr", "png", "tif", "dpx"])
@pytest.mark.parametrize(
    "spaces", [("Linear Rec.709 (sRGB)", "ACEScg"), ("ACEScg", "sRGB - Texture"), ("ACEScct", "ACES2065-1")]
)
@pytest.mark.parametrize("channels", [3, 4])
def test_colour_transforms_of_any_light_stay_finite(
    tmp_path: Path, channels: int, spaces: tuple[str, str], suffix: str
) -> None:
    image = plate("signed", LARGEST, channels)
    if channels == 4:
        image[..., 3] = np.linspace(0, 1e-30, WIDE, dtype=np.float32)
    found, _ = rendered(tmp_path, image, suffix, plate={"colour_space": spaces[0]}, output={"colour_space": spaces[1]})
    assert np.isfinite(found).all()


@pytest.mark.parametrize("value", [0.18, 1e-42, 65504.0, 1e10, 1e15, -1e15])
def test_light_within_the_bound_keeps_its_bits(tmp_path: Path, value: float) -> None:
    image = plate("noise", 1.0)
    image[4, 5] = value
    kept, summary = rendered(tmp_path, image, blur={"keys": [{"frame": 1, "value": 0.0}]})
    np.testing.assert_array_equal(kept, image)
    assert not [warning for warning in summary.warnings if warning.kind == "plate.limited"]
    image[0, 0] = LARGEST
    limited, count = limit_light(image)
    assert count == 1
    np.testing.assert_array_equal(limited[1:], image[1:])
    assert (limited[0, 0] == BRIGHTEST).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_writer_has_the_last_word(tmp_path: Path, bad: float) -> None:
    image = np.full((8, 10, 3), 0.25, np.float32)
    image[3, 4:7, 1] = bad
    with PlateReader(Plate(path=str(stored(tmp_path, np.full((8, 10, 3), 0.5, np.float32))))) as reader:
        info = reader.info
    for suffix in ("exr", "png", "tif", "mov"):
        writer: FrameWriter = open_writer(Output(path=str(tmp_path / f"o.{suffix}")), info)
        count = writer.write(RenderedFrame(1, image, ("R", "G", "B"), Window.of_size(10, 8)), {}, {})
        writer.close()
        # Infinity in whole numbers may be white, and nothing to be told.
        assert count == 3 or (suffix != "exr" and count == 0 and not np.isnan(bad))
        if suffix != "mov":
            assert np.isfinite(read_pixels(tmp_path / f"o.{suffix}", 0, ("R", "G", "B"))[1]).all()


def stored(folder: Path, image: Float32Array) -> Path:
    part = NewPart(image, ("R", "G", "B"), ("half",) * 3, Window.of_size(image.shape[1], image.shape[0]))
    save_image(folder / "p.exr", "openexr", [part], "plate")
    return folder / "p.exr"


def test_a_result_that_a_renderer_spoiled_is_told_with_a_count() -> None:
    image = np.ones((4, 5, 3), np.float32)
    assert made_finite(image) == (image, 0)
    image[1, 1] = np.nan
    image[2, 2, 0] = -np.inf
    whole, count = made_finite(image)
    assert count == 2
    assert np.isfinite(whole).all()
    assert (whole[1, 1] == 1).all()


@pytest.mark.parametrize("convention", ["distance", "inverse", "near1", "far1"])
def test_depth_of_any_size_makes_no_noise(tmp_path: Path, convention: str) -> None:
    random = np.random.default_rng(2)
    depth = np.exp(random.uniform(-90, np.log(LARGEST), (HIGH, WIDE, 1))).astype(np.float32)
    depth[0] = -LARGEST
    part = NewPart(depth, ("Z",), ("float",), Window.of_size(WIDE, HIGH))
    save_image(tmp_path / "z.exr", "openexr", [part], "depth")
    found, _ = rendered(
        tmp_path,
        plate("noise", 1.0, 4),
        depth={"path": str(tmp_path / "z.exr"), "convention": convention, "near": None},
        focus={"keys": [{"frame": 1, "disparity": 0.5}]},
    )
    assert np.isfinite(found).all()
