"""The networks of Any-to-Bokeh in ONNX Runtime: from a frame's numbers to the refocused picture, without Torch."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal, Never, TypeVar, cast

import numpy as np

from engine.errors import DependencyError, DeviceError, RackfocusError
from engine.frames import Float32Array
from engine.runtime.behaviour import MOTION_BUCKET, NOISE_AUGMENTATION, Behaviour
from engine.runtime.memory import (
    PartsOfWindows,
    bytes_of_a_pixel,
    frame_is_too_large,
    free_system_memory,
    weights_are_too_large,
)
from engine.runtime.networks import EncodedFrame, NetworkInput
from engine.runtime.numbers import values_not_finite
from engine.runtime.onnx.faults import ran_out_of_memory
from engine.runtime.onnx.graphs import SKIPS, TITLES, Export, Graphs
from engine.runtime.onnx.integrity import checking_data
from engine.runtime.onnx.manifest import GraphName
from engine.runtime.onnx.providers import CPU, CUDA, Device, cannot_be_used
from engine.runtime.onnx.sessions import DeviceArray, Interruption
from engine.runtime.posterior import posterior_latents
from engine.wois import Blendable

__all__ = ["OnnxNetworks", "RunSettings"]

Result = TypeVar("Result")


@dataclass(frozen=True)
class RunSettings:
    """How the graphs are run.

    Attributes:
        behaviour: what the networks are told, and how; as far as the export was not made for it.
        posterior: latents of plate and defocus map: the most likely ones, or drawn at random.
        seed: of the random ones; each frame draws by the seed and its place in the shot.
        decode_overlap: frames that windows share where memory is short and a window is decoded in parts.
    """

    behaviour: Behaviour
    posterior: Literal["mode", "sample"] = "mode"
    seed: int = 0
    decode_overlap: int = 1


@dataclass(frozen=True, eq=False)
class _OnnxFrame(EncodedFrame):
    """An encoded frame: NumPy arrays, but for the skips, which lie on the device.

    Where half precision was too narrow for the encoder there are no skips: they are encoded again when they are needed.
    """

    index: int
    picture: Float32Array


class OnnxNetworks:
    """``engine.runtime.Networks`` in ONNX Runtime.

    The same input gives the same bits on the same machine, whatever came before it.

    Args:
        export: the graphs.
        settings: how to run them.
        devices: where, in order of preference; the next is taken where one turns out not to load the graphs.
        passed_over: a line for each device that was preferred and found not to work already.
    """

    def __init__(
        self, export: Export, settings: RunSettings, devices: Sequence[Device], passed_over: Sequence[str] = ()
    ) -> None:
        self._export = export
        self._settings = settings
        self._devices = tuple(devices)
        self._interruption = Interruption()
        self._notes: dict[str, None] = {}  # in order, each once
        self._graphs: Graphs | None = None
        self._wider: dict[int, Graphs] = {}  # loaded when half precision was too narrow
        self._parts = PartsOfWindows(settings.decode_overlap, self._within_memory, self._noting("network.memory"))
        for line in passed_over:
            self._note_fallback(line)

    @property
    def identity(self) -> str:
        """Weights, graphs, precision and settled behaviour.

        Not the device: its kind changes last digits, and the machines of a farm are to share their work.
        """
        told = [f"{self._settings.behaviour} {MOTION_BUCKET} {NOISE_AUGMENTATION}"]
        told += [f"{file.sha256} {file.data_sha256}" for file in self._export.files]
        manifest = self._export.manifest
        return f"{manifest.fingerprint} {manifest.precision} {sha256(' '.join(told).encode()).hexdigest()[:12]}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height that the weights were made for, multiples of 64."""
        return self._export.manifest.size

    @property
    def device(self) -> str:
        """Where the graphs run, as ``--device`` names it; the preferred device before the first frame."""
        return str(self._graphs.device if self._graphs else self._devices[0])

    def encode(self, frame: NetworkInput) -> EncodedFrame:
        """Encode picture, defocus map and context of one frame; the first call loads the graphs.

        Raises:
            CancelledError, MemoryShortError, NumbersError: see ``Networks``.
            WeightsError: a file of the export turns out to be damaged, or of a newer kind.
            DeviceError: no device can load the graphs.
        """
        size = _size_of(frame.picture)
        with self._running(size):
            give_up = self._too_large(frame.picture)

            def encode_each() -> tuple[Float32Array, tuple[DeviceArray, ...]]:
                self._note("network.memory")
                return self._within_memory(lambda: self._moments(frame, 1), give_up)

            moments, skips = self._within_memory(lambda: self._moments(frame, 2), encode_each)
            latents = posterior_latents(moments, self._settings.posterior, self._settings.seed, frame.index)

            def context(graphs: Graphs) -> tuple[Sequence[Float32Array], Float32Array]:
                session = graphs.get("image_encoder", size, 1)
                (made,) = session.run({"pictures": frame.picture[None]}, "context")
                return [made], made[0]

            return _OnnxFrame(
                latents=(latents * np.float32(self._export.manifest.scaling_factor)).reshape(-1, *latents.shape[2:]),
                context=self._within_memory(lambda: self._finite("image_encoder", [frame.index], context), give_up),
                strength_embedding=frame.strength_embedding,
                regions=frame.regions,
                skips=skips,
                index=frame.index,
                picture=frame.picture,
            )

    def refocus(self, window: Sequence[EncodedFrame]) -> Sequence[Blendable]:
        """The latents of the refocused picture, (4, H / 8, W / 8) float32 NumPy arrays, still scaled."""
        frames = cast("Sequence[_OnnxFrame]", window)
        behaviour, size = self._settings.behaviour, _size_of(frames[0].picture)
        inputs = {
            "latents": np.stack([frame.latents for frame in frames])[None],
            "context": np.stack([frame.context for frame in frames])[None],
            "strength_embedding": np.stack([frame.strength_embedding for frame in frames])[None],
            "time_ids": np.array([[behaviour.fps_id, MOTION_BUCKET, NOISE_AUGMENTATION]], np.float32),
        }
        if behaviour.mpi_masks == "threshold":
            # TensorRT knows uint8 only in casts.
            inputs["regions"] = np.stack([frame.regions for frame in frames])[None].astype(np.int32)

        def run(graphs: Graphs) -> tuple[Sequence[Float32Array], Float32Array]:
            (made,) = graphs.get("unet", size, len(frames)).run(inputs, "refocused")
            return [made], made[0]

        def refocused() -> Float32Array:
            return self._finite("unet", [frame.index for frame in frames], run)

        with self._running(size):
            again = self._too_large(frames[0].picture)
            return list(self._within_memory(refocused, lambda: self._within_memory(refocused, again)))

    def decode(self, latents: Sequence[Blendable], window: Sequence[EncodedFrame]) -> Sequence[Float32Array]:
        """The refocused pictures, (3, H, W) float32 from 0 to 1.

        Where memory is short, the window is decoded in parts; see ``PartsOfWindows``.
        """
        pairs = list(zip(cast("Sequence[Float32Array]", latents), cast("Sequence[_OnnxFrame]", window), strict=True))
        with self._running(_size_of(pairs[0][1].picture)):
            return self._parts.decode(pairs, self._decode_together, self._too_large(pairs[0][1].picture))

    def notes(self) -> tuple[str, ...]:
        """What was put right since the last call, each once; a fallback goes with its reason."""
        noted = tuple(self._notes)
        self._notes.clear()
        return noted

    def cancel(self) -> None:
        """Make what is under way, and any call until ``resume``, raise CancelledError before the next operator."""
        self._interruption.ask()

    def resume(self) -> None:
        """Let calls run again after a cancel."""
        self._interruption.withdraw()

    def close(self) -> None:
        """Let go of all graphs and their memory; a later call loads them again."""
        for graphs in (self._graphs, *self._wider.values()):
            if graphs is not None:
                graphs.close()
        self._graphs = None
        self._wider.clear()

    @contextmanager
    def _running(self, size: tuple[int, int]) -> Iterator[None]:
        """What holds while a graph runs: nobody asked to stop, and all of them are there."""
        self._interruption.check()
        if self._graphs is None:
            self._graphs = self._within_memory(lambda: self._open(size), self._weights_too_large)
        yield

    def _open(self, size: tuple[int, int]) -> Graphs:
        """Load the graphs on the first device that takes them, while their data is checked beside."""
        with ThreadPoolExecutor(1, "rackfocus-integrity") as threads:
            checks = checking_data(threads, self._export.folder, self._export.files, self._interruption.check)
            try:
                loaded = self._loaded_somewhere(size)
            finally:
                # A damaged file explains why a graph does not load better than ONNX Runtime does.
                for check in checks:
                    check.result()
            return loaded

    def _loaded_somewhere(self, size: tuple[int, int]) -> Graphs:
        for device, following in zip(self._devices, (*self._devices[1:], None), strict=True):
            graphs = Graphs(self._export, device, self._interruption, on_fallback=self._note_fallback)
            try:
                graphs.load(size)
            except (DeviceError, DependencyError) as error:
                if following is None:
                    raise cannot_be_used(device, error.message) from error
                self._note_fallback(f"{device} is not used: {error.message}")
                continue
            return graphs
        raise AssertionError("there is always the CPU")

    def _moments(self, frame: NetworkInput, together: int) -> tuple[Float32Array, tuple[DeviceArray, ...]]:
        """Moments (2, 8, h, w) of picture and defocus map, and the picture's skips; see ``_OnnxFrame``."""
        size = _size_of(frame.picture)
        pictures = np.stack([frame.picture, np.broadcast_to(frame.defocus, frame.picture.shape)]) * 2 - 1

        def run(graphs: Graphs) -> tuple[Sequence[Float32Array], tuple[Float32Array, tuple[DeviceArray, ...]]]:
            session = graphs.get("encoder", size, together)
            first, skips = session.run_keeping({"pictures": pictures[:together]}, "moments", SKIPS)
            rest = [
                session.run({"pictures": pictures[place : place + 1]}, "moments")[0] for place in range(together, 2)
            ]
            moments = np.concatenate([first, *rest])
            return [moments], (moments, self._kept(graphs, skips) if graphs is self._graphs else ())

        return self._finite("encoder", [frame.index], run)

    def _kept(self, graphs: Graphs, skips: Sequence[DeviceArray]) -> tuple[DeviceArray, ...]:
        """The picture's own skips, of a batch of picture and defocus map: a copy, so that the rest is freed."""
        return tuple(_gathered(graphs, [skip]) for skip in skips) if skips[0].shape()[0] > 1 else tuple(skips)

    def _decode_together(self, pairs: Sequence[tuple[Float32Array, _OnnxFrame]]) -> list[Float32Array]:
        frames = [frame for _, frame in pairs]
        size = _size_of(frames[0].picture)
        latents = np.stack([latent for latent, _ in pairs])[None] / np.float32(self._export.manifest.scaling_factor)

        def run(graphs: Graphs) -> tuple[Sequence[Float32Array], Float32Array]:
            levels = self._skips(graphs, frames)
            inputs = {"latents": latents, **dict(zip(SKIPS, levels, strict=True))}
            (made,) = graphs.get("decoder", size, len(frames)).run(inputs, "pictures")
            return [made], made[0]

        start = 0 if all(frame.skips for frame in frames) else 1
        made = self._finite("decoder", [frame.index for frame in frames], run, start)
        # One by one: an array of a frame alone does not keep its whole window in memory.
        return [np.clip(picture / 2 + np.float32(0.5), 0, 1) for picture in made]

    def _skips(self, graphs: Graphs, frames: Sequence[_OnnxFrame]) -> list[DeviceArray]:
        """The skips of a window, (T, C, ...) each: those that are kept, or in a wider precision encoded again."""
        if graphs is self._graphs:
            return [_gathered(graphs, level) for level in zip(*(frame.skips for frame in frames), strict=True)]
        encoder = graphs.get("encoder", _size_of(frames[0].picture), 1)
        again = [encoder.run({"pictures": frame.picture[None] * 2 - 1}, *SKIPS) for frame in frames]
        return [np.concatenate(level) for level in zip(*again, strict=True)]

    def _finite(
        self,
        graph: GraphName,
        places: Sequence[int],
        run: Callable[[Graphs], tuple[Sequence[Float32Array], Result]],
        start: int = 0,
    ) -> Result:
        """What a graph gives, in the first precision and on the first device in which all of it is finite.

        Args:
            graph: which one.
            places: of the frames in the shot, from 0.
            run: gives the values to look at, and the result.
            start: 0 for the working precision, 1 for what comes after it.

        Raises:
            NumbersError: it is finite nowhere.
        """
        for number, (device, wide) in enumerate(self._attempts()):
            if number < start:
                continue
            try:
                values, result = run(self._graphs_for(number, device, wide))
            except DeviceError:
                if number == 0:
                    raise
                continue
            if all(bool(np.isfinite(array).all()) for array in values):
                if number:
                    self._note("network.redone")
                return result
        raise values_not_finite(places, TITLES[graph])

    def _attempts(self) -> tuple[tuple[Device, bool], ...]:
        """Devices, and whether the wide graphs run there: the one that is used, then ever safer ones."""
        used = cast("Graphs", self._graphs).device
        wide = bool(self._export.manifest.wide)
        attempts = [(used, False)]
        if wide:
            attempts.append((replace(CUDA, number=used.number) if used.memory == "cuda" else used, True))
        if used != CPU:
            attempts.append((CPU, wide))
        return tuple(attempts)

    def _graphs_for(self, number: int, device: Device, wide: bool) -> Graphs:
        if number == 0:
            return cast("Graphs", self._graphs)
        if number not in self._wider:
            self._wider[number] = Graphs(self._export, device, self._interruption, wide=wide)
        return self._wider[number]

    def _within_memory(self, run: Callable[[], Result], otherwise: Callable[[], Result]) -> Result:
        """What ``run`` gives, or ``otherwise`` once room was made, if memory ran out."""
        try:
            return run()
        except Exception as error:
            if isinstance(error, RackfocusError) or not ran_out_of_memory(error):
                raise
        for graphs in self._wider.values():
            graphs.close()
        gc.collect()
        return otherwise()

    def _too_large(self, picture: Float32Array) -> Callable[[], Never]:
        """Raises MemoryShortError for pictures of this shape."""

        def give_up() -> Never:
            manifest = self._export.manifest
            needed = bytes_of_a_pixel(
                manifest.skip_channels[0], manifest.skip_channels[2], 4 if manifest.precision == "fp32" else 2
            )
            raise frame_is_too_large(*_size_of(picture), self.device, self._free_memory(), needed)

        return give_up

    def _weights_too_large(self) -> Never:
        smaller = "export in half precision with rackfocus export --precision fp16"
        raise weights_are_too_large(self.device, self._free_memory(), smaller)

    def _free_memory(self) -> int | None:
        return free_system_memory() if self.device == "cpu" else None

    def _note(self, kind: str) -> None:
        self._notes[kind] = None

    def _note_fallback(self, line: str) -> None:
        self._note(f"network.fallback: {line}")

    def _noting(self, kind: str) -> Callable[[], None]:
        return lambda: self._note(kind)


def _gathered(graphs: Graphs, skips: Sequence[DeviceArray]) -> DeviceArray:
    """The first of each batch, together: (T, C, ...), copied on the device."""
    room = graphs.copying.room_for(len(skips), skips[0])
    for place, skip in enumerate(skips):
        graphs.copying.copy(skip, 0, room, place)
    return room


def _size_of(picture: Float32Array) -> tuple[int, int]:
    """Width and height of a picture (3, H, W)."""
    return picture.shape[2], picture.shape[1]
