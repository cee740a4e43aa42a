"""The networks of Any-to-Bokeh in Torch: from a frame's numbers to the refocused picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple, Never, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.frames import Float32Array
from engine.networks.image_encoder import ImageEncoder
from engine.networks.presets import VAEConfig
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE, posterior_mode, posterior_sample
from engine.runtime.behaviour import MOTION_BUCKET, NOISE_AUGMENTATION, Behaviour
from engine.runtime.memory import PartsOfWindows
from engine.runtime.networks import EncodedFrame, NetworkInput
from engine.runtime.posterior import posterior_noise
from engine.runtime.torch.compiling import lay_out_for_convolution
from engine.runtime.torch.devices import exact_kernels
from engine.runtime.torch.memory import frame_is_too_large, make_room, ran_out_of_memory, weights_are_too_large
from engine.runtime.torch.precision import Precision, all_finite
from engine.runtime.torch.stages import Interruption, Stage
from engine.wois import Blendable

__all__ = ["Modules", "RunSettings", "TorchNetworks"]

_LATENT_SCALE: Final = 8  # pixels of the picture to one of its latents

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Modules:
    """The three networks. Who runs them owns them: moves them, drops weights that nothing reads, and watches them."""

    unet: AnyToBokehUNet
    vae: AnyToBokehVAE
    image_encoder: ImageEncoder


@dataclass(frozen=True)
class RunSettings:
    """How the networks are run.

    Attributes:
        behaviour: what they are told, and how.
        device: where.
        precision: in what.
        posterior: latents of plate and defocus map: the most likely ones, or drawn at random.
        seed: of the random ones; each frame draws by the seed and its place in the shot.
        decode_overlap: frames that windows share where memory is short and a window is decoded in parts.
        compile: whether the networks are compiled first.
    """

    behaviour: Behaviour
    device: torch.device
    precision: Precision
    posterior: Literal["mode", "sample"] = "mode"
    seed: int = 0
    decode_overlap: int = 1
    compile: bool = False


@dataclass(frozen=True, eq=False)
class _TorchFrame(EncodedFrame):
    """An encoded frame that knows its place in the shot; all tensors on the device, without a batch."""

    index: int


class _Stages(NamedTuple):
    context: Stage
    encode: Stage
    refocus: Stage
    decode: Stage


class TorchNetworks:
    """``engine.runtime.Networks`` in Torch.

    The same input gives the same bits on the same machine, whatever came before it: nothing is remembered from frame to
    frame but how many of them could be decoded together.

    Args:
        load: gives the networks, fresh ones of their own, when the first frame is encoded; called once.
        settings: how to run them.
        fingerprint: of the weights; equal ones are the same weights.
        size: width and height that the weights were made for.
    """

    def __init__(
        self, load: Callable[[], Modules], settings: RunSettings, fingerprint: str, size: tuple[int, int]
    ) -> None:
        self._load = load
        self._settings = settings
        self._fingerprint = fingerprint
        self._size = size
        self._interruption = Interruption()
        self._notes: dict[str, None] = {}  # kinds, in order, each once
        self._stages: _Stages | None = None
        self._vae_config = VAEConfig()  # of the weights once they are there
        self._parts = PartsOfWindows(settings.decode_overlap, self._within_memory, self._noting("network.memory"))

    @property
    def identity(self) -> str:
        """Weights, precision and settled behaviour.

        Not the device: its kind changes last digits, and the machines of a farm are to share their work.
        """
        told = f"{self._settings.behaviour} {MOTION_BUCKET} {NOISE_AUGMENTATION}"
        return f"{self._fingerprint} {self._settings.precision.name} {sha256(told.encode()).hexdigest()[:12]}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height that the weights were made for, multiples of 64."""
        return self._size

    def encode(self, frame: NetworkInput) -> EncodedFrame:
        """Encode picture, defocus map and context of one frame; the first call loads the weights.

        Raises:
            CancelledError, MemoryShortError, NumbersError: see ``Networks``.
            WeightsError: a file of weights turns out to be damaged.
        """
        with self._running() as stages:
            picture = self._on_device(frame.picture)[None]
            defocus = self._on_device(frame.defocus).expand(1, 3, -1, -1)
            noted = self._noting("network.redone")

            def encode_both(batch: int) -> tuple[Tensor, tuple[Tensor, ...]]:
                pictures = torch.cat([picture, defocus]) * 2 - 1
                made = [stages.encode.run([frame.index], noted, part) for part in torch.split(pictures, batch)]
                return torch.cat([moments for moments, *_ in made]), tuple(self._kept(skip) for skip in made[0][1:])

            def encode_each() -> tuple[Tensor, tuple[Tensor, ...]]:
                self._note("network.memory")
                return self._within_memory(lambda: encode_both(1), self._too_large(frame.picture.shape))

            moments, skips = self._within_memory(lambda: encode_both(2), encode_each)
            latents = self._posterior(moments, frame.index) * self._vae_config.scaling_factor
            (context,) = self._within_memory(
                lambda: stages.context.run([frame.index], noted, picture), self._too_large(frame.picture.shape)
            )
            return _TorchFrame(
                latents=latents.flatten(0, 1),
                context=context[0],
                strength_embedding=self._on_device(frame.strength_embedding),
                regions=None if frame.regions is None else self._on_device(frame.regions),
                skips=skips,
                index=frame.index,
            )

    def refocus(self, window: Sequence[EncodedFrame]) -> Sequence[Blendable]:
        """The latents of the refocused picture, (4, H / 8, W / 8) float32 each, still scaled, on the device."""
        with self._running() as stages:
            frames = cast("Sequence[_TorchFrame]", window)
            behaviour = self._settings.behaviour
            told = torch.tensor([[behaviour.fps_id, MOTION_BUCKET, NOISE_AUGMENTATION]], device=self._settings.device)

            def run() -> tuple[Tensor, ...]:
                return stages.refocus.run(
                    [frame.index for frame in frames],
                    self._noting("network.redone"),
                    torch.stack([frame.latents for frame in frames])[None],
                    torch.stack([frame.context for frame in frames])[None],
                    torch.stack([frame.strength_embedding for frame in frames])[None],
                    told,
                    torch.stack([frame.regions for frame in frames])[None]
                    if behaviour.mpi_masks == "threshold"
                    else None,
                )

            again = self._too_large(_picture_shape(frames[0].latents))
            (refocused,) = self._within_memory(run, lambda: self._within_memory(run, again))
            return refocused[0].float().unbind()

    def decode(self, latents: Sequence[Blendable], window: Sequence[EncodedFrame]) -> Sequence[Float32Array]:
        """The refocused pictures, (3, H, W) float32 from 0 to 1.

        Where memory is short, the window is decoded in parts; see ``PartsOfWindows``.
        """
        with self._running() as stages:
            pairs = list(zip(latents, cast("Sequence[_TorchFrame]", window), strict=True))
            give_up = self._too_large(_picture_shape(pairs[0][1].latents))
            return self._parts.decode(pairs, lambda part: self._decode_together(stages, part), give_up)

    def notes(self) -> tuple[str, ...]:
        """What was put right since the last call, each kind once."""
        noted = tuple(self._notes)
        self._notes.clear()
        return noted

    def cancel(self) -> None:
        """Make what is under way, and any later call until ``resume``, raise CancelledError before the next layer."""
        self._interruption.ask()

    def resume(self) -> None:
        """Let calls run again after a cancel."""
        self._interruption.withdraw()

    @contextmanager
    def _running(self) -> Iterator[_Stages]:
        """What holds while a network runs: no gradients, the same bits each time, and nobody asked to stop."""
        self._interruption.check()
        with torch.inference_mode(), exact_kernels(self._settings.device, self._settings.precision.allow_tf32):
            if self._stages is None:
                self._stages = self._within_memory(self._open, self._weights_too_large)
            yield self._stages

    def _open(self) -> _Stages:
        settings, working = self._settings, self._settings.precision.working
        with torch.inference_mode(False), torch.no_grad():  # weights that a later call may hold in fp32 for a while
            modules = self._load()
            unet, vae, image_encoder = modules.unet, modules.vae, modules.image_encoder
            unet.drop_dead_weights(masks=settings.behaviour.mpi_masks == "threshold")
            unet.to(settings.device, working)
            image_encoder.to(settings.device, working)
            encoding = settings.precision.encoding(vae.config.force_upcast)
            vae.to(settings.device, encoding).decoder.to(dtype=working)
            for module in (unet, vae, image_encoder):
                module.eval().requires_grad_(False)
                if settings.device.type == "cuda":
                    lay_out_for_convolution(module)
                if not settings.compile:
                    self._interruption.watch(module)
        self._vae_config = vae.config
        normalised = settings.behaviour.clip_input == "normalised"
        stages = _Stages(
            # The image encoder resizes in fp32 and casts by itself.
            Stage(
                "image encoder",
                image_encoder,
                lambda pictures: image_encoder(pictures, normalised),
                working,
                cast=False,
            ),
            Stage("encoder", vae, lambda pictures: vae.encode(pictures, with_skips=True), encoding),
            Stage("U-Net", unet, unet, working),
            Stage("decoder", vae, vae.decode, working),
        )
        if settings.compile:
            for stage in stages:
                stage.compile(settings.device, self._noting("network.uncompiled"))
        return stages

    def _decode_together(self, stages: _Stages, pairs: Sequence[tuple[Blendable, _TorchFrame]]) -> list[Float32Array]:
        latents = torch.stack([cast("Tensor", latent) for latent, _ in pairs])[None]
        skips = [torch.stack(level) for level in zip(*(frame.skips for _, frame in pairs), strict=True)]
        places = [frame.index for _, frame in pairs]
        scaling = self._vae_config.scaling_factor
        (pictures,) = stages.decode.run(places, self._noting("network.redone"), latents / scaling, skips)
        # One by one: an array of a frame alone does not keep its whole window in memory.
        return [(picture.float() / 2 + 0.5).clamp(0, 1).cpu().numpy() for picture in pictures[0]]

    def _posterior(self, moments: Tensor, index: int) -> Tensor:
        """Latents (N, 4, h, w), unscaled. The noise is drawn on the CPU, so that every device draws the same."""
        if self._settings.posterior == "mode":
            return posterior_mode(moments)
        noise = posterior_noise(self._settings.seed, index, tuple(posterior_mode(moments).shape))
        return posterior_sample(moments.float(), self._on_device(noise))

    def _kept(self, skip: Tensor) -> Tensor:
        """The picture's own skip, of a batch of picture and defocus map, in the working precision.

        A copy, so that the rest of the batch is freed. What is too large for half precision stays in fp32: the decoder
        then overflows too, and is run again in fp32 with the true values.
        """
        kept = skip[0].to(self._settings.precision.working, copy=True)
        return kept if kept.dtype == skip.dtype or all_finite([kept]) else skip[0].clone()

    def _on_device(self, array: NDArray[Any]) -> Tensor:
        return torch.tensor(np.ascontiguousarray(array), device=self._settings.device)

    def _within_memory(self, run: Callable[[], Result], otherwise: Callable[[], Result]) -> Result:
        """What ``run`` gives, or ``otherwise`` once room was made, if memory ran out."""
        try:
            return run()
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
        make_room(self._settings.device)
        return otherwise()

    def _too_large(self, shape: Sequence[int]) -> Callable[[], Never]:
        """Raises MemoryShortError for pictures of this shape, (..., H, W)."""

        def give_up() -> Never:
            height, width = shape[-2:]
            itemsize = self._settings.precision.working.itemsize
            raise frame_is_too_large(width, height, self._settings.device, self._vae_config, itemsize)

        return give_up

    def _weights_too_large(self) -> Never:
        raise weights_are_too_large(self._settings.device)

    def _note(self, kind: str) -> None:
        self._notes[kind] = None

    def _noting(self, kind: str) -> Callable[[], None]:
        return lambda: self._note(kind)


def _picture_shape(latents: Tensor) -> tuple[int, int]:
    return latents.shape[-2] * _LATENT_SCALE, latents.shape[-1] * _LATENT_SCALE
