"""The panel: made of Fusion's own UIManager, so that no Qt is brought along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..client import Engine, Request
from ..errors import EngineError
from .kinds import Bmd, Fusion
from .running import progress_text, render
from .shots import Job

__all__ = ["Panel", "raised"]

WINDOW = "Rackfocus"
TICK = 200
"""Milliseconds between two looks at the engine."""


def raised(fusion: Fusion) -> bool:
    """Bring a panel that is open already to the front; whether there is one."""
    window = fusion.UIManager.FindWindow(WINDOW)
    if window is None:
        return False
    window.Show()
    window.Raise()
    return True


class Panel:
    """A window that renders one group, shows how far it is, and stops it.

    Args:
        fusion, bmd: of the script.
        title: of the window.
        engine: that renders.
        prepare: makes the job; its argument says whether a new version is wanted.
        focus_at_point: sets the focus to what is under the point, and says so.
        found_limits: takes the depth limits, near and far, that the engine has found.
        finished: takes the job when it is rendered, and says what became of it.
    """

    def __init__(
        self,
        fusion: Fusion,
        bmd: Bmd,
        title: str,
        engine: Engine,
        *,
        prepare: Callable[[bool], Job],
        focus_at_point: Callable[[], str],
        found_limits: Callable[[Job, float, float | None], None],
        finished: Callable[[Job], str],
    ) -> None:
        self._engine = engine
        self._prepare = prepare
        self._focus_at_point = focus_at_point
        self._found_limits = found_limits
        self._finished = finished
        self._job: Job | None = None
        self._request: Request | None = None
        ui = fusion.UIManager
        self._dispatcher = bmd.UIDispatcher(ui)
        self._window = self._dispatcher.AddWindow(
            {"ID": WINDOW, "WindowTitle": title, "Geometry": [200, 200, 480, 220]},
            [
                ui.VGroup(
                    [
                        ui.Label({"ID": "Status", "Text": "Ready", "WordWrap": True, "Weight": 0}),
                        ui.TextEdit({"ID": "Notes", "ReadOnly": True, "Weight": 1}),
                        ui.CheckBox({"ID": "NewVersion", "Text": "New version", "Weight": 0}),
                        ui.HGroup(
                            {"Weight": 0},
                            [
                                ui.Button({"ID": "Render", "Text": "Render"}),
                                ui.Button({"ID": "FocusAtPoint", "Text": "Focus at point"}),
                                ui.Button({"ID": "Cancel", "Text": "Cancel", "Enabled": False}),
                            ],
                        ),
                    ]
                )
            ],
        )
        self._items: dict[str, Any] = self._window.GetItems()
        self._timer = ui.Timer({"ID": "Tick", "Interval": TICK})
        on = self._window.On
        on.Render.Clicked = lambda _event: self._try(self.render)
        on.FocusAtPoint.Clicked = lambda _event: self._try(lambda: self._say(self._focus_at_point()))
        on.Cancel.Clicked = lambda _event: self.cancel()
        on.Rackfocus.Close = lambda _event: self.close()
        # Versions differ on who hears of a timer.
        self._dispatcher.On.Timeout = on.Tick.Timeout = lambda _event: self._try(self.tick)

    def run(self) -> None:
        """Show the window; returns when it is closed."""
        self._window.Show()
        self._dispatcher.RunLoop()
        self._window.Hide()

    def render(self) -> None:
        """Start the render; one at a time."""
        if self._request is not None:
            return
        self._items["Notes"].PlainText = ""
        job = self._prepare(bool(self._items["NewVersion"].Checked))
        for note in job.notes:
            self._note(note)
        self._job, self._request = job, render(self._engine, job)
        self._say("Starting the engine")
        self._busy(True)
        self._timer.Start()

    def tick(self) -> None:
        """Show what has happened since the last time."""
        request, job = self._request, self._job
        if request is None or job is None:
            return
        over = request.done()
        for event in request.poll():
            if event.get("event") == "limits" and event.get("near") is not None:
                self._found_limits(job, event["near"], event.get("far"))
            text = progress_text(event)
            if text is not None:
                (self._note if event.get("event") == "warned" else self._say)(text)
        if not over:
            return
        self._timer.Stop()
        self._request = None
        self._busy(False)
        result = request.wait()
        self._say(f"{result.get('written')} frames written, {result.get('skipped')} were there. {self._finished(job)}")

    def cancel(self) -> None:
        """Stop the render; what is written stays, and the next render goes on there."""
        if self._request is not None:
            self._say("Stopping")
            self._request.cancel()

    def close(self) -> None:
        """Stop the render and end the panel."""
        self.cancel()
        self._timer.Stop()
        self._dispatcher.ExitLoop()

    def _try(self, action: Callable[[], None]) -> None:
        """Do something; what goes wrong is a sentence in the window, and the panel lives on."""
        try:
            action()
        except EngineError as error:
            self._say("Stopped" if error.code == "cancelled" else f"{error.message} ({error.code})")
        except Exception as error:  # noqa: BLE001  an exception in a handler would end the loop without a word
            self._say(f"This should not happen: {error!r}. Please report it.")

    def _say(self, text: str) -> None:
        self._items["Status"].Text = text

    def _note(self, text: str) -> None:
        notes = self._items["Notes"]
        notes.PlainText = f"{notes.PlainText}{text}\n"

    def _busy(self, busy: bool) -> None:
        for name in ("Render", "FocusAtPoint", "NewVersion"):
            self._items[name].Enabled = not busy
        self._items["Cancel"].Enabled = busy
