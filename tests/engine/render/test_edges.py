"""Depth with soft edges, through the whole loop: what is said of it, and that any split gives the same files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from engine.frames import Float32Array, FrameRange
from engine.render import EdgesMeasured, Event, Inputs, check, render
from engine.shot import Shot, shot_from_dict
from engine.shot.storage import shot_to_dict
from tests.engine.depth.conditioning.scenes import FAR, NEAR, cover, exact, plate
from tests.engine.render.shots import FIRST, Tint, outputs, read_exr, shot_data, write_exr

FRAMES = 6
ALPHA = cover("disc")


def soft(frame: int) -> Float32Array:
    """The disc's disparity, soft, and drawn a little aside anew in every frame."""
    moved = ndimage.shift(exact(ALPHA), np.random.default_rng(frame).uniform(-1, 1, 2), order=1, mode="nearest")
    return np.asarray(ndimage.gaussian_filter(moved, 1.5), np.float32)


def make(folder: Path, disparities: Sequence[Float32Array], **depth: object) -> Shot:
    """A shot on disk of the dark disc, one frame for each disparity."""
    for name in ("plate", "depth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for frame, disparity in enumerate(disparities, FIRST):
        write_exr(folder / "plate" / f"plate.{frame}.exr", plate(ALPHA, seed=frame), ("R", "G", "B"))
        write_exr(folder / "depth" / f"depth.{frame}.exr", disparity[:, :, None], ("Z",))
    return document(folder, **depth)


def document(folder: Path, **depth: object) -> Shot:
    """A shot of those files."""
    path = str(folder / "depth" / "depth.%04d.exr")
    return shot_from_dict(shot_data(folder, depth={"path": path, "convention": "direct", **depth}))


def changed(folder: Path, **parts: object) -> Shot:
    """The same with other parts."""
    return shot_from_dict({**shot_to_dict(document(folder)), **parts})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("soft")
    make(place, [soft(frame) for frame in range(FRAMES)])
    return place


def said(shot: Shot) -> str:
    findings = check(shot)
    assert findings.problems == []
    return str(findings.edges)


def test_a_check_says_how_soft_the_depth_is_and_what_is_done_to_it(folder: Path) -> None:
    assert said(document(folder)).startswith("depth edges are 1.")
    assert said(document(folder)).endswith("they are repaired")
    assert said(document(folder, edges="exact")).endswith("px of the picture's: they are left as they are")
    assert said(document(folder, edge_strength=0)).endswith("they are left as they are")


def test_a_check_says_that_exact_depth_is_hard_and_left_as_it_is(tmp_path: Path) -> None:
    shot = make(tmp_path, [exact(ALPHA)])
    assert said(shot) == "depth edges are hard, on the picture's own: they are left as they are"
    assert said(document(tmp_path, edges="repair")).endswith("they are repaired")


def test_a_check_measures_before_the_limits_of_the_depth_are_known(tmp_path: Path) -> None:
    """Distances without limits: those of the few frames that are looked at serve to measure by."""
    shot = make(tmp_path, [np.float32(1) / soft(frame) for frame in range(2)], convention="distance")
    assert check(shot).finds_limits
    assert said(shot).endswith("they are repaired")


def test_a_check_of_depth_without_edges_says_nothing_of_them(tmp_path: Path) -> None:
    shot = make(tmp_path, [np.tile(np.linspace(FAR, NEAR, ALPHA.shape[1], dtype=np.float32), (ALPHA.shape[0], 1))])
    assert check(shot).edges is None
    assert check(shot).problems == []


def test_a_render_says_it_once(folder: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    shot = changed(folder, output={"path": str(tmp_path / "out.%04d.exr")})
    render(shot, "1001", report=events.append, renderer=Tint())
    assert [event.repaired for event in events if isinstance(event, EdgesMeasured)] == [True]


@pytest.fixture(scope="module")
def whole(folder: Path) -> dict[str, bytes]:
    render(document(folder), renderer=Tint())
    return outputs(folder)


ALL = range(FIRST, FIRST + FRAMES)


@given(order=st.permutations(ALL), size=st.integers(1, 3))
@settings(max_examples=6, deadline=None)
def test_any_split_of_a_shot_with_soft_depth_writes_the_same_files(
    folder: Path, whole: dict[str, bytes], order: list[int], size: int
) -> None:
    """In any order, a few frames at a time, each time as another process would: nothing is kept between the parts."""
    for file in (folder / "out").iterdir():
        file.unlink()
    for first in range(0, len(order), size):
        render(document(folder), FrameRange.of(order[first : first + size]), renderer=Tint())
    assert outputs(folder) == whole
    assert render(document(folder), renderer=Tint()).written == 0


def test_a_resumed_render_in_draft_writes_the_same_files(folder: Path, tmp_path: Path) -> None:
    """The draft of the optical renderer decides edges at half the size."""
    pictures = []
    for part in ("whole", "parts"):
        out = {"path": str(tmp_path / part / "out" / "out.%04d.exr")}
        shot = changed(folder, output=out, renderer={"quality": "draft"})
        if part == "parts":
            render(shot, "1002-1003")
            render(shot, "1006")
        render(shot)
        pictures.append(outputs(tmp_path / part))
    assert pictures[0] == pictures[1]


def test_layers_show_the_depth_that_was_rendered_with(folder: Path, tmp_path: Path) -> None:
    out = {"path": str(tmp_path / "out.%04d.exr"), "layers": ["disparity", "coc"]}
    blur = {"keys": [{"frame": 1001, "value": 10}]}
    focus = {"keys": [{"frame": 1001, "disparity": 0.5}]}
    render(changed(folder, output=out, blur=blur, focus=focus), "1003", renderer=Tint())
    layers = read_layers(tmp_path / "out.1003.exr")
    was = read_exr(folder / "depth" / "depth.1003.exr")[:, :, 0]
    ramp = (layers["disparity.Z"] > 0.3) & (layers["disparity.Z"] < 0.7)
    assert np.count_nonzero((was > 0.3) & (was < 0.7)) > 300
    assert np.count_nonzero(ramp) < 30
    np.testing.assert_allclose(layers["CoC.x"], 10 * (0.5 - layers["disparity.Z"]), atol=1e-3)


def read_layers(file: Path) -> dict[str, Float32Array]:
    import OpenImageIO as oiio  # noqa: N813

    image = oiio.ImageInput.open(str(file))
    assert image is not None, oiio.geterror()
    found: dict[str, Float32Array] = {}
    part = 0
    while image.seek_subimage(part, 0):
        pixels = image.read_image(subimage=part, miplevel=0, chbegin=0, chend=image.spec().nchannels, format=oiio.FLOAT)
        assert pixels is not None
        found |= {name: pixels[:, :, i] for i, name in enumerate(image.spec().channelnames)}
        part += 1
    image.close()
    return found


def test_a_setting_of_edges_that_changes_no_pixel_renders_nothing_again(tmp_path: Path) -> None:
    make(tmp_path, [exact(ALPHA)] * 2)
    render(document(tmp_path), renderer=Tint())
    for same in ({"edges": "exact"}, {"edge_strength": 0}, {"edge_strength": 2.0}):
        assert render(document(tmp_path, **same), renderer=Tint()).written == 0, same
    assert render(document(tmp_path, edges="repair"), renderer=Tint()).written == 2


def test_soft_depth_that_is_repaired_by_measure_or_by_request_is_the_same(
    folder: Path, whole: dict[str, bytes]
) -> None:
    render(document(folder), renderer=Tint())
    assert render(document(folder, edges="repair"), renderer=Tint()).written == 0
    assert outputs(folder) == whole
    with Inputs(document(folder)) as inputs:
        assert inputs.edges_measured() == check(document(folder)).edges
