"""The optical renderer: depth of field from plate and depth alone, without learned weights.

A frame goes through: ``highlights`` (boost on request), ``surfaces`` (what is seen and what is behind it), ``spread``
(light spread to the distance between lens points), ``slices`` (both surfaces cut by radius), ``light_field`` (the
views of all lens points of ``aperture``, averaged).
"""

from engine.renderers.optical.renderer import OpticalRenderer

__all__ = ["OpticalRenderer"]
