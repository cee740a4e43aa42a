"""Plate and depth are found by their files, and every frame of the comp is the right file of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.shot import Shot, shot_from_dict
from plugin.errors import EngineError
from plugin.resolve.controls import find_group
from plugin.resolve.menu import target_of
from plugin.resolve.shots import Job, job_of
from plugin.resolve.sources import pattern_of
from tests.plugin.resolve.clips import Item, Media, Resolve
from tests.plugin.resolve.fakes import (
    Comp,
    Spline,
    SplineKey,
    animate,
    group,
    loader,
    move_point,
    put,
    remove,
    shot_comp,
)


def job(comp: Comp, **further: Any) -> Job:  # noqa: ANN401
    return job_of(comp, find_group(comp), **further)


def shot(comp: Comp) -> Shot:
    return shot_from_dict(job(comp).shot)


@pytest.mark.parametrize(
    ("path", "pattern", "number"),
    [
        ("/s/plate.1001.exr", "/s/plate.####.exr", 1001),
        ("/s/v2_plate_000017.dpx", "/s/v2_plate_######.dpx", 17),
        ("C:\\s\\plate.[0990-1100].exr", "C:\\s\\plate.####.exr", 990),
        ("/s/take 3.mov", "/s/take 3.mov", 1),
    ],
)
def test_a_clip_s_path_names_its_sequence(path: str, pattern: str, number: int) -> None:
    assert pattern_of(path) == (pattern, number)


def test_the_group_as_it_comes_is_a_valid_shot() -> None:
    comp, _ = shot_comp()
    found = shot(comp)
    assert (found.plate.path, found.plate.frames) == ("/shots/plate.####.exr", "1001-1024")
    assert (found.depth.path, found.depth.frame_offset, found.depth.near) == ("/shots/depth.####.exr", -1000, None)
    assert found.output.path == "/shots/plate_rackfocus/plate_rackfocus_v001/plate_rackfocus_v001.####.exr"
    assert (found.blur.keys[0].value if found.blur else 0) == 20


@pytest.mark.parametrize(
    ("values", "first", "file_of_frame_10"),
    [
        ({}, 0, 1011),
        ({"GlobalIn": 5, "GlobalOut": 52}, 5, 1006),
        ({"GlobalIn": -3, "GlobalOut": 44}, 0, 1014),
        ({"ClipTimeStart": 8, "GlobalOut": 39}, 0, 1019),
        ({"GlobalIn": 2, "HoldFirstFrame": 3, "GlobalOut": 52}, 5, 1006),
    ],
)
def test_a_loader_s_trims_and_holds_say_which_file_is_seen(
    values: dict[str, int], first: int, file_of_frame_10: int
) -> None:
    comp = Comp(0, 23)
    plate = loader(comp, "Plate", "/s/p.1001.exr", 1001, 48, **values)
    group(comp, plate, loader(comp, "Depth", "/s/d.1001.exr", 1001, 48))
    found = job(comp)
    assert found.frames == (first, 23)
    assert 10 + found.offset == file_of_frame_10
    # The depth lies untrimmed under it: on the comp's frame 10 it is file 1011.
    assert file_of_frame_10 + shot_from_dict(found.shot).depth.frame_offset == 1011


def test_only_frames_that_the_plate_has_are_rendered() -> None:
    comp = Comp(0, 100)
    group(comp, loader(comp, "P", "/s/p.1.exr", 1, 10), loader(comp, "D", "/s/d.1.exr", 1, 10))
    assert job(comp).frames == (0, 9)


def test_movies_count_from_one_and_a_movie_of_a_movie_is_made() -> None:
    comp = Comp(0, 23)
    plate = loader(comp, "P", "/s/plate.mov", 0, 48, ClipTimeStart=4)
    group(comp, plate, loader(comp, "D", "/s/depth.mp4", 0, 48))
    found = shot(comp)
    assert (found.plate.path, found.plate.frames, found.depth.frame_offset) == ("/s/plate.mov", "5-28", -4)
    assert found.output.path.endswith("plate_rackfocus_v001.mov")


def test_a_point_is_a_pixel_counted_from_the_top() -> None:
    comp, made = shot_comp()
    x = Spline([SplineKey(3, 0.25), SplineKey(20, 0.75)])
    y = Spline([SplineKey(3, 0.9), SplineKey(20, 0.5)])
    move_point(made, x, y)
    put(made, FocusBy=2)
    keys = shot(comp).focus.keys
    assert [(key.frame, key.pixel) for key in keys] == [
        (1004, (480, pytest.approx(108))),
        (1021, (1440, pytest.approx(540))),
    ]


def test_a_point_that_stands_still_is_one_key() -> None:
    comp, made = shot_comp()
    put(made, FocusBy=2)
    assert [key.pixel for key in shot(comp).focus.keys] == [(960, 540)]


def test_every_choice_reaches_the_document() -> None:
    comp, made = shot_comp()
    put(made, Blades=6.0, Roundness=0.3, Rotation=15, Aspect=0.5, CatsEye=0.4, Ring=-0.2, Softness=0.1)
    put(made, Range=0.05, NearMultiplier=0.5, FarMultiplier=2, MaximumRadius=40, HighlightGain=2, HighlightThreshold=3)
    put(
        made, DepthKind=2, DepthNear=0.9, DepthFar=0.1, DepthChannel="depth.Z", Quality=1, OutputFile="Comp:/o.####.exr"
    )
    put(made, DepthEdges=1, EdgeStrength=0.5)
    found = shot(comp)
    aperture = (6, 0.3, 15, 0.5, 0.4, -0.2, 0.1)
    shape = found.aperture
    assert aperture == (
        shape.blades, shape.roundness, shape.rotation, shape.aspect, shape.cats_eye, shape.ring, shape.softness
    )  # fmt: skip
    assert (found.in_focus_range, found.near_multiplier, found.far_multiplier) == (0.05, 0.5, 2)
    assert (found.maximum_radius, found.highlights.gain, found.highlights.threshold) == (40, 2, 3)
    depth = found.depth
    assert (depth.convention, depth.near, depth.far, depth.channel) == ("near1", 0.9, 0.1, "depth.Z")
    assert (depth.edges, depth.edge_strength) == ("exact", 0.5)
    assert (found.renderer.quality, found.output.path) == ("draft", "/mapped/o.####.exr")


def test_files_that_are_named_stand_in_for_what_is_connected() -> None:
    comp = Comp(0, 23)
    group(comp, comp.add("Blur1", "Blur"), comp.add("MediaIn2", "MediaIn"))
    made = comp.GetToolList(False, "GroupOperator") or {}
    put(made[1], PlateFile="/s/p.1001.exr", PlateOffset=1001, DepthFile="/s/d.1001.exr", DepthOffset=-1000)
    found = shot(comp)
    assert (found.plate.path, found.plate.frames) == ("/s/p.####.exr", "1001-1024")
    assert (found.depth.path, found.depth.frame_offset) == ("/s/d.####.exr", -1000)


def test_a_router_between_file_and_group_is_passed_by() -> None:
    comp = Comp(0, 23)
    router = comp.add("Router1", "PipeRouter")
    router.sources["Input"] = loader(comp, "P", "/s/p.1.exr", 1, 48)
    group(comp, router, loader(comp, "D", "/s/d.1.exr", 1, 48))
    assert shot(comp).plate.path == "/s/p.#.exr"


def test_what_cannot_be_keyed_is_told_and_not_passed_over() -> None:
    comp, made = shot_comp()
    animate(made, "Range", Spline([SplineKey(0, 0.1), SplineKey(20, 0.2)]))
    found = job(comp)
    assert found.shot["in_focus_range"] == pytest.approx(0.1)
    assert any("Range" in note for note in found.notes)


def test_a_new_version_stands_beside_the_old_one(tmp_path: Path) -> None:
    comp, _ = shot_comp(folder=str(tmp_path))
    (tmp_path / "plate_rackfocus" / "plate_rackfocus_v007").mkdir(parents=True)
    assert "_v007" in job(comp).output
    assert "_v008" in job(comp, new_version=True).output


WRONG = {
    "no group": (lambda _, made: remove(made), "no Rackfocus group"),
    "two groups": (lambda comp, _: group(comp, name="Rackfocus_1"), "several"),
    "no plate": (lambda _, made: made.children[1].sources.pop("Image1"), "no plate"),
    "no depth": (lambda _, made: made.children[0].sources.pop("Image1"), "no depth"),
    "a grade between": (lambda comp, made: made.children[1].sources.update(Image1=comp.add("CC1", "CC")), "CC1"),
    "backwards": (lambda comp, _: comp.tools[0].values.update(Reverse=1), "Reverse"),
    "an empty Loader": (
        lambda comp, _: (comp.tools[0].attributes.clear(), comp.tools[0].values.pop("Clip")),
        "no files",
    ),
    "a still": (lambda comp, _: comp.tools[0].attributes.update(TOOLIT_Clip_Length={1.0: 1.0}), "one picture"),
    "nothing to render": (lambda comp, _: setattr(comp, "range", (400, 500)), "render range"),
    "an old group": (lambda _, made: made.children[1].values.pop("K"), "no control K"),
    "no such entry": (lambda _, made: put(made, DepthKind=9), "DepthKind"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_a_sentence_that_names_it(name: str) -> None:
    comp, made = shot_comp()
    change, said = WRONG[name]
    change(comp, made)
    with pytest.raises(EngineError, match=said):
        job(comp)


def clip(**further: Any) -> tuple[Comp, Item]:  # noqa: ANN401
    """A clip of the timeline, trimmed by 8 frames, whose comp starts at 0."""
    comp = Comp(0, 23)
    group(comp, comp.add("MediaIn1", "MediaIn"), loader(comp, "D", "/s/d.1001.exr", 1001, 48))
    media = Media({"File Path": "/s/plate.[1001-1048].exr", "Resolution": "2048x1152"})
    return comp, Item(media, [comp], **{"trimmed": 8, **further})


def test_the_clip_under_the_playhead_knows_its_files_and_its_trim() -> None:
    comp, item = clip()
    target = target_of({"resolve": Resolve(item)}, "clip")
    found = target.job()
    assert (target.comp, found.frames, found.offset, found.size) == (comp, (0, 23), 1009, (2048, 1152))
    assert found.shot["plate"] == {"path": "/s/plate.####.exr", "frames": "1009-1032"}
    assert shot_from_dict(found.shot).depth.frame_offset == -8


@pytest.mark.parametrize(
    "missing", ["GetProjectManager", "GetCurrentProject", "GetCurrentTimeline", "GetCurrentVideoItem"]
)
def test_a_call_that_gives_nothing_is_named(missing: str) -> None:
    with pytest.raises(EngineError, match=missing):
        target_of({"resolve": Resolve(clip()[1], missing)}, "clip")


@pytest.mark.parametrize(
    ("further", "said"),
    [
        ({"media": Media({"File Path": "/s/p_rackfocus_v001.[1001-1024].exr"})}, "first take"),
        ({"source": 47}, "retimed"),
        ({"media": None}, "no files"),
        ({"media": Media({"File Path": ""})}, "compound"),
    ],
)
def test_a_clip_without_plain_files_is_told(further: dict[str, Any], said: str) -> None:
    comp, item = clip()
    for name, value in further.items():
        setattr(item, name, value)
    with pytest.raises(EngineError, match=said):
        target_of({"resolve": Resolve(item), "comp": comp}, "comp").job()


def test_a_clip_without_a_group_is_told() -> None:
    with pytest.raises(EngineError, match="sh010 has no Rackfocus group"):
        target_of({"resolve": Resolve(Item(None, [Comp()]))}, "clip")
