"""Draws recordings: palette, layouts, frames, videos, sheets, figures. Computes no statistics."""
