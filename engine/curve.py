"""Animation curves: keys, tangents, interpolation, and what happens before the first and after the last key.

A curve is what an artist sees in a host's curve editor: between two keys it is constant, linear, or a cubic Bezier
whose handles lie at any place in the plane of frames and values. It is evaluated one frame at a time.
"""

from __future__ import annotations
