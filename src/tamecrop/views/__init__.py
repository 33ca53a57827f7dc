"""Boxes and pixels in, views out."""
