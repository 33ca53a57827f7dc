"""Crop laws: sizes in, integer boxes out. NumPy alone."""
