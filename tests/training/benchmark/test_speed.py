from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engine.frames import PlateFrame
from tests.training.benchmark.stand_ins import Missing, Sharp
from training.benchmark.contenders import Rackfocus
from training.benchmark.memory import measure_memory
from training.benchmark.plate import speed_plate
from training.benchmark.speed import SpeedOptions, SpeedReport, measure_speed
from training.peers import Rendering

OPTIONS = SpeedOptions(strengths=(8.0, 80.0), widths=(64, 128), repeats=1, memory=None)


class Square(Sharp):
    """Costs what a plain gather costs: pixels times the square of K."""

    def render(self, frames: Sequence[PlateFrame]) -> Rendering:
        rendering = super().render(frames)
        cost = frames[0].disparity.size * frames[0].strength ** 2 * 1e-8
        return Rendering(rendering.images, (cost,) * len(frames))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> SpeedReport:
    options = SpeedOptions(
        strengths=(8.0, 16.0, 80.0),
        widths=(64, 128),
        limit=20.0,
        memory=None,
        plot=tmp_path_factory.mktemp("p") / "s.svg",
    )
    return measure_speed([Square("Square"), Missing("Missing")], options)


def test_each_setting_is_a_row_and_each_renderer_a_column(report: SpeedReport) -> None:
    rows = report.rows()
    assert rows[0] == ("frame", "K", "Square")
    assert [row[:2] for row in rows[1:]] == [
        ("1024x576", "8"),
        ("1024x576", "16"),
        ("1024x576", "80"),
        ("64x36", "1.25"),
        ("128x72", "2.5"),
        ("1024x576 noisy depth", "20"),
    ]


def test_what_would_take_too_long_is_forecast_and_not_run(report: SpeedReport) -> None:
    assert [point.cpu_seconds for point in report.points[:2]] == pytest.approx([0.3775, 1.51], rel=1e-3)
    assert math.isnan(report.points[2].cpu_seconds)
    assert report.skipped["Square at 1024x576, K 80"] == "about 38 CPU seconds a frame"
    assert report.skipped["Missing"].endswith("apt install missing")


def test_the_plot_is_written_and_the_report_is_json(report: SpeedReport) -> None:
    assert report.plot is not None
    assert report.plot.read_text().startswith("<svg")
    assert json.loads(report.to_json())["points"][2]["cpu_seconds"] is None


def test_the_plate_has_the_same_depths_at_every_size() -> None:
    small, large = speed_plate(256, 144, 5.0), speed_plate(1024, 576, 20.0)
    assert small.image.shape == (144, 256, 3)
    for plate in (small, large):
        assert np.abs(plate.disparity - plate.focus).max() == pytest.approx(0.6, abs=1e-6)
    assert np.mean(small.disparity) == pytest.approx(np.mean(large.disparity), abs=2e-3)


def test_noise_moves_the_radius_by_as_much_as_it_is_asked_to() -> None:
    clean, noisy = speed_plate(256, 144, 5.0), speed_plate(256, 144, 5.0, noise=0.5)
    moved = 5.0 * (noisy.disparity - clean.disparity)
    assert np.abs(moved).max() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_array_equal(noisy.image, clean.image)


def test_our_renderer_is_timed_without_its_first_call() -> None:
    ours = Rackfocus("draft")
    here = ours.available()
    if not here.found:
        pytest.skip(here.reason)
    plates = [speed_plate(128, 72, 4.0)] * 2
    rendering = ours.render(plates)
    assert len(rendering.images) == 2
    assert rendering.images[0].shape == (72, 128, 3)
    assert rendering.cpu_seconds[0] < 2.0


def test_the_peak_of_a_frame_is_measured_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Rackfocus("draft").available()
    if not here.found:
        pytest.skip(here.reason)
    monkeypatch.chdir(tmp_path)
    point = measure_memory(256, 144, 8.0, "draft")
    assert 20.0 < point.before <= point.peak < 2000.0
