"""Comparisons and reproductions: many trainings, one table, honest spreads."""

from tamecrop.studies.arms import (
    Arm as Arm,
    Rule as Rule,
    Study as Study,
    Wanted as Wanted,
    arm as arm,
    check as check,
    cross as cross,
)
from tamecrop.studies.cells import (
    Cell as Cell,
    Key as Key,
    Summary as Summary,
    accuracies as accuracies,
)
from tamecrop.studies.compare import comparison as comparison, publish as publish
from tamecrop.studies.engines import choose_engine as choose_engine, run as run
from tamecrop.studies.listening import Listener as Listener
from tamecrop.studies.recipes import Recipe as Recipe, recipe as recipe
from tamecrop.studies.seeds import (
    Auto as Auto,
    count_until as count_until,
    read_seeds as read_seeds,
)
from tamecrop.studies.words import Table as Table
