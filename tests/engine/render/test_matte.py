"""A shot with a matte, from its files to its result."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from engine.errors import MatteError, OutputExistsError
from engine.frames import FrameRange
from engine.render import Inputs, check, render
from engine.shot import Shot, load_shot, save_shot, shot_to_dict
from tests.engine.depth.conditioning.scenes import FAR, NEAR, cover, exact
from tests.engine.render.shots import Tint, outputs, write_exr
from tests.engine.render.test_edges import changed, document, make, read_layers

ALPHA = cover("disc")
SMALL = np.where(ndimage.binary_erosion(ALPHA > 0.5, iterations=3), NEAR, FAR)


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    """Depth that ends 3 pixels inside the disc, and the disc's matte."""
    make(tmp_path, [SMALL] * 3)
    (tmp_path / "matte").mkdir()
    for frame in (1001, 1002, 1003):
        write_exr(tmp_path / "matte" / f"matte.{frame}.exr", ALPHA[:, :, None], ("A",))
    return with_matte(tmp_path)


def with_matte(folder: Path, **parts: object) -> Shot:
    return changed(folder, **{"matte": {"path": str(folder / "matte" / "matte.%04d.exr")}, **parts})


@pytest.mark.parametrize("edges", ["auto", "exact", "repair"])
def test_the_result_has_the_matte_s_edge_whatever_is_done_to_others(tmp_path: Path, shot: Shot, edges: str) -> None:
    depth = shot.depth.model_copy(update={"edges": edges})
    output = shot.output.model_copy(update={"layers": ("disparity",)})
    render(shot.model_copy(update={"depth": depth, "output": output}), "1002", renderer=Tint())
    found = read_layers(tmp_path / "out" / "out.1002.exr")["disparity.Z"]
    np.testing.assert_array_equal(found, exact(ALPHA))


def test_a_renderer_is_given_the_coverage(shot: Shot, tmp_path: Path) -> None:
    with Inputs(shot) as inputs:
        raw = inputs.read(1001)
        assert raw.matte is not None
        frame = inputs.prepare(raw, SMALL, 0.5, 10.0)
    assert frame.coverage is not None
    np.testing.assert_array_equal(frame.coverage, ALPHA)
    with Inputs(document(tmp_path)) as inputs:
        assert inputs.prepare(inputs.read(1001), SMALL, 0.5, 10.0).coverage is None


def test_a_focus_key_on_the_subject_s_rim_reads_the_subject(shot: Shot) -> None:
    from engine.depth import DepthLimits

    edge = int(np.flatnonzero(ALPHA[60] >= 0.5)[0])
    with Inputs(shot) as inputs:
        assert inputs.sampler(DepthLimits(1.0, 0.0))(1001, edge + 0.5, 60.5, 0) == pytest.approx(float(NEAR))


def test_any_split_with_a_matte_writes_the_same_files(shot: Shot, tmp_path: Path) -> None:
    render(shot, renderer=Tint())
    whole = outputs(tmp_path)
    for frame in (1003, 1001, 1002):
        render(shot, FrameRange.of([frame]), overwrite=True, renderer=Tint())
    assert outputs(tmp_path) == whole


def test_frames_are_made_again_where_the_matte_changed(shot: Shot, tmp_path: Path) -> None:
    render(document(tmp_path), renderer=Tint())
    assert render(shot, renderer=Tint()).written == 3
    assert render(shot, renderer=Tint()).written == 0
    file = tmp_path / "matte" / "matte.1003.exr"
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1_000_000))
    again = Tint()
    render(shot, renderer=again)
    assert 1003 in again.rendered
    assert (
        render(with_matte(tmp_path, matte={**shot_to_dict(shot)["matte"], "disparity": 0.7}), renderer=Tint()).written
        == 3
    )


def test_a_repaired_matte_is_told(shot: Shot, tmp_path: Path) -> None:
    broken = ALPHA.copy()
    broken[0, :7] = np.nan
    write_exr(tmp_path / "matte" / "matte.1002.exr", broken[:, :, None], ("A",))
    (warning,) = render(shot, renderer=Tint()).warnings
    assert (warning.kind, warning.frames) == ("matte.repaired", 1)
    assert warning.message.startswith("7 values of the matte")


def test_a_check_looks_at_every_matte(shot: Shot, tmp_path: Path) -> None:
    assert check(shot).problems == []
    write_exr(tmp_path / "matte" / "matte.1003.exr", np.ones((30, 40, 1), np.float32), ("A",))
    (problem,) = check(shot).problems
    assert isinstance(problem, MatteError)
    assert "frame 1003: the matte is 40x30 but the plate is 160x120" in str(problem)


@pytest.mark.usefixtures("shot")
def test_a_result_never_replaces_the_matte(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "matte")
    over = with_matte(tmp_path, output={"path": str(tmp_path / "link" / "matte.%04d.exr")})
    with pytest.raises(OutputExistsError, match="matte's own file"):
        render(over, renderer=Tint())


def test_a_document_keeps_its_matte_and_one_without_says_nothing_of_it(shot: Shot, tmp_path: Path) -> None:
    save_shot(shot, tmp_path / "shot.json")
    assert '"path": "matte/matte.%04d.exr"' in (tmp_path / "shot.json").read_text()
    assert load_shot(tmp_path / "shot.json") == shot
    assert "matte" not in shot_to_dict(document(tmp_path))
