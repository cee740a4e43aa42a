"""What the networks are told and how: the two profiles, and each of their differences by name.

| | released | paper | source |
|---|---|---|---|
| ``mpi_masks`` | off | threshold | the published U-Net passes zeros in place of every mask; equation 2 |
| ``mask_exponent`` | 1.5 | 1.0 | ``h_i = (i / N) ^ (1 / d_f ^ e)``: published inference; equation 2 |
| ``clip_input`` | plain | normalised | the published inference forgets what its training does |
| ``fps_id`` | 6 | 7 | the published inference subtracts one, its training does not |
| ``strength_embedding`` | half | exact | the published inference computes the phases in half precision |
| ``ramp`` | released | centred | see ``engine.wois.Ramp`` |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from engine.shot import AnyToBokehOptions

__all__ = ["MOTION_BUCKET", "NOISE_AUGMENTATION", "PAPER", "RELEASED", "Behaviour"]

MOTION_BUCKET: Final = 127
"""Second of the three numbers that Stable Video Diffusion is told; the published code never changes it."""

NOISE_AUGMENTATION: Final = 0.0
"""Third of them."""


@dataclass(frozen=True)
class Behaviour:
    """A profile with all its options settled.

    Attributes:
        mpi_masks: ``threshold`` lets MPI attention see the tokens of the depth planes, by equation 2; ``off`` lets it
            see none, which is what the published program does.
        mask_exponent: e of ``h_i = (i / N) ^ (1 / d_f ^ e)``.
        clip_input: whether colours are brought to CLIP's own mean and deviation.
        fps_id: first of the three numbers that Stable Video Diffusion is told.
        strength_embedding: how the phases of K are computed: all in half precision, as in training (frequencies from
            half-precision exponents, the rest in single), or exactly.
        ramp: how weight passes from a window to the next.
    """

    mpi_masks: Literal["off", "threshold"]
    mask_exponent: float
    clip_input: Literal["plain", "normalised"]
    fps_id: int
    strength_embedding: Literal["half", "training", "exact"]
    ramp: Literal["released", "centred"]

    @classmethod
    def of(cls, options: AnyToBokehOptions) -> Behaviour:
        """The profile that the options name, with what they say otherwise."""
        profile = RELEASED if options.profile == "released" else PAPER
        said = {name: getattr(options, name) for name in cls.__dataclass_fields__}
        return cls(**{name: getattr(profile, name) if value is None else value for name, value in said.items()})


RELEASED: Final = Behaviour("off", 1.5, "plain", 6, "half", "released")
PAPER: Final = Behaviour("threshold", 1.0, "normalised", 7, "exact", "centred")
