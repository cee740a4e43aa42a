"""Weighted overlap inference (WOIS): windows over a stream of any length, and their blending.

Needs no Torch: windows are arithmetic, and blending works on anything that can be weighted and added.
"""

from engine.wois.stream import Blendable, blend_windows
from engine.wois.windows import Ramp, WindowGrid

__all__ = ["Blendable", "Ramp", "WindowGrid", "blend_windows"]
