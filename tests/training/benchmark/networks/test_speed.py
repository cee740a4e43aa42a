"""Timing the networks: that it measures what it says, not how fast this machine is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import CorruptWeightsError, DeviceError, MissingWeightsError, WeightsError
from engine.shot import AnyToBokehOptions
from tests.engine.runtime.onnx.toys import edit_manifest, make_export
from training.benchmark.networks import NetworkSpeedOptions, NetworkSpeedReport, run_network_speed

PARTS = ["encode", "CLIP", "U-Net", "decode", "transfer"]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Graphs of a few operators that say to be of the tiny preset."""
    return make_export(tmp_path_factory.mktemp("toys") / "export", masks="threshold", context=32)


@pytest.fixture(scope="module")
def report(export: Path) -> NetworkSpeedReport:
    renderer = AnyToBokehOptions(device="cpu", overlap=1, decode_window=2, weights=str(export))
    return run_network_speed(NetworkSpeedOptions(None, renderer, 64, 64, repeats=1, warm=0))


def test_every_part_of_an_output_frame_is_timed_in_every_runtime(report: NetworkSpeedReport) -> None:
    assert [speed.runtime for speed in report.speeds] == ["torch", "onnx"]
    for speed in report.speeds:
        assert list(speed.milliseconds) == PARTS
        assert all(value > 0 for value in speed.milliseconds.values())
        assert speed.total == pytest.approx(sum(speed.milliseconds.values()))
        assert speed.peak_memory >= 0
        assert speed.notes == ()
    assert report.skipped == {}


def test_torch_takes_precision_and_masks_of_the_export_it_is_compared_with(report: NetworkSpeedReport) -> None:
    assert [speed.precision for speed in report.speeds] == ["fp32", "fp32"]
    assert report.rows()[0][1:] == ("torch fp32 on cpu", "onnx fp32 on cpu")
    assert report.setting == "tiny, 64x64, masks on"


def test_the_floor_is_arithmetic_and_bytes_at_the_measured_rates(report: NetworkSpeedReport) -> None:
    said = {row[0]: row[1] for row in report.rows()}
    speed = report.speeds[0]
    assert report.arithmetic(speed) == pytest.approx(report.teraflop / speed.rates.matrix * 1000)
    assert report.movement(speed) == pytest.approx(report.traffic * 4 / speed.rates.bandwidth * 1000)
    assert report.floor(speed) == max(report.arithmetic(speed), report.movement(speed))
    assert said["total"] == f"{speed.total:.2f}"
    assert said["share of the floor, %"] == f"{100 * report.floor(speed) / speed.total:.0f}"


def test_machines_get_all_that_people_see(report: NetworkSpeedReport) -> None:
    said = json.loads(report.to_json())["speeds"][1]
    assert said["milliseconds"].keys() == set(PARTS)
    assert {"runtime", "version", "precision", "device", "total", "peak_memory", "rates", "floor"} <= said.keys()
    assert said["floor"].keys() == {"arithmetic", "bytes"}


def test_a_device_that_no_runtime_has_is_refused_with_each_reason() -> None:
    with pytest.raises(DeviceError, match=r"torch: there is no device cuda:31.*onnx: no export is given"):
        run_network_speed(NetworkSpeedOptions("tiny", AnyToBokehOptions(device="cuda:31")))


def test_without_an_export_the_error_says_how_to_make_one() -> None:
    with pytest.raises(
        MissingWeightsError, match=r"weights init --preset tiny .* rackfocus export .* --weights EXPORT"
    ):
        run_network_speed(NetworkSpeedOptions("tiny", AnyToBokehOptions(runtime="onnx")))


def test_an_export_of_other_networks_is_not_compared(export: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not of the preset small"):
        run_network_speed(NetworkSpeedOptions("small", AnyToBokehOptions(weights=str(export))))
    other = make_export(tmp_path / "other", context=7)
    with pytest.raises(WeightsError, match="not of any preset"):
        run_network_speed(NetworkSpeedOptions(None, AnyToBokehOptions(weights=str(other))))
    edit_manifest(other, size="large")
    with pytest.raises(CorruptWeightsError, match="size"):
        run_network_speed(NetworkSpeedOptions(None, AnyToBokehOptions(weights=str(other))))
