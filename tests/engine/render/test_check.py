"""Check against render, over random shots: what check passes renders; what render refuses check refuses too.

A shot is drawn with a few faults out of the list; only faults that headers and frame counts tell are in it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from engine.errors import RackfocusError
from engine.frames import Float32Array, Window
from engine.media.saving import NewPart, save_image
from engine.render import check, render
from engine.shot import Shot, shot_from_dict
from tests.engine.render.shots import Tint, make_plates, shot_data, write_exr

Data = dict[str, Any]
Fault = Callable[[Path, Data, int], None]

FIRST: Final = 1001
FRAMES: Final = 3
SHOTS: Final = int(os.environ.get("RACKFOCUS_CHECK_SHOTS", "60"))


def plate(folder: Path, frame: int) -> Path:
    return folder / "plate" / f"plate.{frame}.exr"


def depth(folder: Path, frame: int) -> Path:
    return folder / "depth" / f"depth.{frame}.exr"


def ramp(width: int = 24, height: int = 16) -> Float32Array:
    return np.tile(np.linspace(2, 20, width, dtype=np.float32), (height, 1))[:, :, None]


def noise(width: int = 24, height: int = 16, channels: int = 4) -> Float32Array:
    return np.random.default_rng(5).random((height, width, channels), dtype=np.float32)


def store(path: Path, parts: dict[str, tuple[tuple[str, ...], Window]]) -> None:
    save_image(
        path,
        "openexr",
        [
            NewPart(
                noise(w.width, w.height, len(names)), names, ("half",) * len(names), w, name=part, compression="zips"
            )
            for part, (names, w) in parts.items()
        ],
        str(path),
    )


def deep(path: Path) -> None:
    spec = oiio.ImageSpec(24, 16, 5, "float")
    spec.channelnames = ("R", "G", "B", "A", "Z")
    spec.deep = True
    data = oiio.DeepData()
    data.init(24 * 16, 5, ("float",) * 5, spec.channelnames)
    for pixel in range(24 * 16):
        data.set_samples(pixel, 1)
    path.unlink(missing_ok=True)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_deep_image(data), out.geterror()
    assert out.close()


def movie(path: Path, frames: int, width: int = 24, height: int = 16, comment: str = "") -> None:
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            picture = np.full((height, width, 3), 20 * index + 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def matte(folder: Path, data: Data, width: int = 24, names: tuple[str, ...] = ("A",)) -> None:
    (folder / "matte").mkdir(exist_ok=True)
    for frame in range(FIRST, FIRST + FRAMES):
        write_exr(folder / "matte" / f"m.{frame}.exr", noise(width, 16, len(names)), names)
    data["matte"] = {"path": str(folder / "matte" / "m.%04d.exr")}


def to_movie(folder: Path, data: Data) -> None:
    data["output"] = {"path": str(folder / "out" / "out.mp4")}


# What a shot may have without harm, to be mixed with the faults.


def harmless_window(folder: Path, _data: Data, frame: int) -> None:
    store(plate(folder, frame), {"rgba": (("R", "G", "B", "A"), Window(0, 0, 24, 16, 0, 0, 24, 16))})


def harmless_matte(folder: Path, data: Data, _frame: int) -> None:
    matte(folder, data)


def harmless_movie_result(folder: Path, data: Data, _frame: int) -> None:
    to_movie(folder, data)


def harmless_held(folder: Path, data: Data, frame: int) -> None:
    data["plate"] |= {"on_missing": "hold", "frames": f"{FIRST}-{FIRST + FRAMES - 1}"}
    plate(folder, frame).unlink(missing_ok=True)


def harmless_names(_folder: Path, data: Data, _frame: int) -> None:
    data["plate"]["path"] = data["plate"]["path"].replace("%04d", "####")
    data["depth"]["path"] = data["depth"]["path"].replace("depth.%04d.exr", "")


def harmless_pixel_key(_folder: Path, data: Data, frame: int) -> None:
    data["focus"] = {"keys": [{"frame": frame, "pixel": [12, 8]}]}


def harmless_stray_files(folder: Path, _data: Data, frame: int) -> None:
    for name in (".DS_Store", "Thumbs.db", f"._plate.{frame}.exr", f"plate.{frame}.exr.tmp"):
        (folder / "plate" / name).write_bytes(b"no picture")


def harmless_deep_part(folder: Path, _data: Data, _frame: int) -> None:
    # A second part that nobody reads, with another window.
    for frame in range(FIRST, FIRST + FRAMES):
        whole, other = Window.of_size(24, 16), Window(2, 2, 8, 8, 0, 0, 24, 16)
        store(plate(folder, frame), {"rgba": (("R", "G", "B", "A"), whole), "diffuse": (("diffuse.R",), other)})


# Faults of one frame, of the shot, of the result.


def missing_plate(folder: Path, data: Data, frame: int) -> None:
    data["plate"] |= {"frames": f"{FIRST}-{FIRST + FRAMES - 1}"}
    plate(folder, frame).unlink(missing_ok=True)


def missing_depth(folder: Path, _data: Data, frame: int) -> None:
    depth(folder, frame).unlink(missing_ok=True)


def empty_plate(folder: Path, _data: Data, frame: int) -> None:
    plate(folder, frame).write_bytes(b"")


def no_exr(folder: Path, _data: Data, frame: int) -> None:
    plate(folder, frame).write_bytes(b"this is not a picture at all, but has some bytes")


def broken_header_of_depth(folder: Path, _data: Data, frame: int) -> None:
    depth(folder, frame).write_bytes(depth(folder, FIRST + FRAMES - 1).read_bytes()[:60])


def deep_plate(folder: Path, _data: Data, frame: int) -> None:
    deep(plate(folder, frame))


def deep_depth(folder: Path, _data: Data, frame: int) -> None:
    deep(depth(folder, frame))


def no_red(folder: Path, _data: Data, frame: int) -> None:
    write_exr(plate(folder, frame), noise(channels=2), ("G", "B"))


def other_channels(folder: Path, _data: Data, frame: int) -> None:
    write_exr(plate(folder, frame), noise(channels=3), ("R", "G", "B"))


def depth_without_its_channel(folder: Path, data: Data, frame: int) -> None:
    data["depth"]["channel"] = "Z"
    write_exr(depth(folder, frame), ramp(), ("Y",))


def small_depth(folder: Path, _data: Data, frame: int) -> None:
    write_exr(depth(folder, frame), ramp(12, 8), ("Z",))


def small_plate(folder: Path, _data: Data, frame: int) -> None:
    write_exr(plate(folder, frame), noise(20, 10), ("R", "G", "B", "A"))


def movie_of_two_sizes(folder: Path, data: Data, _frame: int) -> None:
    to_movie(folder, data)
    write_exr(plate(folder, FIRST + 1), noise(20, 10), ("R", "G", "B", "A"))
    write_exr(depth(folder, FIRST + 1), ramp(20, 10), ("Z",))


def layer_in_one_frame_only(folder: Path, data: Data, frame: int) -> None:
    data["plate"]["extra_layers"] = ["diffuse"]
    for other in range(FIRST, FIRST + FRAMES):
        names = ("R", "G", "B", "A", *(["diffuse.R"] if other != frame else []))
        write_exr(plate(folder, other), noise(channels=len(names)), names)


def layer_of_another_window(folder: Path, data: Data, _frame: int) -> None:
    harmless_deep_part(folder, data, 0)
    data["plate"]["extra_layers"] = ["diffuse"]


def unknown_layer(_folder: Path, data: Data, _frame: int) -> None:
    data["plate"]["layer"] = "beauty"


def unknown_part(_folder: Path, data: Data, _frame: int) -> None:
    data["depth"]["part"] = "zpass"


def matte_of_another_size(folder: Path, data: Data, _frame: int) -> None:
    matte(folder, data, width=20)


def matte_without_its_channel(folder: Path, data: Data, _frame: int) -> None:
    matte(folder, data)
    data["matte"]["channel"] = "roto"


def matte_cut_short(folder: Path, data: Data, frame: int) -> None:
    matte(folder, data)
    (folder / "matte" / f"m.{frame}.exr").unlink()


def depth_movie_cut_short(folder: Path, data: Data, _frame: int) -> None:
    movie(folder / "depth.mp4", FRAMES - 1)
    data["depth"] = {"path": str(folder / "depth.mp4"), "convention": "near1", "near": 1, "far": 0}
    data["plate"]["frames"] = f"{FIRST}-{FIRST + FRAMES - 1}"


def depth_numbered_otherwise(folder: Path, _data: Data, _frame: int) -> None:
    for frame in range(FIRST, FIRST + FRAMES):
        if depth(folder, frame).is_file():
            depth(folder, frame).rename(folder / "depth" / f"depth.{frame - FIRST:04d}.exr")


def frames_beyond_the_plate(_folder: Path, data: Data, _frame: int) -> None:
    data["plate"]["frames"] = f"{FIRST}-{FIRST + FRAMES + 2}"


def no_such_folder(folder: Path, data: Data, _frame: int) -> None:
    data["plate"]["path"] = str(folder / "plates" / "plate.%04d.exr")


def pixel_key_outside_the_shot(_folder: Path, data: Data, _frame: int) -> None:
    data["focus"] = {"keys": [{"frame": 2001, "pixel": [12, 8]}]}


def pixel_key_outside_the_picture(_folder: Path, data: Data, frame: int) -> None:
    data["focus"] = {"keys": [{"frame": frame, "pixel": [1200, 8]}]}


def pixel_key_outside_and_no_limits(_folder: Path, data: Data, frame: int) -> None:
    data["focus"] = {"keys": [{"frame": frame, "pixel": [12, -80]}]}
    data["depth"].pop("near", None)


def lens_closer_than_its_focus(_folder: Path, data: Data, _frame: int) -> None:
    data.pop("blur")
    data["lens"] = {"focal_length": 5000, "f_number": 2}


def result_is_a_file(folder: Path, data: Data, _frame: int) -> None:
    (folder / "taken").write_text("a file")
    data["output"]["path"] = str(folder / "taken" / "out.%04d.exr")


def result_over_the_plate(folder: Path, data: Data, _frame: int) -> None:
    data["output"]["path"] = str(folder / "plate" / "plate.####.exr")


def foreign_frame(folder: Path, _data: Data, frame: int) -> None:
    (folder / "out").mkdir(exist_ok=True)
    write_exr(folder / "out" / f"out.{frame}.exr", noise(), ("R", "G", "B", "A"))


def folder_in_place_of_a_frame(folder: Path, _data: Data, frame: int) -> None:
    (folder / "out" / f"out.{frame}.exr").mkdir(parents=True)


def foreign_movie(folder: Path, data: Data, _frame: int) -> None:
    to_movie(folder, data)
    (folder / "out").mkdir(exist_ok=True)
    movie(folder / "out" / "out.mp4", 2)


def longer_movie_of_ours(folder: Path, data: Data, _frame: int) -> None:
    to_movie(folder, data)
    (folder / "out").mkdir(exist_ok=True)
    movie(folder / "out" / "out.mp4", FRAMES + 4, comment="Rackfocus")


def layers_into_a_movie(folder: Path, data: Data, _frame: int) -> None:
    to_movie(folder, data)
    data["output"]["layers"] = ["coc"]


def unknown_type(folder: Path, data: Data, _frame: int) -> None:
    data["output"]["path"] = str(folder / "out" / "out.%04d.gif")


def prores_in_mp4(folder: Path, data: Data, _frame: int) -> None:
    to_movie(folder, data)
    data["output"]["codec"] = "prores"


def one_still_for_many(folder: Path, data: Data, _frame: int) -> None:
    data["output"]["path"] = str(folder / "out" / "one.exr")


def unknown_space(_folder: Path, data: Data, _frame: int) -> None:
    data["plate"]["colour_space"] = "Kodachrome"


def unknown_space_of_the_result(_folder: Path, data: Data, _frame: int) -> None:
    data["output"]["colour_space"] = "Technicolor"


def unknown_compression(_folder: Path, data: Data, _frame: int) -> None:
    data["output"]["compression"] = "zap"


HARMLESS: Final[dict[str, Fault]] = {n: f for n, f in dict(globals()).items() if n.startswith("harmless_")}
FAULTS: Final[dict[str, Fault]] = {
    fault.__name__: fault
    for fault in (
        *(missing_plate, missing_depth, empty_plate, no_exr, broken_header_of_depth, deep_plate, deep_depth, no_red),
        *(other_channels, depth_without_its_channel, small_depth, small_plate, movie_of_two_sizes),
        *(layer_in_one_frame_only, layer_of_another_window, unknown_layer, unknown_part, matte_of_another_size),
        *(matte_without_its_channel, matte_cut_short, depth_movie_cut_short, depth_numbered_otherwise),
        *(frames_beyond_the_plate, no_such_folder, pixel_key_outside_the_shot, pixel_key_outside_the_picture),
        *(pixel_key_outside_and_no_limits, lens_closer_than_its_focus, result_is_a_file, result_over_the_plate),
        *(foreign_frame, folder_in_place_of_a_frame, foreign_movie, longer_movie_of_ours, layers_into_a_movie),
        *(unknown_type, prores_in_mp4, one_still_for_many, unknown_space, unknown_space_of_the_result),
        unknown_compression,
    )
}


def drawn(folder: Path, changes: list[Fault], frame: int) -> Shot:
    make_plates(folder, FRAMES)
    data = shot_data(folder)
    for change in changes:
        change(folder, data, frame)
    return shot_from_dict(data)


def refusal(shot: Shot) -> RackfocusError | None:
    try:
        render(shot, renderer=Tint())
    except RackfocusError as error:
        return error
    return None


def assert_agree(shot: Shot, drawn_from: str) -> None:
    problems = check(shot).problems
    refused = refusal(shot)
    if refused is None:
        assert problems == [], drawn_from
    else:
        assert str(refused) in {str(problem) for problem in problems}, f"{drawn_from}: {refused} not in {problems}"


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("frame", [FIRST, FIRST + 1])
def test_check_refuses_what_render_refuses_in_the_same_words(tmp_path: Path, name: str, frame: int) -> None:
    shot = drawn(tmp_path, [FAULTS[name]], frame)
    assert check(shot).problems, name
    assert_agree(shot, name)


@pytest.mark.parametrize("name", HARMLESS)
def test_check_passes_what_renders(tmp_path: Path, name: str) -> None:
    shot = drawn(tmp_path, [HARMLESS[name]], FIRST + 1)
    assert check(shot).problems == []
    assert refusal(shot) is None
    assert check(shot).problems == []  # frames of our own are there now
    assert refusal(shot) is None


@pytest.mark.parametrize("seed", range(SHOTS))
def test_check_and_render_agree_over_random_shots(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    changes = dice.sample(sorted(HARMLESS), dice.randint(0, 3)) + dice.sample(
        sorted(FAULTS), dice.choice((0, 0, 1, 1, 2))
    )
    frame = FIRST + dice.randrange(FRAMES)
    try:
        shot = drawn(tmp_path, [(HARMLESS | FAULTS)[name] for name in changes], frame)
    except (RackfocusError, KeyError, OSError):
        return  # two changes that exclude each other
    problems = check(shot).problems
    refused = refusal(shot)
    assert (refused is None) == (problems == []), f"{changes}: {refused} against {problems}"
    if refused is not None:
        assert refused.code in {problem.code for problem in problems}, f"{changes}: {refused} not in {problems}"


def test_a_render_that_may_overwrite_is_checked_so(tmp_path: Path) -> None:
    shot = drawn(tmp_path, [foreign_frame], FIRST)
    assert [problem.code for problem in check(shot).problems] == ["output.exists"]
    assert check(shot, overwrite=True).problems == []


def test_weights_that_are_missing_are_told_with_what_else_is_wrong(tmp_path: Path) -> None:
    data = shot_data(tmp_path, renderer={"name": "any-to-bokeh"})
    make_plates(tmp_path, FRAMES)
    deep(plate(tmp_path, FIRST))
    codes = {problem.code for problem in check(shot_from_dict(data)).problems}
    assert {"weights.missing", "media.format"} <= codes
