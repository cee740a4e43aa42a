"""Scenes, data sets, training stages, metrics and evaluation. The engine never imports it."""
