"""Comparisons and reproductions: many trainings, one table, honest spreads."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.studies.arms import Arm, Rule, Study, Wanted, arm, check, crossed
    from tamecrop.studies.cells import Cell, Key, Summary, accuracies, flat
    from tamecrop.studies.compare import comparison, publish
    from tamecrop.studies.engines.local import default_jobs
    from tamecrop.studies.grid import run
    from tamecrop.studies.listening import Listener
    from tamecrop.studies.recipes import Recipe, recipe
    from tamecrop.studies.words import Table
else:
    _SOURCES = {
        "Arm": "tamecrop.studies.arms:Arm",
        "Cell": "tamecrop.studies.cells:Cell",
        "Key": "tamecrop.studies.cells:Key",
        "Listener": "tamecrop.studies.listening:Listener",
        "Recipe": "tamecrop.studies.recipes:Recipe",
        "Rule": "tamecrop.studies.arms:Rule",
        "Study": "tamecrop.studies.arms:Study",
        "Summary": "tamecrop.studies.cells:Summary",
        "Table": "tamecrop.studies.words:Table",
        "Wanted": "tamecrop.studies.arms:Wanted",
        "accuracies": "tamecrop.studies.cells:accuracies",
        "arm": "tamecrop.studies.arms:arm",
        "check": "tamecrop.studies.arms:check",
        "comparison": "tamecrop.studies.compare:comparison",
        "crossed": "tamecrop.studies.arms:crossed",
        "default_jobs": "tamecrop.studies.engines.local:default_jobs",
        "flat": "tamecrop.studies.cells:flat",
        "publish": "tamecrop.studies.compare:publish",
        "recipe": "tamecrop.studies.recipes:recipe",
        "run": "tamecrop.studies.grid:run",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "Arm",
    "Cell",
    "Key",
    "Listener",
    "Recipe",
    "Rule",
    "Study",
    "Summary",
    "Table",
    "Wanted",
    "accuracies",
    "arm",
    "check",
    "comparison",
    "crossed",
    "default_jobs",
    "flat",
    "publish",
    "recipe",
    "run",
]
