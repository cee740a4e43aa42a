from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import MissingWeightsError, ShotError
from tests.training.evaluation.sets import options
from training.data.clips import ClipSet
from training.evaluation import JudgeFiles, evaluate_set, parse_judges
from training.evaluation.judges import features_of
from training.evaluation.tables import main_table


def test_files_are_told_by_the_keys_of_measures(tmp_path: Path) -> None:
    file = tmp_path / "net.pt"
    file.write_bytes(b"")
    assert parse_judges(f"flow_raft={file}, fvd={tmp_path}") == JudgeFiles(flow_raft=str(file), fvd=str(tmp_path))
    assert parse_judges(None) == JudgeFiles()
    with pytest.raises(ShotError, match='cannot read "raft=x"; write some of flow_raft=FILE'):
        parse_judges("raft=x")
    with pytest.raises(MissingWeightsError, match="lpips: there is no"):
        parse_judges(f"lpips={tmp_path / 'none'}")


def test_blocks_do_not_overlap_and_a_rest_is_left() -> None:
    class Mean:
        frames = 2

        def prepare(self, picture: np.ndarray) -> np.ndarray:
            return picture[:1, :1]

        def describe(self, block: list[np.ndarray]) -> np.ndarray:
            return np.array([float(np.mean(block))])

    pictures = [np.full((4, 4, 3), value, np.float32) for value in (1, 3, 5, 7, 9)]
    assert features_of(pictures, Mean()) == ((2.0,), (6.0,))


def test_a_scripted_network_fills_its_column(tiny_clips: ClipSet, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Tones(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean(dim=(2, 3, 4))

    file = tmp_path / "tones.pt"
    torch.jit.script(Tones()).save(str(file))
    set_up = options(tiny_clips, tmp_path / "out", most_clips=1, judges=parse_judges(f"vfid_i3d={file}"))
    found = evaluate_set(set_up)
    # Six frames make no block of ten: there is nothing to compare, and the column says so.
    assert main_table(found).rows[1][3] == "-"
    assert main_table(found).rows[1][4] == "no weights"
    assert all(score.features == {"vfid_i3d": ()} for score in found.scores)
