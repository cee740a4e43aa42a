from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from engine.errors import OutputWriteError, TrainingError
from tests.small_disk import small_disk
from training.stages.checkpoints import Checkpoint, checkpoints_of, load_checkpoint, save_checkpoint


def checkpoint(step: int, stage: int = 1, size: int = 4) -> Checkpoint:
    parameters = {"a": nn.Parameter(torch.arange(float(size)) + step), "b": nn.Parameter(torch.tensor(0.1))}
    optimizer = torch.optim.AdamW(parameters.values())
    sum(parameter.sum() for parameter in parameters.values()).backward()  # type: ignore[union-attr]
    optimizer.step()
    return Checkpoint(stage, step, "stage-0", {n: p.detach() for n, p in parameters.items()}, optimizer.state_dict())


def test_what_is_kept_comes_back_bit_by_bit(tmp_path: Path) -> None:
    kept = checkpoint(3)
    found = load_checkpoint(save_checkpoint(tmp_path, kept, 1))
    assert (found.stage, found.step, found.begun_from) == (1, 3, "stage-0")
    parameters = {name: nn.Parameter(torch.zeros_like(value)) for name, value in kept.parameters.items()}
    found.put_into(parameters)
    assert all(torch.equal(parameters[name], value) for name, value in kept.parameters.items())
    again = torch.optim.AdamW(parameters.values())
    again.load_state_dict(dict(found.optimizer))
    for name, value in kept.optimizer["state"][0].items():
        assert torch.equal(again.state_dict()["state"][0][name], value)


def test_only_the_newest_of_a_stage_are_kept(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(50, stage=0), 2)
    for step in (999_999, 1, 1_000_000, 20):
        save_checkpoint(tmp_path, checkpoint(step), 4)
    assert [load_checkpoint(path).step for path in checkpoints_of(tmp_path, 1)] == [1, 20, 999_999, 1_000_000]
    save_checkpoint(tmp_path, checkpoint(1_000_001), 2)
    assert [load_checkpoint(path).step for path in checkpoints_of(tmp_path, 1)] == [1_000_000, 1_000_001]
    assert len(checkpoints_of(tmp_path, 0)) == 1


def test_on_a_full_disk_the_last_good_one_stays(tmp_path: Path) -> None:
    good = save_checkpoint(tmp_path, checkpoint(1), 1)
    held = good.read_bytes()
    with small_disk(20_000), pytest.raises(OutputWriteError, match="earlier checkpoints are kept"):
        save_checkpoint(tmp_path, checkpoint(2, size=100_000), 1)
    assert [entry.name for entry in tmp_path.iterdir()] == [good.name]
    assert good.read_bytes() == held


def test_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, checkpoint(1), 1)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(TrainingError, match=r"stage-1-000001\.pt cannot be read .* remove it"):
        load_checkpoint(path)


def test_one_of_other_networks_is_refused() -> None:
    with pytest.raises(TrainingError, match="other networks"):
        checkpoint(1).put_into({"a": nn.Parameter(torch.zeros(5)), "b": nn.Parameter(torch.tensor(0.0))})
