from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from engine.depth import DepthLimits
from engine.errors import CancelledError, RackfocusError
from engine.frames import Float32Array
from engine.render import Inputs, render
from engine.shot import shot_from_dict
from engine.worker import viewing
from engine.worker.kernels import Kernels
from engine.worker.lanes import Job
from engine.worker.messages import Fault, Preview, Sample
from engine.worker.viewing import ViewDesk
from tests.engine.render.shots import FIRST, header, read_exr, shot_data, write_exr

WIDTH, HEIGHT = 64, 48

HALF = 2.0**-10
"""A half's rounding, as a share of its value; and the previews are written as halves."""

LENS_POINTS = 0.06
"""Of light up to 2: a lens has as many points as the largest radius in the picture asks for, which may lie outside the
region, and background is invented from what is around."""


@pytest.fixture
def desk() -> ViewDesk:
    return ViewDesk(Kernels())


def make_scene(folder: Path, frames: int = 2, near: float = 2.0) -> dict[str, Any]:
    """A bright card in front of a ramp: two surfaces with a hard edge between."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    card = (abs(columns - 20) < 8) & (abs(rows - 24) < 12)
    for number in range(FIRST, FIRST + frames):
        image = np.stack([columns / WIDTH, rows / HEIGHT, np.full_like(rows, 0.2)], axis=2)
        image[card] = (2.0, 0.5, 0.1)
        depth = np.where(card, near, 6 + rows / 8 + (number - FIRST)).astype(np.float32)
        for name in ("plate", "depth"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        write_exr(folder / "plate" / f"plate.{number}.exr", image, ("R", "G", "B"), "half")
        write_exr(folder / "depth" / f"depth.{number}.exr", depth[:, :, None], ("Z",))
    return shot_data(folder, blur={"keys": [{"frame": FIRST, "value": 8.0}]})


class Asked:
    """What a job was answered and told."""

    def __init__(self, parameters: Preview | Sample) -> None:
        self.answers: list[Mapping[str, Any] | Fault] = []
        self.told: list[Mapping[str, Any]] = []
        self.job: Job[Any] = Job(1, parameters, self.answers.append, self.told.append)


def preview(desk: ViewDesk, shot: dict[str, Any], frame: int = FIRST, **further: Any) -> dict[str, Any]:  # noqa: ANN401
    return dict(desk.work(Asked(Preview(shot=shot, frame=frame, **further)).job))


def sample(desk: ViewDesk, shot: dict[str, Any], x: float, y: float, **further: Any) -> dict[str, Any]:  # noqa: ANN401
    return dict(desk.work(Asked(Sample(shot=shot, frame=FIRST, x=x, y=y, **further)).job))


def rendered(shot: dict[str, Any]) -> Float32Array:
    render(shot_from_dict(shot), str(FIRST), overwrite=True)
    return read_exr(Path(shot["output"]["path"] % FIRST))


def test_a_preview_at_full_size_is_the_render(desk: ViewDesk, tmp_path: Path) -> None:
    shot = make_scene(tmp_path)
    made = preview(desk, shot, scale=1.0)
    np.testing.assert_allclose(read_exr(Path(made["path"])), rendered(shot), rtol=HALF, atol=HALF)
    assert (made["width"], made["height"], made["region"]) == (WIDTH, HEIGHT, [0, 0, WIDTH, HEIGHT])
    assert (made["focus"], made["strength"]) == (0.9, 8.0)
    assert made["renderer"] == "optical"


@pytest.mark.parametrize("further", [{}, {"aperture": {"cats_eye": 0.8}}, {"plate": {"pixel_aspect": 2.0}}])
def test_a_region_is_what_the_whole_picture_shows_there(
    desk: ViewDesk, tmp_path: Path, further: dict[str, dict[str, Any]]
) -> None:
    shot = make_scene(tmp_path)
    for part, fields in further.items():
        shot[part] = {**shot.get(part, {}), **fields}
    whole = read_exr(Path(preview(desk, shot, scale=1.0)["path"]))
    made = preview(desk, shot, scale=1.0, region=[10, 12, 30.5, 28])
    assert made["region"] == [10, 12, 31, 28]
    difference = np.abs(read_exr(Path(made["path"])) - whole[12:28, 10:31])
    assert difference.mean() < LENS_POINTS / 20
    assert difference.max() < LENS_POINTS
    spec = oiio.ImageInput.open(made["path"]).spec()
    assert (spec.x, spec.y, spec.full_width, spec.full_height) == (10, 12, WIDTH, HEIGHT)


def test_a_proxy_is_the_mean_of_the_render_s_pixels_where_no_edge_is(desk: ViewDesk, tmp_path: Path) -> None:
    """And K is scaled with it: the ramp behind the card is blurred by as much of the picture."""
    shot = make_scene(tmp_path)
    made = preview(desk, shot, scale=0.25)
    small = read_exr(Path(made["path"]))
    assert small.shape[:2] == (HEIGHT // 4, WIDTH // 4)
    means = rendered(shot).reshape(HEIGHT // 4, 4, WIDTH // 4, 4, 3).mean(axis=(1, 3))
    far = np.s_[3:-3, -6:-2]
    np.testing.assert_allclose(small[far], means[far], atol=0.02)
    # Light neither comes nor goes over the whole picture.
    np.testing.assert_allclose(small.mean(axis=(0, 1)), means.mean(axis=(0, 1)), rtol=0.05)


def test_the_depth_of_a_proxy_holds_no_value_between_two_surfaces(desk: ViewDesk, tmp_path: Path) -> None:
    shot = make_scene(tmp_path)
    preview(desk, shot, scale=0.3)
    assert desk._open is not None
    proxy = desk._open.proxy(FIRST, 0.3, DepthLimits(2.0, np.inf), lambda: None)
    assert proxy.disparity.shape == (14, 19)
    assert not ((proxy.disparity > 0.4) & (proxy.disparity < 0.95)).any()


def test_a_proxy_has_the_matte_and_the_depth_that_it_cuts(desk: ViewDesk, tmp_path: Path) -> None:
    shot = make_scene(tmp_path)
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[10:39, 10:31] = 1  # the card is two pixels less on every side in the depth
    write_exr(tmp_path / "matte.exr", alpha[:, :, None], ("A",))
    preview(desk, shot)
    shot["matte"] = {"path": str(tmp_path / "matte.exr")}
    assert preview(desk, shot, scale=1.0)["scale"] == 1.0
    proxy = desk._open.proxy(FIRST, 1.0, DepthLimits(2.0, np.inf), lambda: None)
    assert proxy.coverage is not None
    np.testing.assert_array_equal(proxy.coverage, alpha)
    np.testing.assert_array_equal(proxy.disparity > 0.9, alpha == 1)
    assert sample(desk, shot, 10.5, 10.5)["disparity"] == pytest.approx(1.0)


def test_a_dragged_focus_reads_no_file_again(desk: ViewDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shot = make_scene(tmp_path)
    shot["focus"] = {"keys": [{"frame": FIRST, "pixel": [20, 24]}]}
    preview(desk, shot)
    reads: list[int] = []
    read = Inputs.read
    monkeypatch.setattr(Inputs, "read", lambda inputs, frame: reads.append(frame) or read(inputs, frame))
    shot["blur"] = {"keys": [{"frame": FIRST, "value": 5.0}]}
    assert preview(desk, shot)["strength"] == 5.0
    assert preview(desk, {**shot, "focus": {"keys": [{"frame": FIRST, "disparity": 0.2}]}})["focus"] == 0.2
    assert reads == []
    preview(desk, shot, FIRST + 1)
    assert reads == [FIRST + 1]


def test_depth_limits_are_looked_for_once_and_a_host_is_told(desk: ViewDesk, tmp_path: Path) -> None:
    shot = make_scene(tmp_path, 3)
    del shot["depth"]["near"]
    first, second = (Asked(Preview(shot=shot, frame=frame)) for frame in (FIRST, FIRST + 2))
    desk.work(first.job)
    assert [event["event"] for event in first.told] == ["searching"] * 3 + ["limits"]
    desk.work(second.job)
    assert second.told == []
    assert sample(desk, shot, 20, 24)["limits"]["near"] == pytest.approx(2.0, rel=1e-3)


def test_files_that_are_rendered_again_are_read_again(desk: ViewDesk, tmp_path: Path) -> None:
    shot = make_scene(tmp_path)
    del shot["depth"]["near"]
    assert sample(desk, shot, 20, 24)["distance"] == pytest.approx(2.0)
    before = read_exr(Path(preview(desk, shot)["path"]))
    make_scene(tmp_path, near=4.0)
    assert sample(desk, shot, 20, 24)["distance"] == pytest.approx(4.0)
    assert sample(desk, shot, 20, 24)["limits"]["near"] == pytest.approx(4.0, rel=1e-3)
    assert not np.array_equal(read_exr(Path(preview(desk, shot)["path"])), before)


def test_a_frame_that_came_later_is_seen(desk: ViewDesk, tmp_path: Path) -> None:
    shot = make_scene(tmp_path, 1)
    preview(desk, shot)
    with pytest.raises(RackfocusError, match="1002 is not in the shot"):
        preview(desk, shot, FIRST + 1)
    make_scene(tmp_path, 2)
    assert preview(desk, shot, FIRST + 1)["width"] == 16


def test_a_sample_is_the_depth_under_the_point_and_normalised_depth_has_no_distance(
    desk: ViewDesk, tmp_path: Path
) -> None:
    shot = make_scene(tmp_path)
    assert sample(desk, shot, 20.5, 24.5) == {
        "disparity": pytest.approx(1.0),
        "distance": pytest.approx(2.0),
        "limits": {"near": 2.0, "far": None},
    }
    shot["depth"] = {**shot["depth"], "convention": "far1", "near": 0.0, "far": 20.0}
    made = sample(desk, shot, 50.5, 8.5)
    assert made["distance"] is None
    assert made["disparity"] == pytest.approx(1 - 7 / 20)
    with pytest.raises(RackfocusError, match="-5"):
        sample(desk, shot, -5, 8)


@pytest.mark.parametrize(
    ("further", "code", "words"),
    [
        ({"region": [500, 0, 600, 10]}, "shot", "shows nothing"),
        ({"region": [30, 0, 20, 10]}, "shot", "shows nothing"),
        ({"path": "/tmp/look.png"}, "media.format", ".exr"),
        ({"frame": 7}, "shot", "not in the shot"),
    ],
)
def test_what_cannot_be_shown_is_said(
    desk: ViewDesk, tmp_path: Path, further: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(RackfocusError, match=words) as caught:
        preview(desk, make_scene(tmp_path), **{"frame": FIRST, **further})
    assert caught.value.code == code


def test_a_preview_never_lies_over_the_shot_s_own_files(desk: ViewDesk, tmp_path: Path) -> None:
    shot = make_scene(tmp_path)
    shot["plate"]["path"] = str(tmp_path / "plate" / f"plate.{FIRST}.exr")
    shot["plate"]["frames"] = str(FIRST)
    with pytest.raises(RackfocusError) as caught:
        preview(desk, shot, path=shot["plate"]["path"])
    assert caught.value.code == "output.exists"
    shot["matte"] = {"path": str(tmp_path / "matte.exr")}
    with pytest.raises(RackfocusError) as caught:
        preview(desk, shot, path=shot["matte"]["path"])
    assert caught.value.code == "output.exists"


def test_a_host_s_own_path_is_written_whole_and_in_its_folder(desk: ViewDesk, tmp_path: Path) -> None:
    path = tmp_path / "new" / "look.exr"
    assert preview(desk, make_scene(tmp_path), path=str(path))["path"] == str(path)
    assert header(path)
    assert [file.name for file in path.parent.iterdir()] == ["look.exr"]


def test_only_the_last_previews_are_kept_and_none_after_the_end(desk: ViewDesk, tmp_path: Path) -> None:
    shot = make_scene(tmp_path)
    made = [Path(preview(desk, shot)["path"]) for _ in range(viewing.KEPT + 3)]
    assert [path.exists() for path in made] == [False] * 3 + [True] * viewing.KEPT
    desk.close()
    assert not made[-1].parent.exists()


def test_previews_that_a_killed_worker_left_are_removed_by_the_next(desk: ViewDesk, tmp_path: Path) -> None:
    own = Path(preview(desk, make_scene(tmp_path))["path"]).parent
    left = own.with_name(own.name.replace(f"-{os.getpid()}-", "-999999999-"))
    left.mkdir()
    preview(ViewDesk(Kernels()), make_scene(tmp_path))
    assert not left.exists()
    assert own.exists()


def test_an_any_to_bokeh_shot_is_previewed_by_optics_and_says_so(desk: ViewDesk, tmp_path: Path) -> None:
    shot = make_scene(tmp_path)
    shot["renderer"] = {"name": "any-to-bokeh"}
    assert preview(desk, shot)["renderer"] == "optical"


def test_a_preview_that_is_replaced_is_broken_off_but_its_search_for_limits_is_not(
    desk: ViewDesk, tmp_path: Path
) -> None:
    shot = make_scene(tmp_path, 3)
    del shot["depth"]["near"]
    asked = Asked(Preview(shot=shot, frame=FIRST))
    asked.job.notify = lambda _event: asked.job.replace()  # with the first word of the search
    with pytest.raises(CancelledError):
        desk.work(asked.job)
    assert isinstance(asked.answers[0], Fault)
    assert asked.answers[0].data == {"code": "cancelled", "replaced": True}
    again = Asked(Preview(shot=shot, frame=FIRST))
    desk.work(again.job)
    assert again.told == []


def test_a_preview_that_is_cancelled_stops_at_once(desk: ViewDesk, tmp_path: Path) -> None:
    asked = Asked(Preview(shot=make_scene(tmp_path), frame=FIRST))
    asked.job.cancel()
    with pytest.raises(CancelledError):
        desk.work(asked.job)
    late = Asked(Preview(shot=make_scene(tmp_path), frame=FIRST, scale=1.0))
    late.job.halted_by = lambda halt: (Job.halted_by(late.job, halt), late.job.cancel())  # type: ignore[method-assign,assign,func-returns-value]
    with pytest.raises(CancelledError):
        desk.work(late.job)
    assert threading.active_count() < 50


@pytest.mark.parametrize(
    "way", ["the frame's own name", "through a linked folder", "the depth's", "through the folder above", "the matte's"]
)
def test_a_preview_never_replaces_a_file_that_the_shot_reads(desk: ViewDesk, tmp_path: Path, way: str) -> None:
    shot = make_scene(tmp_path)
    plate, depth = (tmp_path / name / f"{name}.{FIRST}.exr" for name in ("plate", "depth"))
    (tmp_path / "again").symlink_to(tmp_path / "plate")
    shot["matte"] = {"path": str(tmp_path / "matte.%04d.exr")}
    write_exr(tmp_path / f"matte.{FIRST}.exr", np.zeros((HEIGHT, WIDTH, 1), np.float32), ("A",))
    path = {
        "the frame's own name": plate,
        "through a linked folder": tmp_path / "again" / plate.name,
        "the depth's": depth,
        "through the folder above": tmp_path / "depth" / ".." / "plate" / plate.name,
        "the matte's": tmp_path / f"matte.{FIRST}.exr",
    }[way]
    before = path.read_bytes()
    with pytest.raises(RackfocusError, match="would be lost"):
        preview(desk, shot, path=str(path))
    assert path.read_bytes() == before
