"""Squeezing plate and depth changes nothing on screen, with K and with a real lens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813  its own documentation's name
import pytest

from engine.frames import Float32Array
from engine.render import render
from engine.shot import shot_from_dict

HEIGHT, WIDTH = 48, 96
LENS = {"focal_length": 150.0, "f_number": 1.2, "sensor_width": 24.0, "world_unit": "m"}
KEYED = {"keys": [{"frame": 1, "value": 20.0}]}
ON_SCREEN = {"draft": 0.02, "final": 0.01}
"""Mean difference: pixels of twice the width draw a disc more coarsely, and halved ones twice so."""


def _store(path: Path, image: Float32Array, channels: tuple[str, ...], aspect: float) -> None:
    spec = oiio.ImageSpec(image.shape[1], image.shape[0], image.shape[2], "float")
    spec.channelnames = channels
    spec.attribute("PixelAspectRatio", aspect)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), oiio.geterror()
    assert out.write_image(np.ascontiguousarray(image, np.float32))
    assert out.close()


def _picture() -> tuple[Float32Array, Float32Array]:
    """A plate and distances of which two columns each are alike, so that squeezing by two loses nothing."""
    random = np.random.default_rng(4)
    tiles = random.random((HEIGHT // 6, WIDTH // 12, 3), np.float32).repeat(6, 0).repeat(12, 1)
    distance = np.full((HEIGHT, WIDTH), 9.0, np.float32)
    distance[12:36, 32:64] = 3.0
    return tiles, distance


def _render(folder: Path, squeeze: int, **changes: Any) -> dict[str, Float32Array]:  # noqa: ANN401  of the document
    folder.mkdir()
    image, distance = _picture()
    _store(folder / "p.0001.exr", image[:, ::squeeze], ("R", "G", "B"), float(squeeze))
    _store(folder / "d.0001.exr", distance[:, ::squeeze, None], ("Z",), float(squeeze))
    data = {
        "plate": {"path": str(folder / "p.%04d.exr")},
        "depth": {"path": str(folder / "d.%04d.exr"), "near": 2.0, "edges": "exact"},
        "focus": {"keys": [{"frame": 1, "distance": 3.0}]},
        "output": {"path": str(folder / "o.%04d.exr"), "data_type": "float", "layers": ["coc"]},
    }
    render(shot_from_dict(data | changes))
    made = oiio.ImageInput.open(str(folder / "o.0001.exr"))
    pixels = made.read_image(format=oiio.FLOAT)
    assert made.spec().get_float_attribute("PixelAspectRatio") == squeeze
    return {name: pixels[:, :, number] for number, name in enumerate(made.spec().channelnames)}


@pytest.mark.parametrize("quality", ["draft", "final"])
@pytest.mark.parametrize("blur", [{"lens": LENS}, {"blur": KEYED}], ids=["lens", "K"])
def test_squeezing_plate_and_depth_changes_nothing_on_screen(
    tmp_path: Path, quality: str, blur: dict[str, object]
) -> None:
    renderer = {"name": "optical", "quality": quality}
    square = _render(tmp_path / "square", 1, renderer=renderer, **blur)
    squeezed = _render(tmp_path / "squeezed", 2, renderer=renderer, **blur)
    np.testing.assert_array_equal(squeezed["CoC.x"], square["CoC.x"][:, ::2])
    assert np.abs(square["CoC.x"]).max() > 3
    for name in "RGB":
        wide = square[name].reshape(HEIGHT, WIDTH // 2, 2).mean(axis=2)
        assert np.abs(wide - squeezed[name]).mean() < ON_SCREEN[quality]
        assert np.abs(square[name] - _picture()[0][:, :, "RGB".index(name)]).mean() > 0.08


def test_a_pixel_aspect_that_the_shot_gives_counts_as_one_that_the_file_has(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    squeezed = _render(folder, 2, lens=LENS)
    for name in ("p", "d"):
        shaped = oiio.ImageBuf(str(folder / f"{name}.0001.exr"))
        shaped.specmod().attribute("PixelAspectRatio", 1.0)
        assert shaped.write(str(tmp_path / f"{name}.0001.exr"))
    data = {
        "plate": {"path": str(tmp_path / "p.%04d.exr"), "pixel_aspect": 2.0},
        "depth": {"path": str(tmp_path / "d.%04d.exr"), "near": 2.0, "edges": "exact"},
        "focus": {"keys": [{"frame": 1, "distance": 3.0}]},
        "lens": LENS,
        "output": {"path": str(tmp_path / "o.%04d.exr"), "data_type": "float", "layers": ["coc"]},
    }
    render(shot_from_dict(data))
    made = oiio.ImageInput.open(str(tmp_path / "o.0001.exr"))
    place = made.spec().channelnames.index("CoC.x")
    np.testing.assert_array_equal(made.read_image(format=oiio.FLOAT)[:, :, place], squeezed["CoC.x"])
