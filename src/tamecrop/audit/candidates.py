"""Which laws an audit looks at: those named, the one in use, and the points of sweeps."""

from collections.abc import Sequence
from dataclasses import dataclass

from tamecrop.geometry.parameters import Sweep
from tamecrop.geometry.policy import Policy


@dataclass(frozen=True)
class Candidate:
    """A law of an audit.

    Attributes:
        policy: The law.
        curve: Text form of the law that was swept to get it, or None for a named law.
        swept: The parameter swept, or None.
    """

    policy: Policy
    curve: str | None = None
    swept: str | None = None


def candidates(
    policies: Sequence[Policy], current: Policy, sweeps: Sequence[Sweep]
) -> tuple[Candidate, ...]:
    """The law in use first, then those named, each once; then the sweeps of all of them.

    Raises:
        ValueError: for a sweep whose parameter none of the laws has.
    """
    named = tuple(dict.fromkeys((current, *policies)))
    points = [
        Candidate(policy, str(law), sweep.key)
        for sweep in sweeps
        for law in named
        for policy in sweep.of(law)
    ]
    for sweep in sweeps:
        if not any(sweep.of(law) for law in named):
            raise ValueError(f"`sweep` moves `{sweep.key}`, which none of the laws has")
    return (*map(Candidate, named), *points)
