"""The arithmetic of an output frame."""

from __future__ import annotations

import json

import pytest

from engine.shot import AnyToBokehOptions
from training.benchmark.networks import FlopOptions, FlopReport, run_flops


@pytest.fixture(scope="module")
def full() -> FlopReport:
    return run_flops()


def test_a_frame_of_the_published_size_costs_a_third_less_than_published(full: FlopReport) -> None:
    """The least that the published function can be computed with is 21.34 and 22.73 TFLOP, windows of the decoder that
    share nothing; ours share a frame and are still below, because doubling and convolving is done in one."""
    costs = {cost.variant: cost for cost in full.costs}
    assert costs["masks off"].total <= 21.4
    assert costs["masks on"].total <= 22.8
    assert costs["masks on"].unet > costs["masks off"].unet
    (quoted,) = (cost for cost in full.costs if cost.quoted)
    assert costs["masks off"].total < 0.7 * quoted.total


def test_the_parts_are_those_of_the_published_networks(full: FlopReport) -> None:
    cost = full.costs[0]
    assert cost.encode == pytest.approx(2 * 2.609, rel=0.01)
    assert cost.image_encoder == pytest.approx(0.335, rel=0.01)


def test_what_is_read_and_written_is_more_than_the_weights_and_less_than_every_step(full: FlopReport) -> None:
    """Each weight of the U-Net, 1.4e9 of them, is read once for four frames. Scores of attention, which would more than
    double what the U-Net moves, stay in the kernel."""
    off, on = (cost.traffic for cost in full.costs[:2])
    assert 1.4 / 4 < off < on < 20


def test_windows_that_share_more_cost_more() -> None:
    def decode(shared: int) -> float:
        options = FlopOptions("tiny", renderer=AnyToBokehOptions(decode_overlap=shared))
        return run_flops(options).costs[0].decode or 0.0

    assert decode(4) == pytest.approx(2 * decode(0))


def test_the_table_and_the_json_say_the_same() -> None:
    report = run_flops(FlopOptions("tiny"))
    table = {row[0]: row[-1] for row in report.rows()[1:]}
    told = json.loads(report.to_json())["costs"]
    assert {cost["variant"]: f"{cost['total']:.2f}" for cost in told} == table
    assert not any(cost["quoted"] for cost in told), "the published program has only one size"
