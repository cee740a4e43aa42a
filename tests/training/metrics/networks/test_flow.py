from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import CorruptWeightsError, DependencyError, FormatError, MissingWeightsError, WeightsError
from training.metrics import FlowDifference

pytest.importorskip("torch")
from tests.training.metrics.networks.scripts import LastOfTwo, OneOfFour, scripted
from training.metrics.networks import DisFlow, ScriptedFlow

cv2 = pytest.importorskip("cv2")


def texture(shift_x: float = 0, shift_y: float = 0) -> np.ndarray:
    """Smooth waves, moved right and down."""
    y, x = np.mgrid[0:96, 0:128].astype(np.float64)
    x, y = x - shift_x, y - shift_y
    grey = 0.5 + 0.2 * np.sin(0.35 * x + 0.1 * y) + 0.2 * np.cos(0.3 * y - 0.13 * x) + 0.08 * np.sin(0.9 * x + 0.7 * y)
    return np.repeat(grey[..., None], 3, axis=-1).astype(np.float32)


@pytest.mark.parametrize(("right", "down"), [(2.0, 0.0), (0.0, -1.5), (-1.0, 2.5)])
def test_dis_finds_how_far_a_texture_went_to_the_right_and_down(right: float, down: float) -> None:
    flow = DisFlow()(texture(), texture(right, down))[16:-16, 16:-16]
    assert flow[..., 0].mean() == pytest.approx(right, abs=0.15)
    assert flow[..., 1].mean() == pytest.approx(down, abs=0.15)


def test_a_shot_that_is_a_pixel_a_frame_too_fast_in_one_direction_differs_by_half() -> None:
    difference, none = FlowDifference(DisFlow()), FlowDifference(DisFlow())
    for frame in range(3):
        difference.add(texture(3.0 * frame), texture(2.0 * frame))
        none.add(texture(2.0 * frame), texture(2.0 * frame))
    assert difference.mean == pytest.approx(0.5, abs=0.1)
    assert none.mean == 0


def test_dis_gives_the_same_flow_again_whatever_it_saw_between() -> None:
    flow = DisFlow()
    first = flow(texture(), texture(1.5))
    flow(texture(1.0, 1.0), texture(5.0))
    assert np.array_equal(flow(texture(), texture(1.5)), first)


def test_dis_refuses_pictures_that_are_too_small() -> None:
    with pytest.raises(FormatError, match="128x12; flow by DIS needs 16x16"):
        DisFlow()(texture()[:12], texture()[:12])


def test_without_opencv_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(DependencyError, match=r"opencv-python-headless; install the extra"):
        DisFlow()


def test_a_scripted_network_gets_pictures_from_minus_one_to_one_and_its_last_answer_counts(tmp_path: Path) -> None:
    flow = ScriptedFlow(scripted(LastOfTwo(), tmp_path / "raft.pt"))
    first, second = np.random.default_rng(2).random((2, 13, 21, 3), dtype=np.float32)
    found = flow(first, second)
    assert flow.name == "RAFT"
    assert found.shape == (13, 21, 2)
    assert found[..., 0] == pytest.approx(first[..., 0] * 2 - 1)
    assert found[..., 1] == pytest.approx(second[..., 1] * 2 - 1)


def test_a_scripted_network_that_is_none_for_flow_is_refused(tmp_path: Path) -> None:
    picture = np.zeros((16, 16, 3), np.float32)
    wrong = ScriptedFlow(scripted(OneOfFour(), tmp_path / "four.pt"))
    with pytest.raises(WeightsError, match=r"four\.pt: the network answered with a tensor \(1, 4, 16, 16\), not flow"):
        wrong(picture, picture)
    with pytest.raises(MissingWeightsError, match="No such file"):
        ScriptedFlow(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("weights")
    with pytest.raises(CorruptWeightsError, match=r"text\.pt: is no TorchScript file"):
        ScriptedFlow(tmp_path / "text.pt")
