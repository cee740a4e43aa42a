"""Networks whose answers are known: an exact autoencoder around a U-Net that gives back what it is given."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.errors import CancelledError
from engine.frames import Float32Array
from engine.runtime import EncodedFrame, NetworkInput


@dataclass
class IdealNetworks:
    """Gives every picture back.

    Attributes:
        size: the model's size.
        encoded: index of every frame that was encoded, in order.
        inputs: what the networks were told, by index; only kept when asked.
    """

    size: tuple[int, int] = (256, 128)
    identity: str = "ideal"
    keep_inputs: bool = False
    encoded: list[int] = field(default_factory=list)
    inputs: dict[int, NetworkInput] = field(default_factory=dict)
    windows: list[list[int]] = field(default_factory=list)
    waiting_notes: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def encode(self, frame: NetworkInput) -> EncodedFrame:
        if self.stop.is_set():
            raise CancelledError("stopped")
        self.encoded.append(frame.index)
        if self.keep_inputs:
            self.inputs[frame.index] = frame
        assert frame.picture.shape[1] % 64 == 0
        assert frame.picture.shape[2] % 64 == 0
        assert frame.defocus.shape == frame.picture.shape[1:]
        assert frame.picture.min() >= 0
        assert frame.picture.max() <= 1
        assert frame.defocus.min() >= 0
        assert frame.defocus.max() <= 1
        return EncodedFrame(frame.picture, frame.index, frame.strength_embedding, frame.regions, ())

    def refocus(self, window: Sequence[EncodedFrame]) -> Sequence[Any]:
        self.windows.append([frame.context for frame in window])
        return [frame.latents for frame in window]

    def decode(self, latents: Sequence[Any], window: Sequence[EncodedFrame]) -> Sequence[Float32Array]:
        assert len(latents) == len(window)
        return [np.asarray(latent, np.float32) for latent in latents]

    def notes(self) -> tuple[str, ...]:
        notes, self.waiting_notes = tuple(self.waiting_notes), []
        return notes

    def cancel(self) -> None:
        self.stop.set()


class WindowNetworks(IdealNetworks):
    """Gives every picture back a little changed by all frames of its window, so that windows can be told apart."""

    def refocus(self, window: Sequence[EncodedFrame]) -> Sequence[Any]:
        super().refocus(window)
        together = np.float32(0.05) * np.mean([frame.latents for frame in window], axis=0, dtype=np.float32)
        return [np.clip(frame.latents * np.float32(0.95) + together, 0, 1) for frame in window]
