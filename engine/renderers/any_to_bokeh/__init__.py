"""The any-to-bokeh renderer: a one-step video diffusion model, with everything around it that a plate needs.

``renderer`` runs the windows. ``finishing`` is what surrounds the networks: ``fitting`` (size), ``tone`` (light),
``conditioning`` (what they are told), ``highlights`` (light that they cannot hold), ``detail`` (the plate's own).
"""

from engine.renderers.any_to_bokeh.renderer import AnyToBokehRenderer

__all__ = ["AnyToBokehRenderer"]
