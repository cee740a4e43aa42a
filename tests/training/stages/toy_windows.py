"""Windows of one number; apart from the networks, so that a process that reads them starts sooner."""

from __future__ import annotations

import torch
from torch import Tensor


class ToyWindows:
    """Windows of a number each, which says epoch and index; ``broken`` ones, by their epoch, are not finite."""

    def __init__(self, count: int, broken: range = range(0)) -> None:
        self.count, self.broken, self.epoch = count, broken, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        value = float("nan") if self.epoch in self.broken else float(100 * self.epoch + index)
        return {"picture": torch.full((2, 3), value)}

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
