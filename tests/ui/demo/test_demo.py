"""The demo, small: from a scene to files, a render, a comparison and a sheet."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest

from engine.errors import CancelledError
from engine.media import PlateReader
from engine.render.report import ignore
from engine.shot import Plate, load_shot
from training.scenes import Element, Motion, Scene, SceneShot
from ui.demo import DemoResult, run_demo
from ui.demo.sheet import developed


def build() -> tuple[Element, ...]:
    rng = np.random.default_rng(1)
    back = np.ones((48, 64, 4), np.float32)
    back[:, :, :3] = rng.random((48, 64, 3)) * 0.4
    card = np.zeros((24, 24, 4), np.float32)
    card[4:20, 4:20] = (0.7, 0.3, 0.1, 1.0)
    return (
        Element(card, 0.4, Motion(0.0, 0.0, 0.8)),
        Element(back, 1.6, Motion(0.0, 0.0, 0.1), endless=True),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    scene = Scene(96, 54, build, first=1001)
    shot = SceneShot("small", scene, tuple(range(1001, 1007)), (0.8, 0.8, 0.5, 0.3, 0.1, 0.1), (6.0,) * 6)
    folder = tmp_path_factory.mktemp("demo")
    return run_demo(folder, "draft", say=lambda _: None, report=ignore, cancel=threading.Event(), scene=shot)


def test_the_demo_s_result_is_near_its_truth(made: DemoResult) -> None:
    assert made.frames == 6
    assert len(made.compared) == 4
    assert made.psnr > 25
    assert 0.9 < made.ssim <= 1


def test_the_demo_s_shot_is_keyed_where_the_focus_turns_and_can_be_rendered_again(made: DemoResult) -> None:
    shot = load_shot(made.shot)
    assert [key.frame for key in shot.focus.keys] == [1001, 1002, 1005, 1006]
    assert not Path(json.loads(Path(made.shot).read_text())["plate"]["path"]).is_absolute()


def test_the_movie_has_every_frame(made: DemoResult) -> None:
    with PlateReader(Plate(path=made.movie)) as movie:
        assert len(movie.frames) == 6
        assert movie.info.window.display_width == 96


def test_the_sheet_is_a_picture_of_five_rows(made: DemoResult) -> None:
    sheet = oiio.ImageBuf(made.sheet)
    pixels = sheet.get_pixels(oiio.FLOAT)
    assert pixels.shape[2] == 3
    assert pixels.shape[1] > 4 * 480
    assert pixels.shape[0] > 5 * 270
    assert pixels.std() > 0.05


def test_developing_keeps_mid_grey_and_never_clips_to_a_flat_colour() -> None:
    image = np.zeros((4, 8, 3), np.float32)
    image[:, :4] = 0.18
    image[:, 4:] = (40.0, 20.0, 5.0)
    shown = developed(image, 8)
    assert shown[0, 0, 0] == pytest.approx(0.461, abs=2e-3)
    assert 1 >= shown[0, 7, 0] > shown[0, 7, 1] > shown[0, 7, 2]


def test_a_demo_that_is_stopped_says_so(tmp_path: Path) -> None:
    wish = threading.Event()
    wish.set()
    with pytest.raises(CancelledError):
        run_demo(tmp_path, say=lambda _: None, report=ignore, cancel=wish)
