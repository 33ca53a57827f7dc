"""Compare crop policies: train and judge each with the same seeds, cell by cell."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from tamecrop.data import Dataset, load, write_atomic
from tamecrop.geometry import Policy, ViewPlan
from tamecrop.reporting import Look, embed, flat, page, png, sheet_figure
from tamecrop.studies import equal_time, store, words
from tamecrop.studies.arms import Study, arm, check, cross, select_train
from tamecrop.studies.cells import Summary
from tamecrop.studies.charts import accuracy_figure, center_figure, loss_figure
from tamecrop.studies.engines import run
from tamecrop.studies.recipes import Recipe, recipe
from tamecrop.studies.seeds import LEVEL, Auto, UntilTold, read_seeds

PROTOCOL = "compare"

_SHOWN = 5

HOW_TO_READ = {
    "accuracy": (
        "Accuracy and its certainty",
        "Further right is better. A diamond is the mean over seeds, its bar the spread, the dots "
        "are single seeds. In the third panel a bar that crosses the line means that these seeds "
        "cannot tell, not that the policies are equal.",
    ),
    "losses": (
        "Training loss",
        "How well the network tells that two views come from one image. Lower means that the task "
        "was easier, not that the features are better: nearly equal views are easy to match.",
    ),
    "centers": (
        "Where the crops sit",
        "The solid square is the image, darker blue means that more crops have their center "
        "there, the dashed square is the average box. IoU is how much the two views of one image "
        "overlap; content is the share of a view that shows image rather than fill.",
    ),
    "views": (
        "What the network sees",
        "The same images under each policy. The red and the blue box mark the two views; to the "
        "right is what the network gets and must call the same. Where a box leaves the image, the "
        "view is filled with black.",
    ),
}


def comparison(  # noqa: PLR0913  one word a setting
    dataset: Dataset,
    policies: Sequence[str | Policy | ViewPlan],
    settings: Recipe,
    *,
    seeds: Sequence[int] | Auto,
    out: Path,
    jobs: int = 1,
    equal: Sequence[equal_time.Equal] = ("epochs",),
) -> Study:
    """The study of some policies under one recipe; the first policy is the baseline.

    With `Auto` the number of seeds follows from their spread; `jobs` then tells the time it takes.

    Raises:
        ValueError: as `equal_time.arms_of`.
    """
    once = [arm(policy, settings, PROTOCOL) for policy in policies]
    height, width = (int(side) for side in dataset.train.sizes[0])
    arms = equal_time.arms_of(once, equal, (height, width))
    if isinstance(seeds, Auto):
        rule = UntilTold(arms, seeds, jobs)
        return Study(dataset, out, rule, rule.outlook, level=LEVEL)
    wanted = cross(arms, seeds)
    return Study(dataset, out, lambda _: wanted)


def compare(  # noqa: PLR0913  the front door: one word a setting
    data: str | Path | Dataset,
    policies: str | Policy | ViewPlan | Sequence[str | Policy | ViewPlan] = (),
    *,
    settings: str | Recipe | None = None,
    seeds: int | str | None = None,
    out: str | Path | None = None,
    jobs: int = 1,
    engine: str = "local",
    equal: Sequence[equal_time.Equal] = ("epochs",),
) -> Summary:
    """Pre-train a backbone under each crop policy with the same seeds, and probe it.

    Args:
        data: a name, a path, or a data set with labels.
        policies: texts or policies, one or several; the first is the baseline. By default those of
            the recipe.
        settings: a recipe or the name of one; by default `quick` for `scenes`, else `small`.
        seeds: how many, the first is 0; by default as many as the recipe says. `auto:0.5` adds
            seeds until half a point can be told, at most 50 or as in `auto:0.5,most=20`.
        out: folder for results, which an interrupted call continues from; None writes nowhere.
        jobs: cells side by side; more than one are processes that are started by `spawn`, for
            which a script needs the usual `if __name__ == "__main__":`.
        engine: where cells run: `local`, or `ray` or `slurm` with their settings, such as
            `slurm:partition=gpu,time=4h,gpus=1`; all machines must see `out`.
        equal: what policies are compared at: `epochs`, or `time`, where one whose epochs cost more
            than the baseline's gets fewer of them, or both, each as an arm of its own.

    Returns:
        All cells with their accuracies, and for each policy mean, spread and paired difference.

    Raises:
        ValueError: for data without labels, or smaller than a batch; for a policy that cannot be
            cut from it; when the folder holds something else; when a training fails.
    """
    if isinstance(policies, str | Policy | ViewPlan):
        policies = [policies]
    dataset = data if isinstance(data, Dataset) else load(data)
    if settings is None:
        settings = "quick" if dataset.name.partition(":")[0] == "scenes" else "small"
    chosen = recipe(settings) if isinstance(settings, str) else settings
    with tempfile.TemporaryDirectory(prefix="tamecrop-") as nowhere:
        study = comparison(
            dataset,
            policies or chosen.policies,
            chosen,
            seeds=read_seeds(chosen.seeds if seeds is None else seeds),
            out=Path(nowhere if out is None else out),
            jobs=jobs,
            equal=equal,
        )
        check(study)
        summary = run(study, jobs=jobs, engine=engine)
        if out is not None:
            publish(study, summary)
    return summary


def publish(study: Study, summary: Summary) -> None:
    """Write figures and page of a comparison with at least one finished cell."""
    if not summary.cells:
        return
    pictures = {name: png(figure) for name, figure in _figures(study, summary).items()}
    text = report_html(summary, pictures, study.outlook(summary.cells)).encode()
    folder = study.out / "figures"
    with store.writing(study.out):
        folder.mkdir(exist_ok=True)
        for name, picture in pictures.items():
            write_atomic(folder / f"{name}.png", picture)
        write_atomic(study.out / "report.html", text)


def _figures(study: Study, summary: Summary) -> dict[str, Figure]:
    """A figure for each name of `HOW_TO_READ`; the policies are drawn on the first images."""
    wanted = study.wanted(())
    settings = wanted[0].arm.recipe
    policies = [*dict.fromkeys(group.policy for each in wanted for group in each.arm.plan.groups)]
    images = select_train(study.dataset, settings).train
    shown = [images.image(position) for position in range(min(_SHOWN, len(images)))]
    height, width = (int(side) for side in images.sizes[0])
    return {
        "accuracy": accuracy_figure(summary),
        "losses": loss_figure(summary),
        "centers": center_figure(policies, (height, width)),
        "views": sheet_figure(shown, policies, look=Look(size=settings.training.size)),
    }


def report_html(summary: Summary, figures: Mapping[str, bytes], outlook: str = "") -> str:
    """The page as text; images are embedded, nothing is loaded from elsewhere.

    Args:
        summary: A study with at least one finished cell.
        figures: PNG by name, one for each name of `HOW_TO_READ`.
        outlook: What a rule that adds seeds says of them.

    Returns:
        HTML.
    """
    return page(
        "report.html",
        data=summary.cells[0].data,
        lead=words.lead(summary),
        verdict=words.verdict(summary),
        basis=(
            *words.basis_notes(summary.comparison),
            *equal_time.notes(summary),
            *([f"{outlook}."] if outlook else []),
        ),
        rows=words.table_rows(summary),
        figures=embed(HOW_TO_READ, figures),
        facts=words.facts(summary),
        recipe=tuple(flat(summary.cells[0].provenance.recipe)),
    )
