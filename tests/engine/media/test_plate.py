from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ChannelError, ColourError, CorruptError, FormatError, MissingFrameError
from engine.frames import FrameRange, Window
from engine.media import PlateReader, read_weights
from engine.media.rates import exact_rate
from engine.media.saving import NewPart, save_image
from engine.shot import Plate

from .pictures import RGBA, noise, store


def plate_of(tmp_path: Path, **settings: object) -> PlateReader:
    return PlateReader(Plate.model_validate({"path": str(tmp_path / "a.%04d.exr"), **settings}))


@pytest.mark.parametrize("kind", ["half", "float"])
def test_an_exr_is_read_as_it_is(tmp_path: Path, kind: str) -> None:
    window = Window(-4, -3, 48, 32, 0, 0, 40, 26)
    store(tmp_path / "a.0001.exr", noise(), kind=kind, window=window)
    with plate_of(tmp_path) as reader:
        found = reader.read(1)
    np.testing.assert_array_equal(found.image, noise())
    assert (found.channels, found.window, found.repaired, found.source) == (RGBA, window, 0, 1)
    assert reader.info.data_type == kind
    assert reader.info.window == window


@pytest.mark.parametrize(
    ("channels", "layer", "names"),
    [
        (("R", "G", "B"), None, ("R", "G", "B")),
        (("beauty.R", "beauty.G", "beauty.B", "beauty.A"), "beauty", RGBA),
        (("beauty.red", "beauty.green", "beauty.blue"), "beauty", ("R", "G", "B")),
        (("Y",), None, ("R", "G", "B")),
        (("Y", "A"), None, RGBA),
        (("mask",), None, ("R", "G", "B")),
    ],
)
def test_colour_is_found_under_any_usual_name(
    tmp_path: Path, channels: tuple[str, ...], layer: str | None, names: tuple[str, ...]
) -> None:
    image = noise(channels=len(channels))
    store(tmp_path / "a.0001.exr", image, channels)
    with plate_of(tmp_path, layer=layer) as reader:
        found = reader.read(1)
    assert found.channels == names
    assert reader.info.grey == (len(channels) < 3)
    expected = image if len(channels) > 2 else np.concatenate([image[:, :, :1]] * 3 + [image[:, :, 1:]], axis=2)
    np.testing.assert_array_equal(found.image, expected)


def test_colour_and_layers_come_from_any_part(tmp_path: Path) -> None:
    window = Window.of_size(48, 32)
    parts = [
        NewPart(noise(channels=1), ("Z",), ("float",), window, name="depth"),
        NewPart(noise(seed=2), RGBA, ("half",) * 4, window, name="rgba"),
        NewPart(noise(channels=3, seed=3), ("diffuse.R", "diffuse.G", "diffuse.B"), ("half",) * 3, window, name="aov"),
    ]
    save_image(tmp_path / "a.0001.exr", "openexr", parts, "test")
    with plate_of(tmp_path, extra_layers=["*"]) as reader:
        found = reader.read(1)
    assert found.channels == (*RGBA, "diffuse.R", "diffuse.G", "diffuse.B")
    np.testing.assert_array_equal(found.image, np.concatenate([noise(seed=2), noise(channels=3, seed=3)], axis=2))
    for part in ("rgba", 1, "1"):
        with plate_of(tmp_path, part=part) as reader:
            np.testing.assert_array_equal(reader.read(1).image, noise(seed=2))
    with pytest.raises(ChannelError, match=r"0 \(depth\)"):
        plate_of(tmp_path, part="beauty")


def test_a_missing_channel_lists_those_there_are(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", noise(), ("x.U", "x.V", "x.W", "x.T"))
    with pytest.raises(ChannelError, match=r"x\.U, x\.V"):
        plate_of(tmp_path)
    with pytest.raises(ChannelError, match='layer "beauty"'):
        plate_of(tmp_path, layer="beauty")
    store(tmp_path / "a.0001.exr", noise())
    with pytest.raises(ChannelError, match='layer "spec"'):
        plate_of(tmp_path, extra_layers=["spec"])


def test_a_frame_with_other_channels_than_the_first_is_told(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", noise())
    store(tmp_path / "a.0002.exr", noise(), ("R", "G", "B"))
    with plate_of(tmp_path) as reader, pytest.raises(ChannelError, match="frame 2"):
        reader.check(2)


def test_missing_frames_stop_hold_or_turn_black_as_asked(tmp_path: Path) -> None:
    for frame in (-1, 0, 3):
        store(tmp_path / f"a.{frame:04d}.exr", noise(seed=frame + 9))
    with plate_of(tmp_path) as reader:
        assert reader.frames == FrameRange.of(range(-1, 4))
        with pytest.raises(MissingFrameError, match=r"frame 1 has no file .*a\.0001\.exr"):
            reader.read(1)
        with pytest.raises(MissingFrameError):
            reader.check(2)
    with plate_of(tmp_path, on_missing="hold", frames="-3-5") as reader:
        assert [reader.read(f).source for f in reader.frames] == [-1, -1, -1, 0, 0, 0, 3, 3, 3]
        np.testing.assert_array_equal(reader.read(2).image, noise(seed=9))
    with plate_of(tmp_path, on_missing="black", frames="-3-5") as reader:
        black = reader.read(1)
        assert black.source is None
        assert black.image.shape == (32, 48, 4)
        assert not black.image.any()


def test_one_still_stands_for_every_frame(tmp_path: Path) -> None:
    store(tmp_path / "still.exr", noise())
    with PlateReader(Plate(path=str(tmp_path / "still.exr"), frames="1001-1003")) as reader:
        np.testing.assert_array_equal(reader.read(1001).image, reader.read(1003).image)


def test_nan_and_infinity_become_the_median_of_their_neighbours(tmp_path: Path) -> None:
    image = noise(channels=3)
    bad = image.copy()
    bad[5, 5, 0], bad[5, 5, 1], bad[0, 0, 2] = np.nan, np.inf, -np.inf
    store(tmp_path / "a.0001.exr", bad, ("R", "G", "B"), "float")
    with plate_of(tmp_path) as reader:
        found = reader.read(1)
    assert found.repaired == 2
    assert np.isfinite(found.image).all()
    around = np.delete(image[4:7, 4:7, 0].ravel(), 4)
    assert found.image[5, 5, 0] == np.sort(around)[3]
    assert found.image[0, 0, 2] == np.sort([image[0, 1, 2], image[1, 0, 2], image[1, 1, 2]])[1]
    np.testing.assert_array_equal(found.image[8:], image[8:])


def test_a_plate_that_is_nothing_but_nan_turns_black(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", np.full((32, 48, 3), np.nan, np.float32), ("R", "G", "B"), "float")
    with plate_of(tmp_path) as reader:
        found = reader.read(1)
    assert found.repaired == 32 * 48
    assert not found.image.any()


@pytest.mark.parametrize("compression", ["none", "rle", "zip", "zips", "piz", "pxr24", "b44", "dwaa:45", "htj2k256"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.999])
def test_a_truncated_exr_names_file_and_frame(tmp_path: Path, compression: str, share: float) -> None:
    store(tmp_path / "a.0001.exr", noise(), compression=compression)
    whole = store(tmp_path / "a.0002.exr", noise(), compression=compression)
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * share)])
    with plate_of(tmp_path) as reader, pytest.raises(CorruptError, match=r"frame 2: .*a\.0002\.exr"):
        reader.read(2)


def test_a_file_that_is_no_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.0001.exr").write_text("hello")
    with pytest.raises(CorruptError):
        plate_of(tmp_path)
    (tmp_path / "a.0001.txt").write_text("hello")
    with pytest.raises(FormatError):
        PlateReader(Plate(path=str(tmp_path / "a.%04d.txt")))


def test_header_entries_that_describe_the_shot_are_kept(tmp_path: Path) -> None:
    entries = {
        "smpte:TimeCode": (0x01020304, 0),
        "framesPerSecond": (24000, 1001),
        "worldToCamera": tuple(float(n) for n in range(16)),
        "cameraName": "A",
        "focal": 35.0,
        "take": 7,
        "rackfocus/digest": "of an earlier render",
    }
    store(tmp_path / "a.0001.exr", noise(), metadata=entries)
    with plate_of(tmp_path) as reader:
        kept = dict(reader.read(1).metadata)
    assert reader.info.frame_rate == Fraction(24000, 1001)
    assert {name: kept.get(name) for name in entries} == entries | {"rackfocus/digest": None, "framesPerSecond": None}
    assert "compression" not in kept


def test_the_shot_overrides_rate_and_pixel_aspect(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", noise())
    with plate_of(tmp_path, frame_rate=23.976, pixel_aspect=2.0) as reader:
        assert reader.info.frame_rate == Fraction(24000, 1001)
        assert reader.read(1).pixel_aspect == 2


@pytest.mark.parametrize(
    ("said", "exact"),
    [
        (24, 24),
        (25.0, 25),
        (23.98, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (12.5, Fraction(25, 2)),
    ],
)
def test_a_decimal_rate_means_an_exact_one(said: float, exact: Fraction) -> None:
    assert exact_rate(said) == exact


def test_eight_bit_srgb_becomes_linear_light(tmp_path: Path) -> None:
    image = np.full((4, 4, 3), 128 / 255, np.float32)
    store(tmp_path / "a.0001.png", image, ("R", "G", "B"), "uint8")
    with PlateReader(Plate(path=str(tmp_path / "a.%04d.png"))) as reader:
        found = reader.read(1).image
    np.testing.assert_allclose(found, ((128 / 255 + 0.055) / 1.055) ** 2.4, rtol=1e-3)
    assert reader.info.data_type == "uint8"


def test_alpha_of_a_png_is_multiplied_in_after_linearising(tmp_path: Path) -> None:
    image = np.full((4, 4, 4), 128 / 255, np.float32)
    store(tmp_path / "a.0001.png", image, RGBA, "uint8")
    with PlateReader(Plate(path=str(tmp_path / "a.%04d.png"))) as reader:
        found = reader.read(1).image
    light = ((128 / 255 + 0.055) / 1.055) ** 2.4
    np.testing.assert_allclose(found[:, :, :3], light * 128 / 255, rtol=1e-3)
    np.testing.assert_allclose(found[:, :, 3], 128 / 255, rtol=1e-6)


def test_an_unknown_colour_space_names_some_that_are_known(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", noise())
    with pytest.raises(ColourError, match="ACEScg"):
        plate_of(tmp_path, colour_space="Linear Bogus")


def test_a_linear_plate_keeps_its_own_primaries(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", noise())
    with plate_of(tmp_path, colour_space="ACEScg") as reader:
        np.testing.assert_array_equal(reader.read(1).image, noise())
        assert reader.info.working_space == "ACEScg"


def test_the_headers_primaries_are_believed(tmp_path: Path) -> None:
    ap1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
    store(tmp_path / "a.0001.exr", noise(), metadata={"chromaticities": ap1})
    with plate_of(tmp_path) as reader:
        assert reader.info.colour_space == "ACEScg"


def test_two_threads_may_read_at_once(tmp_path: Path) -> None:
    for frame in range(6):
        store(tmp_path / f"a.{frame:04d}.exr", noise(seed=frame))
    found: dict[int, bool] = {}
    with plate_of(tmp_path) as reader:

        def read(frame: int) -> None:
            found[frame] = bool(np.array_equal(reader.read(frame).image, noise(seed=frame)))

        threads = [threading.Thread(target=read, args=(frame,)) for frame in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == dict.fromkeys(range(6), True)


def test_the_light_of_a_picture_is_an_apertures_weight(tmp_path: Path) -> None:
    store(tmp_path / "shape.exr", np.full((5, 7, 3), 0.5, np.float32), ("R", "G", "B"))
    np.testing.assert_allclose(read_weights(str(tmp_path / "shape.exr")), np.full((5, 7), 0.5))
