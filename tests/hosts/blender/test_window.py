"""The add-on in a real window of Blender, on a screen that nobody looks at."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO
import pytest

from tests.hosts.blender.hosts import find, install, virtual_screen
from tests.hosts.blender.test_blender import write

pytestmark = pytest.mark.slow  # a window, drawn by the processor

Facts = dict[str, Any]
NEAR, FAR = 2.0, 20.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The add-on, and a plate of 30 frames with two walls; the left one is near."""
    made = tmp_path_factory.mktemp("window")
    install(made)
    (made / "files").mkdir()
    noise = np.random.default_rng(1).random((180, 320, 3), dtype=np.float32)
    depth = np.full((180, 320, 1), FAR, np.float32)
    depth[:, :160] = NEAR
    for frame in range(1, 31):
        write(made / "files" / f"plate.{frame:04d}.exr", np.concatenate([noise, depth], 2), "RGBZ")
    return made


@pytest.fixture(scope="module")
def told(folder: Path) -> Facts:
    host = find("program")
    if host is None or shutil.which("Xvfb") is None:
        pytest.skip("needs blender and Xvfb on PATH")
    with virtual_screen() as variables:
        return host.in_window().run("window.py", folder, **variables)


def test_the_panel_is_drawn_and_what_is_closed_stays_closed(told: Facts) -> None:
    assert told["drawn"] == ["FocusSection", "MainSection", "OutputSection", "PlateSection"]


def test_render_goes_to_its_end_and_a_second_press_starts_no_other(told: Facts) -> None:
    assert told["answers"] == ["RUNNING_MODAL", "CANCELLED"]
    assert told["rendered"].startswith("30 frames in ")
    assert told["files"] == 30
    assert told["node"]


def test_esc_stops_a_render(told: Facts) -> None:
    assert told["stopped"].startswith("stopped; ")


def test_a_preview_is_shown_where_nothing_was(told: Facts) -> None:
    said, shown = told["preview"]
    assert said.startswith("frame 1, 160 x 90 in ")
    assert shown == "Rackfocus Preview"


def test_a_click_on_the_picture_focuses_there_and_one_elsewhere_does_not(told: Facts) -> None:
    assert told["picked"].startswith("focus at distance 2")
    assert told["distance"] == pytest.approx(NEAR, abs=1e-4)
    assert told["refused"].startswith("click on the picture")


def test_the_window_can_be_looked_at(told: Facts, folder: Path) -> None:
    assert told["files"]
    seen = OpenImageIO.ImageBuf(str(folder / "window.png")).get_pixels()
    assert seen.shape[0] > 500
    assert seen[..., :3].std() > 0.05
