"""A UIManager without a screen: what a person would press is a function."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class Window:
    """A window, its widgets by their names, and what is listened to."""

    def __init__(self) -> None:
        self.items: dict[str, Any] = {}
        self.On: Any = Listeners()
        self.shown: list[str] = []

    def GetItems(self) -> dict[str, Any]:  # noqa: N802
        return self.items

    def Show(self) -> None:  # noqa: N802
        self.shown.append("shown")

    def Hide(self) -> None:  # noqa: N802
        self.shown.append("hidden")

    def press(self, name: str) -> None:
        assert self.items[name].Enabled, f"{name} is greyed out"
        getattr(self.On, name).Clicked(None)


class Listeners:
    def __init__(self) -> None:
        self._all: defaultdict[str, SimpleNamespace] = defaultdict(SimpleNamespace)

    def __getattr__(self, name: str) -> SimpleNamespace:
        return self._all[name]


class Screen:
    """Fusion's UIManager, ``bmd`` and the dispatcher at once; ``person`` is what somebody does with the window."""

    def __init__(self, person: Callable[[Screen], None]) -> None:
        self.person = person
        self.window = Window()
        self.On = SimpleNamespace()
        self.ended = False
        self.ticking = False
        self.said: list[str] = []
        self.open: Any = None

    def __getattr__(self, kind: str) -> Callable[..., SimpleNamespace]:
        def make(*given: Any) -> SimpleNamespace:  # noqa: ANN401
            properties = next((value for value in given if isinstance(value, dict)), {})
            made = SimpleNamespace(**{"Text": "", "PlainText": "", "Checked": False, "Enabled": True, **properties})
            if kind == "Timer":
                made.Start, made.Stop = (
                    (lambda: setattr(self, "ticking", True)),
                    (lambda: setattr(self, "ticking", False)),
                )
            if "ID" in properties:
                self.window.items[properties["ID"]] = made
            return made

        return make

    def FindWindow(self, _name: str) -> Any:  # noqa: N802, ANN401
        return self.open

    def scriptapp(self, _name: str) -> None:
        """There is no Resolve around this Fusion."""

    def UIDispatcher(self, _manager: object) -> Screen:  # noqa: N802
        return self

    def AddWindow(self, _properties: dict[str, Any], _children: list[Any]) -> Window:  # noqa: N802
        return self.window

    def RunLoop(self) -> None:  # noqa: N802
        self.person(self)
        self.window.On.Rackfocus.Close(None)

    def ExitLoop(self) -> None:  # noqa: N802
        self.ended = True

    @property
    def status(self) -> str:
        text: str = self.window.items["Status"].Text
        return text

    def wait(self, until: Callable[[], bool] | None = None, seconds: float = 30) -> None:
        """Let the timer tick until something is so; until nothing is under way where not given."""
        end = time.monotonic() + seconds
        while not (until() if until else not self.ticking):
            assert time.monotonic() < end, self.said
            self.On.Timeout(None)
            if not self.said or self.said[-1] != self.status:
                self.said.append(self.status)
            time.sleep(0.01)
