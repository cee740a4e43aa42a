"""The lane of renders: one shot after another, with networks that stay loaded."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from engine.frames import Float32Array
from engine.optics import Defocus
from engine.render import (
    EdgesMeasured,
    Event,
    LimitsFound,
    Opened,
    Resuming,
    Searching,
    Started,
    Warned,
    Written,
    render,
)
from engine.renderers import Renderer, open_renderer
from engine.renderers.optical import OpticalRenderer
from engine.runtime import EncodedFrame, NetworkInput, Networks
from engine.runtime.opening import open_networks
from engine.shot import AnyToBokehOptions, Highlights, Shot, shot_from_dict
from engine.wois import Blendable
from engine.worker.kernels import Kernels, RenderTurn
from engine.worker.lanes import Job
from engine.worker.messages import Render

__all__ = ["RenderDesk"]

NAMES: Final[dict[type[Event], str]] = {
    Searching: "searching",
    Resuming: "resuming",
    LimitsFound: "limits",
    Opened: "opened",
    EdgesMeasured: "edges",
    Started: "started",
    Written: "written",
    Warned: "warned",
}
"""What a progress notification calls each event."""

OF_THE_RENDERER: Final = ("overlap", "blend", "decode_window", "exposure", "detail")
"""Options of any-to-bokeh that the networks know nothing of."""


class RenderDesk:
    """Does what ``render`` asks."""

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._warm = _Warm()

    def render(self, job: Job[Render]) -> Mapping[str, Any]:
        """Render a shot as ``rackfocus render`` does, byte for byte.

        Raises:
            RackfocusError: any of its causes.
        """
        asked = job.parameters
        shot = shot_from_dict(asked.shot)
        progress = _Progress(job)
        with RenderTurn(self._kernels) as turn:

            def report(event: Event) -> None:
                if isinstance(event, Started):
                    turn.started()
                progress(event)

            renderer = turn.taken_by(self._warm.open(shot))
            done = render(
                shot, asked.frames, report=report, overwrite=asked.overwrite, cancel=job.stop, renderer=renderer
            )
        return {
            "written": done.written,
            "skipped": done.skipped,
            "seconds": done.seconds,
            "output": done.output,
            "warnings": [asdict(warning) for warning in done.warnings],
        }


class _Progress:
    """Events as notifications; what is written is counted."""

    def __init__(self, job: Job[Render]) -> None:
        self._job = job
        self._done = 0
        self._total = 0

    def __call__(self, event: Event) -> None:
        name = NAMES.get(type(event))
        if name is None:  # the summary is the answer
            return
        told = asdict(event)
        if isinstance(event, Started):
            self._total = event.total
        if isinstance(event, Written):
            self._done += 1
            told.update(done=self._done, total=self._total)
        self._job.notify({"event": name, **told})


class _Warm:
    """Opens the renderer of a shot; networks with the same options and weights are those of the render before."""

    def __init__(self) -> None:
        self._options: AnyToBokehOptions | None = None
        self._lent: _Lent | None = None

    def open(self, shot: Shot) -> Renderer:
        """The renderer that a shot asks for; the one before must have ended.

        Raises:
            As ``open_renderer``.
        """
        if shot.renderer.name != "any-to-bokeh":
            return open_renderer(shot)
        from engine.renderers.any_to_bokeh import AnyToBokehRenderer

        options = shot.renderer.any_to_bokeh
        optical = OpticalRenderer.from_shot(shot.model_copy(update={"highlights": Highlights()}))
        return AnyToBokehRenderer(self._open_networks(options), options, optical, shot.highlights, Defocus.of(shot))

    def _open_networks(self, options: AnyToBokehOptions) -> Networks:
        plain = AnyToBokehOptions()
        settled = options.model_copy(update={name: getattr(plain, name) for name in OF_THE_RENDERER})
        fresh = open_networks(options)  # quick: it looks at the files, so that new weights are seen
        networks = None if self._lent is None else self._lent.take_back()
        self._lent = None
        if networks is not None and (settled != self._options or networks.identity != fresh.identity):
            close = getattr(networks, "close", None)  # ONNX Runtime's have one; Torch's go with the last reference
            if close is not None:
                close()
            networks = None  # lets go of the old ones' memory before the new ones ask for theirs
        self._options, self._lent = settled, _Lent(networks or fresh)
        return self._lent


class _Lent:
    """Networks for the time of one render, which outlive it."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._lock = threading.Lock()
        self._over = False

    def take_back(self) -> Networks:
        """End the loan: whoever still holds it can no longer cancel what comes next."""
        with self._lock:
            self._over = True
            self._networks.resume()
        return self._networks

    @property
    def identity(self) -> str:
        return self._networks.identity

    @property
    def size(self) -> tuple[int, int]:
        return self._networks.size

    def encode(self, frame: NetworkInput) -> EncodedFrame:
        return self._networks.encode(frame)

    def refocus(self, window: Sequence[EncodedFrame]) -> Sequence[Blendable]:
        return self._networks.refocus(window)

    def decode(self, latents: Sequence[Blendable], window: Sequence[EncodedFrame]) -> Sequence[Float32Array]:
        return self._networks.decode(latents, window)

    def notes(self) -> tuple[str, ...]:
        return self._networks.notes()

    def cancel(self) -> None:
        with self._lock:
            if not self._over:
                self._networks.cancel()

    def resume(self) -> None:
        with self._lock:
            if not self._over:
                self._networks.resume()
