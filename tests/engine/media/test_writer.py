from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ColourError, FormatError, OutputExistsError, OutputWriteError, ShotError
from engine.files import remove_stale, temporary_path
from engine.frames import FrameRange, RenderedFrame, Window
from engine.media import DepthReader, PlateInfo, PlateReader, check_output, open_writer
from engine.media.images import read_header, read_pixels
from engine.shot import Depth, Output, Plate

from .pictures import RGBA, noise, rendered, store

WINDOW = Window.of_size(48, 32)
LINEAR = "Linear Rec.709 (sRGB)"
INFO = PlateInfo(WINDOW, RGBA, working_space=LINEAR, colour_space=LINEAR)
LOSSLESS = ["none", "rle", "zip", "zip:2", "zips", "zips:9", "piz", "pxr24", "htj2k256", "htj2k32"]
LOSSY = ["b44", "b44a", "dwaa", "dwaa:45", "dwab:20"]


def output(tmp_path: Path, name: str = "o.%04d.exr", **settings: object) -> Output:
    return Output.model_validate({"path": str(tmp_path / name), **settings})


@pytest.mark.parametrize("compression", LOSSLESS + LOSSY)
def test_the_compression_asked_for_is_the_one_in_the_file(tmp_path: Path, compression: str) -> None:
    writer = open_writer(output(tmp_path, compression=compression), INFO)
    writer.write(rendered(1, noise()), {}, {})
    header = read_header(tmp_path / "o.0001.exr")
    assert header.parts[0].compression == compression.partition(":")[0]
    if compression in LOSSLESS:
        np.testing.assert_array_equal(read_pixels(tmp_path / "o.0001.exr", 0, RGBA)[1], noise())


@pytest.mark.parametrize("compression", ["bogus", "htj2k", "dwaa:", "dwaa:x", "dwaa:nan", "zip:99", "piz:3", ""])
def test_an_unknown_compression_is_refused(tmp_path: Path, compression: str) -> None:
    with pytest.raises(FormatError, match=r"output\.compression"):
        open_writer(output(tmp_path, compression=compression), INFO)


@pytest.mark.parametrize("kind", ["half", "float"])
def test_windows_aspect_and_type_survive(tmp_path: Path, kind: str) -> None:
    window = Window(-7, 3, 48, 32, 2, 1, 30, 40)
    writer = open_writer(output(tmp_path, data_type=kind), INFO)
    writer.write(rendered(-5, noise(), window, pixel_aspect=2.0), {}, {})
    part = read_header(tmp_path / "o.-005.exr").parts[0]
    assert (part.window, part.pixel_aspect, set(part.formats)) == (window, 2.0, {kind})


def test_a_plate_comes_back_as_it_was_with_its_header(tmp_path: Path) -> None:
    entries = {
        "smpte:TimeCode": (0x10203012, 0),
        "framesPerSecond": (24000, 1001),
        "worldToCamera": tuple(float(n) for n in range(16)),
        "com.studio.lens": "50mm",
        "isoSpeed": 800.0,
    }
    store(tmp_path / "a.0001.exr", noise(), metadata=entries)
    with PlateReader(Plate(path=str(tmp_path / "a.%04d.exr"))) as plate:
        image = plate.read(1)
        writer = open_writer(output(tmp_path, metadata={"artist": "me"}), plate.info)
    finished = RenderedFrame(1, image.image, image.channels, image.window, metadata=image.metadata)
    writer.write(finished, {}, {"rackfocus/digest": "d" * 64, "rackfocus/strength": 3.5})
    found = writer.is_whole(1)
    assert found is not None
    assert {name: found[name] for name in entries} == entries
    assert (found["artist"], found["rackfocus/digest"], found["rackfocus/strength"]) == ("me", "d" * 64, 3.5)
    np.testing.assert_array_equal(read_pixels(tmp_path / "o.0001.exr", 0, RGBA)[1], noise())


def test_numbers_beyond_a_half_are_clipped_not_infinite(tmp_path: Path) -> None:
    image = np.full((32, 48, 3), 1e6, np.float32)
    open_writer(output(tmp_path, data_type="half"), INFO).write(rendered(1, image), {}, {})
    assert (read_pixels(tmp_path / "o.0001.exr", 0, ("R", "G", "B"))[1] == 65504).all()


def layers() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    names = ("CoC.x", "disparity.Z", "overlay.R", "overlay.G", "overlay.B", "invented.A")
    return {name: random.normal(0, 100, (32, 48)).astype(np.float32) for name in names}


@pytest.mark.parametrize("compression", ["zips", "dwaa:200", "pxr24"])
def test_data_layers_are_exact_whatever_the_compression(tmp_path: Path, compression: str) -> None:
    asked = ("coc", "disparity", "overlay", "invented")
    writer = open_writer(output(tmp_path, compression=compression, layers=asked, data_type="half"), INFO)
    writer.write(rendered(1, noise()), layers(), {"rackfocus/digest": "x"})
    header = read_header(tmp_path / "o.0001.exr")
    found = {
        name: (part, kind) for part in header.parts for name, kind in zip(part.channels, part.formats, strict=True)
    }
    assert {kind for name, (_, kind) in found.items() if name in {"CoC.x", "disparity.Z", "invented.A"}} == {"float"}
    assert found["R"][1] == found["overlay.R"][1] == "half"
    for name in ("CoC.x", "disparity.Z", "invented.A"):
        values = read_pixels(tmp_path / "o.0001.exr", found[name][0].number, (name,))[1]
        np.testing.assert_array_equal(values[:, :, 0], layers()[name])
    assert (writer.is_whole(1) or {})["rackfocus/digest"] == "x"
    plate = Plate(path=str(tmp_path / "o.%04d.exr"))
    with DepthReader(Depth(channel="disparity.Z"), plate) as depth, PlateReader(plate) as again:
        np.testing.assert_array_equal(depth.read(1).values, layers()["disparity.Z"])
        assert again.read(1).channels == RGBA


def test_a_layer_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShotError, match="velocity"):
        open_writer(output(tmp_path), INFO).write(rendered(1, noise()), {"velocity.x": layers()["CoC.x"]}, {})


@pytest.mark.parametrize("name", ["o.%04d.png", "o.%04d.dpx", "o.mov"])
def test_layers_need_exr(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match=r"output\.layers"):
        open_writer(output(tmp_path, name, layers=["coc"]), INFO)


@pytest.mark.parametrize("name", ["o.%04d.jpg", "o", "o.avi"])
def test_a_type_that_is_not_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError):
        open_writer(output(tmp_path, name), INFO)


@pytest.mark.parametrize(("name", "steps"), [("o.%04d.png", 65535), ("o.%04d.tif", 65535), ("o.%04d.dpx", 1023)])
def test_files_for_editors_come_back_as_the_light_they_were(tmp_path: Path, name: str, steps: int) -> None:
    image = noise(channels=4 if "dpx" not in name else 3)
    image[:, :, 3:] = np.maximum(image[:, :, 3:], 0.25)
    writer = open_writer(output(tmp_path, name), INFO)
    writer.write(rendered(3, image), {}, {"rackfocus/digest": "e" * 64, "rackfocus/frame": 3})
    with PlateReader(Plate(path=str(tmp_path / name))) as plate:
        np.testing.assert_allclose(plate.read(3).image, np.clip(image, 0, None), atol=16 / steps)
        assert plate.info.data_type == {65535: "uint16", 1023: "uint10"}[steps]
    assert (writer.is_whole(3) or {})["rackfocus/digest"] == "e" * 64


def test_a_png_is_the_display_window_only(tmp_path: Path) -> None:
    window = Window(-4, 2, 48, 32, 0, 0, 40, 40)
    open_writer(output(tmp_path, "o.%04d.png", colour_space="Raw"), INFO).write(
        rendered(1, noise(channels=3), window), {}, {}
    )
    header, pixels = read_pixels(tmp_path / "o.0001.png", 0, ("R", "G", "B"))
    assert header.parts[0].window == Window.of_size(40, 40)
    assert not pixels[:2].any()
    assert not pixels[34:].any()


def test_a_grey_plate_gives_a_grey_result(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", noise(channels=1), ("Y",))
    with PlateReader(Plate(path=str(tmp_path / "a.%04d.exr"))) as plate:
        image = plate.read(1).image
        open_writer(output(tmp_path), plate.info).write(rendered(1, image), {}, {})
    _, pixels = read_pixels(tmp_path / "o.0001.exr", 0, ("Y",))
    np.testing.assert_array_equal(pixels, noise(channels=1))


def test_the_result_has_the_plates_colour_space_unless_another_is_named(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", noise(channels=3), ("R", "G", "B"))
    plate = Plate(path=str(tmp_path / "a.%04d.exr"), colour_space="ACEScct")
    with PlateReader(plate) as reader:
        image = reader.read(1).image
        assert abs(image - noise(channels=3)).max() > 0.1
        open_writer(output(tmp_path, data_type="float"), reader.info).write(rendered(1, image), {}, {})
        np.testing.assert_allclose(
            read_pixels(tmp_path / "o.0001.exr", 0, ("R", "G", "B"))[1], noise(channels=3), atol=2e-4
        )
        with pytest.raises(ColourError):
            open_writer(output(tmp_path, colour_space="nothing"), reader.info)


def test_long_names_of_entries_are_refused(tmp_path: Path) -> None:
    open_writer(output(tmp_path, metadata={"n" * 31: "x"}), INFO)
    with pytest.raises(ShotError, match="31 at most"):
        open_writer(output(tmp_path, metadata={"n" * 32: "x"}), INFO)
    with pytest.raises(ShotError, match="31 at most"):
        open_writer(output(tmp_path), INFO).write(rendered(1, noise()), {}, {"rackfocus/" + "n" * 22: 1})


def test_a_whole_file_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    writer = open_writer(output(tmp_path), INFO)
    assert writer.is_whole(1) is None
    writer.write(rendered(1, noise()), {}, {})
    assert writer.is_whole(1) is not None
    path = writer.path(1)
    path.write_bytes(path.read_bytes()[:-1])
    assert writer.is_whole(1) is None
    path.write_bytes(b"")
    assert writer.is_whole(1) is None


def test_no_other_files_are_left(tmp_path: Path) -> None:
    writer = open_writer(output(tmp_path), INFO)
    for frame in range(3):
        writer.write(rendered(frame, noise()), {}, {})
    writer.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.0000.exr", "o.0001.exr", "o.0002.exr"]


def test_what_a_killed_render_left_is_removed(tmp_path: Path) -> None:
    live = temporary_path(tmp_path / "o.0001.exr")
    dead = tmp_path / live.name.replace(f".{os.getpid()}.", ".999999999.")
    foreign = tmp_path / ".o.0001.exr.elsewhere_farm.999999999.0.partial"
    for path in (live, dead, foreign):
        path.touch()
    remove_stale(tmp_path)
    assert (live.exists(), dead.exists(), foreign.exists()) == (True, False, True)


def test_one_file_cannot_hold_two_frames(tmp_path: Path) -> None:
    store(tmp_path / "a.0001.exr", noise())
    plate, still = Plate(path=str(tmp_path / "a.%04d.exr")), output(tmp_path, "still.exr")
    check_output(still, plate, Depth(), FrameRange.of([1]))
    with pytest.raises(ShotError, match="no frame number"):
        check_output(still, plate, Depth(), FrameRange.of([1, 2]))


def test_the_result_never_replaces_an_input(tmp_path: Path) -> None:
    plate_path, depth_path = tmp_path / "a.0001.exr", tmp_path / "d.0011.exr"
    store(plate_path, noise())
    store(depth_path, noise(channels=1), ("Z",))
    plate = Plate(path=str(tmp_path / "a.%04d.exr"))
    depth = Depth(path=str(tmp_path / "d.%04d.exr"), frame_offset=10)
    check_output(output(tmp_path), plate, depth)
    (tmp_path / "link").symlink_to(tmp_path)
    for path in ("a.####.exr", "link/a.$F4.exr"):
        with pytest.raises(OutputExistsError, match="plate"):
            check_output(output(tmp_path, path), plate, depth)
    with pytest.raises(OutputExistsError, match="depth"):
        check_output(output(tmp_path, "d.0011.exr"), plate, depth, FrameRange.of([1]))
    (tmp_path / "o.0001.exr").hardlink_to(plate_path)
    with pytest.raises(OutputExistsError, match="plate"):
        check_output(output(tmp_path), plate, depth)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputWriteError, match="folder"):
        open_writer(output(tmp_path, "file/o.%04d.exr"), INFO)


def test_missing_folders_are_made(tmp_path: Path) -> None:
    open_writer(output(tmp_path, "new/er/o.%04d.exr"), INFO).write(rendered(1, noise()), {}, {})
    assert (tmp_path / "new/er/o.0001.exr").is_file()


def test_the_frame_rate_of_the_plate_is_in_the_result(tmp_path: Path) -> None:
    info = PlateInfo(WINDOW, RGBA, frame_rate=Fraction(25), working_space=LINEAR)
    writer = open_writer(output(tmp_path), info)
    writer.write(rendered(1, noise()), {}, {})
    assert (writer.is_whole(1) or {})["framesPerSecond"] == (25, 1)
