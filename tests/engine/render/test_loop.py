"""The streaming loop: what it writes, what it leaves alone, and how it ends."""

from __future__ import annotations

import os
import random
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CancelledError, MissingFrameError, OutputExistsError, ShotError
from engine.render import (
    DIGEST,
    Event,
    LimitsFound,
    Opened,
    Searching,
    Started,
    Summary,
    Warned,
    Written,
    fixed_limits,
    render,
)
from engine.render.report import ignore
from engine.shot import shot_from_dict
from tests.engine.render.shots import (
    FIRST,
    Tint,
    header,
    make_plates,
    make_shot,
    outputs,
    read_exr,
    shot_data,
    write_exr,
)


def test_every_frame_is_written_once_and_in_order(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    events: list[Event] = []
    summary = render(shot, report=events.append, renderer=Tint())
    assert (summary.written, summary.skipped) == (5, 0)
    assert [e.frame for e in events if isinstance(e, Written)] == list(range(FIRST, FIRST + 5))
    assert isinstance(events[0], Opened)
    assert events[1] == Started(5, 0)
    assert events[-1] == summary
    assert sorted(outputs(tmp_path)) == [f"out.{f}.exr" for f in range(FIRST, FIRST + 5)]


def test_focus_and_blur_of_each_frame_are_the_curves_own_and_stand_in_the_header(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    render(shot, renderer=Tint())
    found = [header(tmp_path / "out" / f"out.{f}.exr") for f in range(FIRST, FIRST + 5)]
    assert found[0]["rackfocus/focus"] == pytest.approx(0.9)
    assert found[4]["rackfocus/blur"] == pytest.approx(6.0)
    assert len({h[DIGEST] for h in found}) == 5
    assert all(len(name) <= 31 for h in found for name in h)


@pytest.mark.parametrize("window", [0, 2])
def test_any_split_of_the_shot_gives_the_same_pixels(tmp_path: Path, window: int) -> None:
    shot = make_shot(tmp_path, 9, depth={"path": str(tmp_path / "depth" / "depth.%04d.exr")})
    render(shot, renderer=Tint(window))
    whole = outputs(tmp_path)
    order = [f"{f}-{min(f + 1, FIRST + 8)}" for f in range(FIRST, FIRST + 9, 2)]
    random.Random(3).shuffle(order)
    for frames in order:
        render(shot, frames, overwrite=True, renderer=Tint(window))
    assert outputs(tmp_path) == whole


def test_a_second_run_renders_nothing(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    render(shot, renderer=Tint())
    again = Tint()
    summary = render(shot, renderer=again)
    assert (summary.written, summary.skipped) == (0, 5)
    assert again.rendered == []


def test_frames_that_are_missing_or_broken_are_made_again(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    render(shot, renderer=Tint())
    whole = outputs(tmp_path)
    (tmp_path / "out" / "out.1002.exr").unlink()
    broken = tmp_path / "out" / "out.1004.exr"
    broken.write_bytes(broken.read_bytes()[:-40])
    again = Tint()
    assert render(shot, renderer=again).skipped == 3
    assert again.rendered == [1002, 1004]
    assert outputs(tmp_path) == whole


def test_moving_one_key_renders_only_the_frames_that_it_moves(tmp_path: Path) -> None:
    linear = [
        {"frame": f, "disparity": d, "interpolation": "linear"} for f, d in ((1001, 0.9), (1003, 0.5), (1005, 0.1))
    ]
    shot = make_shot(tmp_path, focus={"keys": linear}, blur={"keys": [{"frame": 1001, "value": 3.0}]})
    render(shot, renderer=Tint())
    linear[2]["disparity"] = 0.3
    moved = shot_from_dict(shot_data(tmp_path, focus={"keys": linear}, blur={"keys": [{"frame": 1001, "value": 3.0}]}))
    again = Tint()
    render(moved, renderer=again)
    assert again.rendered == [1004, 1005]


def test_a_change_of_any_setting_renders_again(tmp_path: Path) -> None:
    shot = make_shot(tmp_path, 2)
    render(shot, renderer=Tint())
    for changes in (
        {"maximum_radius": 9.0},
        {"renderer": {"quality": "draft"}},
        {"aperture": {"blades": 6}},
        {"depth": {"path": str(tmp_path / "depth" / "depth.%04d.exr"), "near": 2.5}},
        {"output": {"path": str(tmp_path / "out" / "out.%04d.exr"), "data_type": "float"}},
    ):
        changed = shot_from_dict(shot_data(tmp_path, **changes))
        assert render(changed, renderer=Tint()).written == 2, changes
        assert render(changed, renderer=Tint()).written == 0, changes
    assert render(shot.model_copy(update={"name": "another name"}), renderer=Tint()).written == 2


def test_a_name_and_a_place_are_no_settings(tmp_path: Path) -> None:
    shot = make_shot(tmp_path / "here", 2)
    render(shot, renderer=Tint())
    (tmp_path / "here").rename(tmp_path / "there")
    moved = shot_from_dict(shot_data(tmp_path / "there", name="moved"))
    assert render(moved, renderer=Tint()).skipped == 2


def test_a_changed_input_file_renders_its_frame_again(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    render(shot, renderer=Tint())
    plate = tmp_path / "plate" / "plate.1003.exr"
    os.utime(plate, ns=(0, plate.stat().st_mtime_ns + 1_000_000))
    again = Tint()
    render(shot, renderer=again)
    assert again.rendered == [1003]


def test_overwrite_renders_what_is_there(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    render(shot, renderer=Tint())
    assert render(shot, "1002-1003", overwrite=True, renderer=Tint()).written == 2


def test_a_picture_that_somebody_else_made_is_kept(tmp_path: Path) -> None:
    shot = make_shot(tmp_path, 2)
    (tmp_path / "out").mkdir()
    write_exr(tmp_path / "out" / "out.1002.exr", np.ones((4, 4, 3), np.float32), ("R", "G", "B"))
    with pytest.raises(OutputExistsError, match=r"frame 1002: .*out\.1002\.exr.*--overwrite"):
        render(shot, renderer=Tint())
    assert render(shot, renderer=Tint(), overwrite=True).written == 2


def test_frames_outside_the_shot_are_told(tmp_path: Path) -> None:
    with pytest.raises(ShotError, match="1006-1007 are not in the shot, which has 1001-1005"):
        render(make_shot(tmp_path), "1004-1007", renderer=Tint())


def test_a_missing_frame_is_told_before_anything_is_rendered(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    (tmp_path / "plate" / "plate.1004.exr").unlink()
    renderer = Tint()
    with pytest.raises(MissingFrameError, match="1004"):
        render(shot, renderer=renderer)
    assert renderer.rendered == []


@pytest.mark.parametrize("on_missing", ["hold", "black"])
def test_a_missing_frame_can_be_held_or_black_in_any_split(tmp_path: Path, on_missing: str) -> None:
    plate = {"path": str(tmp_path / "plate" / "plate.%04d.exr"), "frames": "1001-1005", "on_missing": on_missing}
    shot = make_shot(tmp_path, plate=plate)
    (tmp_path / "plate" / "plate.1003.exr").unlink()
    summary = render(shot, renderer=Tint())
    assert [(w.kind, w.frames) for w in summary.warnings] == [("plate.substituted", 1)]
    whole = outputs(tmp_path)
    render(shot, "1003", overwrite=True, renderer=Tint())
    assert outputs(tmp_path) == whole
    assert (read_exr(tmp_path / "out" / "out.1003.exr").max() == 0) == (on_missing == "black")


def test_limits_are_found_once_over_the_whole_shot_whatever_is_asked(tmp_path: Path) -> None:
    shot = make_shot(tmp_path, depth={"path": str(tmp_path / "depth" / "depth.%04d.exr")})
    events: list[Event] = []
    fixed = fixed_limits(shot, events.append)
    assert fixed.depth.near == pytest.approx(2.0, rel=1e-3)
    assert sum(isinstance(e, Searching) for e in events) == 5
    assert [e for e in events if isinstance(e, LimitsFound)] == [LimitsFound(fixed.depth.near, fixed.depth.far)]
    render(shot, "1005", renderer=Tint())
    found = outputs(tmp_path)
    assert fixed_limits(fixed, ignore) is fixed
    assert render(fixed, "1005", renderer=Tint()).skipped == 1
    render(fixed, "1005", renderer=Tint(), overwrite=True)
    assert outputs(tmp_path) == found


def test_repaired_values_are_told_once_with_their_count(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    for frame in (1002, 1004):
        image = np.full((16, 24, 4), 0.5, np.float32)
        image[3, 4:6, :3] = np.nan
        write_exr(tmp_path / "plate" / f"plate.{frame}.exr", image, ("R", "G", "B", "A"))
    summary = render(shot, renderer=Tint())
    assert [(w.kind, w.frames) for w in summary.warnings] == [("plate.repaired", 2)]
    assert all(np.isfinite(read_exr(file)).all() for file in (tmp_path / "out").iterdir())


def test_layers_are_written_beside_the_colour(tmp_path: Path) -> None:
    layers = ["coc", "disparity", "overlay", "invented"]
    shot = make_shot(
        tmp_path, 2, output={"path": str(tmp_path / "out" / "out.%04d.exr"), "layers": layers, "data_type": "float"}
    )
    render(shot, renderer=Tint(window=1))
    import OpenImageIO as oiio  # noqa: N813

    spec = oiio.ImageInput.open(str(tmp_path / "out" / "out.1001.exr")).spec()
    assert set(spec.channelnames) >= {"R", "G", "B", "A", "CoC.x", "disparity.Z", "overlay.R", "invented.A"}
    pixels = read_exr(tmp_path / "out" / "out.1001.exr")
    radius, disparity = (pixels[:, :, spec.channelnames.index(name)] for name in ("CoC.x", "disparity.Z"))
    np.testing.assert_allclose(radius, 2.0 * (0.9 - disparity), atol=1e-5)


def test_a_wish_to_stop_is_served_in_the_middle_of_a_frame_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    shot = make_shot(tmp_path)
    cancel = threading.Event()
    first = threading.Timer(0.3, cancel.set)
    first.start()
    with pytest.raises(CancelledError):
        render(shot, cancel=cancel, renderer=Tint(wait=30))
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_the_result_may_not_replace_the_plate_or_the_depth(tmp_path: Path) -> None:
    make_plates(tmp_path)
    for name in ("plate", "depth"):
        link = tmp_path / "link"
        link.symlink_to(tmp_path / name)
        data = shot_data(tmp_path, output={"path": str(link / f"{name}.%04d.exr")})
        with pytest.raises(OutputExistsError):
            render(shot_from_dict(data), overwrite=True, renderer=Tint())
        link.unlink()


def test_a_pixel_key_reads_the_depth_of_its_own_frame(tmp_path: Path) -> None:
    keys = [{"frame": 1001, "pixel": [0.5, 8.0]}, {"frame": 1005, "pixel": [23.5, 8.0]}]
    shot = make_shot(tmp_path, focus={"keys": keys, "sample_radius": 0})
    events: list[Event] = []
    render(shot, "1001,1005", report=events.append, renderer=Tint())
    focus = {e.frame: e.focus for e in events if isinstance(e, Written)}
    assert focus[1001] == pytest.approx(1.0)  # 2 m, where near is
    assert focus[1005] == pytest.approx(2 / 20)


def test_the_summary_counts_and_the_events_are_plain_values(tmp_path: Path) -> None:
    summary = render(make_shot(tmp_path, 3), renderer=Tint())
    assert isinstance(summary, Summary)
    assert summary.frames_per_second > 0
    assert replace(summary, warnings=(Warned("a", "b", 1),)) != summary
