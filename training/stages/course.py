"""The order in which a stage sees its windows: fixed by the seed, and known at every place without what went before."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from copy import deepcopy
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, get_worker_info

from training.stages.batches import start_worker

__all__ = ["Order", "Windows", "course"]

Batch = dict[str, Tensor]


class Windows(Protocol):
    """Windows of clips, drawn anew in each epoch; see ``ClipWindows``."""

    def __len__(self) -> int:
        """Windows of an epoch."""

    def __getitem__(self, index: int) -> Batch:
        """A window, without the batch's dimension."""

    def set_epoch(self, epoch: int) -> None:
        """Draw from here on as this epoch does."""


class Order(Sampler[int]):
    """Numbers of windows, each epoch in an order of its own; number n is window ``n % windows`` of epoch
    ``n // windows``.

    Args:
        windows: of an epoch.
        first: place to begin at, from 0.
        last: place to end before.
        seed: of the order.
    """

    def __init__(self, windows: int, first: int, last: int, seed: int) -> None:
        self.windows = windows
        self.first = first
        self.last = last
        self.seed = seed

    def __len__(self) -> int:
        """Places from the first to the last."""
        return self.last - self.first

    def __iter__(self) -> Iterator[int]:
        """The numbers, in order."""
        epoch, order = -1, torch.empty(0)
        for place in range(self.first, self.last):
            if place // self.windows != epoch:
                epoch = place // self.windows
                generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
                order = torch.randperm(self.windows, generator=generator)
            yield epoch * self.windows + int(order[place % self.windows])


class _EveryEpoch(Dataset[Batch]):
    """Windows of all epochs under one number, so that a process that reads them need not be told when one ends."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def __getitem__(self, number: int) -> Batch:
        epoch, index = divmod(number, len(self.windows))
        self.windows.set_epoch(epoch)
        return self.windows[index]


def course(windows: Windows, batch: int, first: int, last: int, seed: int, workers: int) -> DataLoader[Batch]:
    """Batches of windows from one place of the order to another.

    Args:
        windows: at least one.
        batch: windows of a batch.
        first, last: places, multiples of ``batch``.
        seed: of the order.
        workers: processes that read; the batches are the same however many.
    """
    return DataLoader(
        _EveryEpoch(windows),
        batch_size=batch,
        sampler=Order(len(windows), first, last, seed),
        num_workers=workers,
        # Forked processes inherit the locks of threads that they have not.
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=_start,
        pin_memory=torch.cuda.is_available(),
    )


def _start(worker: int) -> None:
    start_worker(worker)
    # Ctrl-C reaches every process of a terminal; the one that trains decides what comes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Windows may share their epoch among workers, and near its end one of them reads for the next already.
    info = get_worker_info()
    if info is not None and isinstance(info.dataset, _EveryEpoch):
        info.dataset.windows = deepcopy(info.dataset.windows)
