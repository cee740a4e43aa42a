"""The refocus engine: no Qt, no host application, no training code."""
