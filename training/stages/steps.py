"""What one step of each stage of training computes (Any-to-Bokeh, section 3.4).

| stage | trains | on | loss |
|---|---|---|---|
| 0 | the autoencoder, but for its skips | pictures, refocused pictures, defocus maps | L1, texture, divergence |
| 1 | the U-Net | the refocused clip's latents | squared error |
| 2 | its temporal layers, past disturbed disparity | the same | the same |
| 3 | the decoder in space, and the skips | the refocused clip | L1, texture |

Stage 0 is ours. The paper starts from Stable Video Diffusion, whose autoencoder can see; random ones must learn to. It
keeps the skips out, past which a decoder would give every picture back without a look at the latents.

What is not trained stands still by every bit: it takes no gradient, so no optimizer touches it. That holds too for what
a trained network never reads, a tenth of the U-Net; the published scripts let those weights decay.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn

from engine.errors import TrainingError, require
from engine.networks.image_encoder import ImageEncoder
from engine.networks.skeleton import UNET
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE, posterior_mode, posterior_sample
from engine.runtime.behaviour import MOTION_BUCKET, NOISE_AUGMENTATION, PAPER, Behaviour
from training.stages.configuration import StageSettings
from training.stages.losses import divergence_from_normal, latent_error, picture_error, texture_error

__all__ = ["Batch", "StageStep", "TrainingNetworks", "stage_step", "training_behaviour"]

Batch = Mapping[str, Tensor]
"""What ``ClipWindows`` gives, with B before each shape."""

_AS_PUBLISHED: Final = Behaviour(
    mpi_masks="off",
    mask_exponent=1.0,
    clip_input="normalised",
    fps_id=7,
    strength_embedding="training",
    ramp="released",
)
"""What the published training tells the networks; the published program tells them other things."""


@dataclass(frozen=True, eq=False)
class TrainingNetworks:
    """The three networks, in float32."""

    unet: AnyToBokehUNet
    vae: AnyToBokehVAE
    image_encoder: ImageEncoder


def training_behaviour(profile: Literal["paper", "released"]) -> Behaviour:
    """What the networks are told in training: by the paper, or as its published scripts do.

    Both bring colours to CLIP's own and tell 7 frames a second. ``released`` has no masks, and differs from the
    program's own profile of that name as the scripts differ from the program (see ``engine.runtime.behaviour``).
    """
    return PAPER if profile == "paper" else _AS_PUBLISHED


def stage_step(
    stage: int, networks: TrainingNetworks, settings: StageSettings, behaviour: Behaviour = PAPER
) -> StageStep:
    """The step of a stage. It takes the networks over: sets what of them is trained, and how.

    Args:
        stage: 0 to 3.
        networks: on one device; what is trained changes in place.
        settings: of the stage.
        behaviour: the same that the batches were made for.

    Raises:
        TrainingError: there is no such stage.
    """
    require(stage in _STEPS, TrainingError, f"there is no stage {stage}; give one of {', '.join(map(str, _STEPS))}")
    return _STEPS[stage](networks, settings, behaviour)


class StageStep(nn.Module):
    """From a batch to the losses of a stage. What it computes with are its submodules, so that it can be wrapped.

    Attributes:
        unet, vae, image_encoder: the networks.
        settings: of the stage.
        behaviour: what the networks are told.
    """

    def __init__(self, networks: TrainingNetworks, settings: StageSettings, behaviour: Behaviour) -> None:
        super().__init__()
        self.unet = networks.unet
        self.vae = networks.vae
        self.image_encoder = networks.image_encoder
        self.settings = settings
        self.behaviour = behaviour
        self.unet.gradient_checkpointing = self.vae.gradient_checkpointing = settings.checkpointing
        self._trained = frozenset(self._names_of_trained())
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name in self._trained)
        self.train()

    @abstractmethod
    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The losses, each a number; ``total`` is what is made small."""

    @abstractmethod
    def _names_of_trained(self) -> list[str]:
        """Parameters that the stage trains."""

    @torch.no_grad()
    def picture(self, batch: Batch) -> Tensor:
        """What the networks make of a batch, for a person to look at: (B, T, 3, H, W), about 0 to 1, not clamped."""
        made, skips = self._refocus(batch, with_skips=True)
        return self.vae.decode(made / self.vae.config.scaling_factor, skips) / 2 + 0.5

    def trained_parameters(self) -> dict[str, nn.Parameter]:
        """What the stage trains, by name, such as ``unet.conv_in.weight``; every one of them gets a gradient."""
        return {name: parameter for name, parameter in self.named_parameters() if name in self._trained}

    def train(self, mode: bool = True) -> StageStep:
        """As of any module, but a network of which nothing is trained stays in eval mode."""
        super().train(mode)
        for name, network in self.named_children():
            network.train(mode and any(trained.startswith(f"{name}.") for trained in self._trained))
        return self

    def _encode(self, pictures: Tensor, with_skips: bool = False) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Moments (F, 8, h, w), and skips if wanted, of pictures (B, T, 3, H, W) from 0 to 1."""
        # Frozen or not, in full precision where the autoencoder's own configuration asks for it.
        with torch.autocast(pictures.device.type, enabled=_is_autocast(pictures) and not self.vae.config.force_upcast):
            return self.vae.encode(pictures.flatten(0, 1) * 2 - 1, with_skips=with_skips)

    def _latents(self, moments: Tensor, windows: int) -> Tensor:
        """Scaled latents (B, T, 4, h, w), as the settings draw them."""
        moments = moments.float()
        if self.settings.posterior == "mode":
            latents = posterior_mode(moments)
        else:
            latents = posterior_sample(moments, torch.randn_like(posterior_mode(moments)))
        return torch.unflatten(latents * self.vae.config.scaling_factor, 0, (windows, -1))

    def _refocus(self, batch: Batch, with_skips: bool = False) -> tuple[Tensor, tuple[Tensor, ...]]:
        """What the U-Net makes of a batch, scaled latents (B, T, 4, h, w), and the pictures' skips if wanted."""
        windows = batch["picture"].shape[0]
        with torch.no_grad():
            moments, skips = self._encode(batch["picture"], with_skips)
            of_defocus, _ = self._encode(_as_pictures(batch["defocus"]))
            latents = torch.cat([self._latents(moments, windows), self._latents(of_defocus, windows)], 2)
            normalised = self.behaviour.clip_input == "normalised"
            context = self.image_encoder(batch["picture"].flatten(0, 1), normalised)
        told = latents.new_tensor([self.behaviour.fps_id, MOTION_BUCKET, NOISE_AUGMENTATION])
        made = self.unet(
            latents,
            torch.unflatten(context, 0, (windows, -1)),
            batch["strength_embedding"],
            told.expand(windows, -1),
            batch["regions"] if self._masks else None,
        )
        return made, skips

    @property
    def _masks(self) -> bool:
        return self.behaviour.mpi_masks == "threshold"

    def _read_by_unet(self) -> list[str]:
        """Parameters that the U-Net reads."""
        # The network itself knows: what a copy without memory still has after it let go of the rest.
        live = UNET.skeleton(self.unet.config)
        live.drop_dead_weights(self._masks)
        return [f"unet.{name}" for name, _ in live.named_parameters()]

    def _read_by_autoencoder(self) -> list[str]:
        """Parameters that the autoencoder reads."""
        # Attention stands between two residual blocks; diffusers makes it in a decoder of one, too.
        middle = self.vae.decoder.mid_block
        unread = tuple(
            f"decoder.mid_block.attentions.{place}." for place in range(len(middle.resnets) - 1, len(middle.attentions))
        )
        return [f"vae.{name}" for name, _ in self.vae.named_parameters() if not name.startswith(unread)]

    def _picture_losses(self, made: Tensor, wanted: Tensor) -> dict[str, Tensor]:
        """Of pictures (..., 3, H, W) from -1 to 1."""
        losses = {"l1": picture_error(made, wanted)}
        if self.settings.texture_weight:
            losses["texture"] = texture_error(made, wanted, self.settings.texture)
        return losses


class _AutoencoderStep(StageStep):
    """Stage 0: pictures through the latents and back."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``l1 + texture_weight * texture + kl_weight * divergence``."""
        pictures = torch.cat([batch["picture"], batch["target"], _as_pictures(batch["defocus"])])
        given_back, moments = self._give_back(pictures)
        losses = self._picture_losses(given_back, pictures * 2 - 1)
        losses["divergence"] = divergence_from_normal(moments)
        return _summed(losses, texture=self.settings.texture_weight, divergence=self.settings.kl_weight)

    @torch.no_grad()
    def picture(self, batch: Batch) -> Tensor:
        """The refocused clip, given back by the autoencoder."""
        return self._give_back(batch["target"])[0] / 2 + 0.5

    def _give_back(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures through the latents, from -1 to 1, and the moments of these."""
        moments, skips = self._encode(pictures, with_skips=True)
        latents = self._latents(moments, pictures.shape[0]) / self.vae.config.scaling_factor
        silent = [skip.new_zeros(()).expand_as(skip) for skip in skips]
        return self.vae.decode(latents, silent), moments

    def _names_of_trained(self) -> list[str]:
        return [name for name in self._read_by_autoencoder() if ".skip_conv_" not in name]


class _UNetStep(StageStep):
    """Stage 1: the latents of the refocused clip from those of the sharp one."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``latent``, the mean squared error of scaled latents."""
        made, _ = self._refocus(batch)
        with torch.no_grad():
            wanted = self._latents(self._encode(batch["target"])[0], made.shape[0])
        return _summed({"latent": latent_error(made, wanted)})

    def _names_of_trained(self) -> list[str]:
        return self._read_by_unet()


class _TemporalStep(_UNetStep):
    """Stage 2: only the layers along time, to be steady where the disparity is not."""

    def _names_of_trained(self) -> list[str]:
        return [name for name in self._read_by_unet() if "temporal" in name]


class _DecoderStep(StageStep):
    """Stage 3: the refocused clip from what the U-Net makes, with the sharp clip's own detail past the latents."""

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """``l1 + texture_weight * texture``."""
        with torch.no_grad():
            refocused, skips = self._refocus(batch, with_skips=True)
        made = self.vae.decode(refocused / self.vae.config.scaling_factor, skips)
        losses = self._picture_losses(made, batch["target"] * 2 - 1)
        return _summed(losses, texture=self.settings.texture_weight)

    def _names_of_trained(self) -> list[str]:
        decoder = [name for name in self._read_by_autoencoder() if name.startswith("vae.decoder.")]
        return [name for name in decoder if "temporal" not in name and "time" not in name]


_STEPS: Final[Mapping[int, type[StageStep]]] = {0: _AutoencoderStep, 1: _UNetStep, 2: _TemporalStep, 3: _DecoderStep}


def _summed(losses: dict[str, Tensor], **weights: float) -> dict[str, Tensor]:
    """The losses with their weighted sum, ``total``; a loss without a weight has that of 1."""
    total = torch.stack([loss * weights.get(name, 1.0) for name, loss in losses.items()]).sum()
    return {**losses, "total": total}


def _as_pictures(maps: Tensor) -> Tensor:
    """Grey pictures (B, T, 3, H, W) of maps (B, T, H, W)."""
    return maps[:, :, None].expand(-1, -1, 3, -1, -1)


def _is_autocast(like: Tensor) -> bool:
    return torch.is_autocast_enabled(like.device.type)
