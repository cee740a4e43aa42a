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
    assert list(report.milliseconds) == ["encode", "CLIP", "U-Net", "decode", "transfer"]
    assert all(value > 0 for value in report.milliseconds.values())
    assert report.total == pytest.approx(sum(report.milliseconds.values()))


def test_the_floor_is_the_arithmetic_at_the_measured_rate(report: NetworkSpeedReport) -> None:
    assert report.floor == pytest.approx(report.teraflop / report.matrix_rate * 1000)
    assert json.loads(report.to_json())["floor"] == report.floor
    assert {row[0]: row[1] for row in report.rows()}["total"] == f"{report.total:.2f}"


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(DeviceError):
        run_network_speed(NetworkSpeedOptions("tiny", AnyToBokehOptions(device="cuda:31")))
