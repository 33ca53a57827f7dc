"""Comparisons and reproductions: many trainings, one table, honest spreads."""
