"""Timing the networks: that it measures what it says, not how fast this machine is."""

from __future__ import annotations

import json

import pytest

from engine.errors import DeviceError
from engine.shot import AnyToBokehOptions
from training.benchmark.networks import NetworkSpeedOptions, NetworkSpeedReport, run_network_speed


@pytest.fixture(scope="module")
def report() -> NetworkSpeedReport:
    renderer = AnyToBokehOptions(device="cpu", overlap=1, decode_window=2)
    return run_network_speed(NetworkSpeedOptions("tiny", renderer, 64, 64, repeats=1, warm=0))


def test_every_part_of_an_output_frame_is_timed(report: NetworkSpeedReport) -> None:
    (speed,) = report.speeds
    assert list(speed.milliseconds) == ["encode", "CLIP", "U-Net", "decode", "transfer"]
    assert all(value > 0 for value in speed.milliseconds.values())
    assert speed.total == pytest.approx(sum(speed.milliseconds.values()))


def test_the_floor_is_the_arithmetic_at_the_measured_rate(report: NetworkSpeedReport) -> None:
    assert report.floor == pytest.approx(report.teraflop / report.matrix_rate * 1000)
    assert json.loads(report.to_json())["floor"] == report.floor
    assert {row[0]: row[1] for row in report.rows()}["total"] == f"{report.speeds[0].total:.2f}"


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceError):
        run_network_speed(NetworkSpeedOptions("tiny", AnyToBokehOptions(device="cuda:31")))
