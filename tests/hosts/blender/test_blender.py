"""The add-on in real Blenders: installed by ``rackfocus install``, driven by their own Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO
import pytest

from rackfocus import __version__
from tests.hosts.blender.hosts import HOSTS, Host, find, install

Facts = dict[str, Any]
SIZE = (96, 54)
WRITTEN = 1e-6
"""How far the engine's focal disparity and K may lie from Blender's own."""


@pytest.fixture(scope="module", params=HOSTS)
def host(request: pytest.FixtureRequest) -> Host:
    found = find(request.param)
    if found is None:
        pytest.skip(
            {"program": "no blender on PATH", "module": "RACKFOCUS_BPY names no Python with bpy"}[request.param]
        )
    return found


@pytest.fixture(scope="module")
def folder(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp(host.kind)
    install(made)
    return made


@pytest.fixture(scope="module")
def pulled(host: Host, folder: Path) -> Facts:
    return host.run("pull.py", folder)


@pytest.fixture(scope="module")
def faults(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    made = tmp_path_factory.mktemp(f"{host.kind}-faults")
    install(made)
    (made / "files").mkdir()
    noise = np.random.default_rng(1).random((180, 320, 3), dtype=np.float32)
    depth = np.linspace(2, 20, 320, dtype=np.float32)[None, :, None].repeat(180, 0)
    for frame in range(1, 31):
        write(made / "files" / f"plate.{frame:04d}.exr", np.concatenate([noise, depth], 2), "RGBZ")
        write(made / "files" / f"small.{frame:04d}.exr", depth[:90, :160], "Z")
    return host.run("faults.py", made)


def write(path: Path, pixels: np.ndarray, channels: str) -> None:
    picture = OpenImageIO.ImageBuf(np.ascontiguousarray(pixels))
    picture.specmod().channelnames = tuple(channels)
    assert picture.write(str(path))


def read(path: Path, *channels: str) -> np.ndarray:
    for part in range(8):
        picture = OpenImageIO.ImageBuf(str(path), part, 0)
        names = list(picture.spec().channelnames)
        if set(channels) <= set(names):
            return picture.get_pixels(OpenImageIO.FLOAT)[..., [names.index(name) for name in channels]]
    raise AssertionError(f"{path} has no {channels}")


def near_of(pull: Facts) -> float:
    limits = next(event for event in pull["events"] if event["event"] == "limits")
    assert limits["far"] is None, "behind everything there is Blender's 1e10, which is no limit"
    return float(limits["near"])


def compared(pull: Facts) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Blender's values and the engine's, frame by frame."""
    written = {event["frame"]: event for event in pull["events"] if event["event"] == "written"}
    assert sorted(written) == list(range(101, 109))
    return [(pull["blender"][str(frame)], written[frame]) for frame in sorted(written)]


@pytest.mark.parametrize("kind", ["distance", "object", "camera"])
def test_the_engine_focuses_at_blender_s_own_distance_on_every_frame(pulled: Facts, kind: str) -> None:
    pull = pulled["pulls"][kind]
    near = near_of(pull)
    pairs = compared(pull)
    assert len({blender[kind] for blender, _ in pairs}) > 4
    for blender, engine in pairs:
        assert engine["focus"] == pytest.approx(near / blender[kind], abs=WRITTEN)


def test_the_engine_focuses_at_blender_s_own_disparity_whatever_the_curve(pulled: Facts) -> None:
    pairs = compared(pulled["pulls"]["disparity"])
    for blender, engine in pairs:
        assert engine["focus"] == pytest.approx(blender["disparity"], abs=WRITTEN)
    assert pairs[0][0]["disparity"] == pairs[1][0]["disparity"], "a constant key holds"


@pytest.mark.parametrize("kind", ["distance", "disparity", "object"])
def test_k_is_what_blender_evaluates_with_its_modifiers(pulled: Facts, kind: str) -> None:
    for blender, engine in compared(pulled["pulls"][kind]):
        assert engine["strength"] == pytest.approx(blender["strength"], abs=WRITTEN)


def test_k_is_what_a_driver_says(pulled: Facts) -> None:
    pairs = compared(pulled["driven"])
    assert pairs[0][1]["strength"] == pytest.approx(4.37, abs=WRITTEN)
    for blender, engine in pairs:
        assert engine["strength"] == pytest.approx(blender["strength"], abs=WRITTEN)


def test_k_of_a_camera_is_that_of_a_thin_lens(pulled: Facts) -> None:
    pull = pulled["pulls"]["camera"]
    near = near_of(pull)
    for blender, engine in compared(pull):
        length, stop, sensor = blender["lens"]
        metres = length / 1000
        radius = 0.5 * metres * metres / stop / (1 - metres / blender["camera"]) / near
        assert engine["strength"] == pytest.approx(radius / (sensor / 1000) * SIZE[0], rel=WRITTEN)


def test_the_scene_is_left_on_its_frame(pulled: Facts) -> None:
    assert pulled["frame_after"] == [104, 0.25]


def test_rendering_says_what_it_did_and_does_nothing_twice(pulled: Facts) -> None:
    assert pulled["render"] == ["FINISHED"]
    assert pulled["message"].startswith("8 frames in")
    assert pulled["again"].startswith("0 frames in")
    assert "8 were there already" in pulled["again"]


def test_the_compositor_gives_the_result_back_as_it_is_on_disk(pulled: Facts, folder: Path) -> None:
    assert pulled["nodes"] == 1
    through = read(folder / "through_nodes.exr", "R", "G", "B")
    assert np.array_equal(through, read(folder / "out" / "out_0104.exr", "R", "G", "B"))


def test_the_sequencer_gives_the_result_back(pulled: Facts, folder: Path) -> None:
    assert pulled["strips"] == [[101, 109, "out_0101.exr", "out_0108.exr"]]
    through = read(folder / "through_strip.exr", "R", "G", "B")
    # The sequencer keeps its pictures in its own colour space, and comes back from it with rounding.
    assert np.allclose(through, read(folder / "out" / "out_0104.exr", "R", "G", "B"), atol=2e-3)


def test_the_result_is_the_plate_out_of_focus(pulled: Facts, folder: Path) -> None:
    del pulled
    plate = read(folder / "plate" / "plate_0101.exr", *(f"ViewLayer.Combined.{c}" for c in "RGB"))
    result = read(folder / "out" / "out_0101.exr", "R", "G", "B")
    assert result.shape == plate.shape == (*SIZE[::-1], 3)
    assert np.abs(result - plate).max() > 0.1
    assert result.mean() == pytest.approx(plate.mean(), rel=0.1)


def test_a_preview_is_an_image_of_blender(pulled: Facts) -> None:
    size, brightest = pulled["preview"]
    assert size == [48, 27]
    assert brightest > 0.1
    assert pulled["previews"] == 1


def test_picking_focuses_on_what_is_there_and_sets_a_key(pulled: Facts, folder: Path) -> None:
    z = float(np.median(read(folder / "plate" / "plate_0106.exr", "ViewLayer.Depth.Z")[24:31, 45:52]))
    picks = pulled["picks"]
    assert picks["distance"] == [pytest.approx(z, rel=1e-2), 1, True]
    assert picks["camera"] == [pytest.approx(z, rel=1e-2), 1, True]
    assert picks["disparity"] == [pytest.approx(near_of(pulled["pulls"]["distance"]) / z, rel=1e-2), 1, True]
    assert "follows an object" in pulled["pick_object"]
    assert "not in the picture" in pulled["pick_outside"]


def test_a_click_is_a_place_in_the_picture_from_its_top_left(pulled: Facts) -> None:
    image, sidebar, middle, right_of_it, nowhere = pulled["clicks"]
    assert image == pytest.approx([0.25, 0.9])
    assert sidebar is None
    assert middle == pytest.approx([0.5, 0.5])
    assert right_of_it == pytest.approx([0.75, 0.5 - 13 / SIZE[1]])
    assert nowhere is None
    assert pulled["cursor"] is True


def test_every_setting_is_in_the_panel(pulled: Facts) -> None:
    assert pulled["unseen"] == []


def test_a_plate_is_the_same_from_output_node_strip_and_files(pulled: Facts) -> None:
    sources = pulled["sources"]
    ranges = {name: found[2] for name, found in sources.items()}
    # The node shows file 104 on frame 103; the strip shows 102 on 103, its first frame cut off.
    assert ranges == {"RENDER": "101-108", "NODE": "104-108", "STRIP": "102-107", "FILES": "101-108"}
    for plate, depth, _ in sources.values():
        assert plate["path"] == sources["RENDER"][0]["path"]
        assert plate["layer"] == "ViewLayer.Combined"
        assert depth["channel"] == "ViewLayer.Depth.Z"


def test_of_a_movie_those_frames_are_rendered_that_blender_shows(host: Host, tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "files").mkdir()
    with av.open(str(tmp_path / "files" / "plate.mp4"), "w") as movie:
        stream = movie.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for number in range(1, 25):
            pixels = np.full((36, 64, 3), number * 10, np.uint8)
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
            write(tmp_path / "files" / f"depth.{number:04d}.exr", np.full((36, 64, 1), 0.5, np.float32), "Z")
        movie.mux(stream.encode())
    told = host.run("movies.py", tmp_path)
    assert told["complaint"] == told["to_movie"] == told["node_complaint"] == ""
    # The strip begins on frame 11, without its first 3 and its last 4 frames.
    assert told["files"] == [f"out_{number:04d}.exr" for number in range(4, 21)]
    assert told["node_files"] == [f"out_{number:04d}.exr" for number in range(3, 13)]
    assert told["movie"] == sorted(told["movie"])
    # Neighbouring frames differ by 0.01 and more.
    assert told["frames"] == pytest.approx(told["movie"], abs=4e-3)
    assert told["as_movie"] == pytest.approx(told["movie"], abs=4e-3)


def test_the_z_pass_is_the_distance_from_the_camera_s_plane(pulled: Facts, folder: Path) -> None:
    del pulled
    z = read(folder / "wall_.exr", "ViewLayer.Depth.Z")[..., 0]
    assert np.allclose(z[:, :46], 5.0, atol=1e-4)
    assert (z[:, 50:] == 1e10).all()


def test_the_folder_is_an_extension_too(host: Host, folder: Path, pulled: Facts) -> None:
    if pulled["version"] < [4, 2]:
        pytest.skip("this Blender is older than extensions")
    told = host.run("extension.py", folder)
    assert told["valid"], told["said"]
    assert (told["enabled"], told["setting"]) == (16.0, "")
    assert told["version"] == __version__


def test_switching_the_add_on_off_leaves_nothing(pulled: Facts) -> None:
    assert pulled["scene_has_settings"] is False


def test_what_is_wrong_is_said_in_blender(faults: Facts) -> None:
    assert "engine.missing" in faults["missing"]
    assert "RACKFOCUS" in faults["missing"]
    assert "nothing.Z" in faults["channel"]
    assert "160x90" in faults["size"]
    assert "320x180" in faults["size"]
    assert "absent" in faults["absent"]
    assert "save it" in faults["unsaved"]
    assert "no camera" in faults["no_camera"]
    assert "31" in faults["no_file"]


def test_the_interface_stays_alive_and_esc_stops(faults: Facts) -> None:
    told = faults["modal"]
    assert told["answers"] == [["RUNNING_MODAL"], ["PASS_THROUGH"], ["True"], ["CANCELLED"], ["0"]]
    (refused, why), (stopped, _), (done, frames), (failed, sentence) = told["said"]
    assert (refused, stopped, done, failed) == ("WARNING", "WARNING", "INFO", "ERROR")
    assert "this is under way" in why
    assert "frames in" in frames
    assert "media.channel" in sentence
    assert told["idle"] is True


def test_a_cancelled_render_stops_and_leaves_whole_files(faults: Facts) -> None:
    files, frame = faults["cancelled"]
    assert 3 <= files < 30
    assert frame == 1


def test_an_engine_that_is_killed_is_told_and_started_again(faults: Facts) -> None:
    assert faults["killed"].startswith("engine.died")
    complaint, message = faults["after"]
    assert complaint == ""
    assert "were there already" in message


def test_an_engine_that_hangs_does_not_block_blender(faults: Facts) -> None:
    finished, status, message = faults["hung"]
    assert finished is False
    assert status
    assert "frames in" in message
