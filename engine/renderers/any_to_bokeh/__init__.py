"""The any-to-bokeh renderer: a one-step video diffusion model, with everything around it that a plate needs."""

__all__: list[str] = []
