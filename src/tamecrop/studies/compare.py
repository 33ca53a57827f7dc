"""Compare crop policies: train and judge each with the same seeds, cell by cell."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tamecrop.data import Dataset, load
from tamecrop.geometry import Policy, ViewPlan
from tamecrop.studies import page
from tamecrop.studies.arms import Study, arm, check, crossed, trained_on
from tamecrop.studies.cells import Summary
from tamecrop.studies.grid import run
from tamecrop.studies.recipes import Recipe, recipe

PROTOCOL = "compare"


def comparison(
    dataset: Dataset,
    policies: Sequence[str | Policy | ViewPlan],
    settings: Recipe,
    *,
    seeds: Sequence[int],
    out: Path,
) -> Study:
    """The study of some policies under one recipe; the first policy is the baseline."""
    arms = [arm(policy, settings, PROTOCOL) for policy in policies]
    wanted = crossed(arms, seeds)
    return Study(dataset, out, lambda _: wanted)


def compare(
    data: str | Path | Dataset,
    policies: Sequence[str | Policy | ViewPlan] = (),
    *,
    settings: str | Recipe | None = None,
    seeds: int | None = None,
    out: str | Path | None = None,
    jobs: int = 1,
) -> Summary:
    """Pre-train a backbone under each crop policy with the same seeds, and probe it.

    Args:
        data: a name, a path, or a data set with labels.
        policies: texts or policies; the first is the baseline. By default those of the recipe.
        settings: a recipe or the name of one; by default `quick` for `scenes`, else `small`.
        seeds: how many, the first is 0; by default as many as the recipe says.
        out: folder for results, which an interrupted call continues from; None writes nowhere.
        jobs: cells side by side; more than one are processes that are started by `spawn`, for
            which a script needs the usual `if __name__ == "__main__":`.

    Returns:
        All cells with their accuracies, and for each policy mean, spread and paired difference.

    Raises:
        ValueError: for data without labels, or smaller than a batch; for a policy that cannot be
            cut from it; when the folder holds something else; when a training fails.
    """
    dataset = data if isinstance(data, Dataset) else load(data)
    if settings is None:
        settings = "quick" if dataset.name.partition(":")[0] == "scenes" else "small"
    chosen = recipe(settings) if isinstance(settings, str) else settings
    with tempfile.TemporaryDirectory(prefix="tamecrop-") as nowhere:
        study = comparison(
            dataset,
            policies or chosen.policies,
            chosen,
            seeds=range(chosen.seeds if seeds is None else seeds),
            out=Path(nowhere if out is None else out),
        )
        check(study)
        summary = run(study, jobs=jobs)
        if out is not None:
            publish(study, summary)
    return summary


def publish(study: Study, summary: Summary) -> None:
    """Write figures and page of a comparison with at least one finished cell."""
    if not summary.cells:
        return
    wanted = study.wanted(())
    settings = wanted[0].arm.recipe
    policies = dict.fromkeys(group.policy for each in wanted for group in each.arm.plan.groups)
    images = trained_on(study.dataset, settings).train
    page.publish(study.out, summary, [*policies], images, size=settings.training.size)
