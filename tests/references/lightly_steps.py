"""A training step of every method as Lightly's example writes it, with Lightly's heads and losses.

Where Lightly has no example, the pseudocode of the authors. `STEPS[name](method)` makes the step
for a method's own backbone and heads: views `(B, V, C, h, w)` a group in, the loss out, and what
is done after the optimizer's step.
"""

from lightly.loss import (
    BarlowTwinsLoss,
    DINOLoss,
    NegativeCosineSimilarity,
    NTXentLoss,
    SwaVLoss,
    VICRegLoss,
)
from lightly.models.utils import update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import arange, eye, logdet, mm, no_grad
from torch.nn.functional import cosine_similarity, cross_entropy, normalize

SCHEDULE = 12
"""Steps that a momentum's schedule is laid out for; the steps here are its second."""


def pairs(m, views):
    return [m.projector(m.backbone(view)) for group in views for view in group.unbind(1)]


def copies(m, name, view_group):
    backbone, projector = getattr(m, f"{name}_backbone"), getattr(m, f"{name}_projector")
    with no_grad():
        return [projector(backbone(view)) for view in view_group.unbind(1)]


def follow(network, copied, momentum):
    for part in ("backbone", "projector"):
        update_momentum(getattr(network, part), getattr(network, f"{copied}_{part}"), momentum)


def raised(m):
    """Lightly's momentum of the second step: it moves the copy before the pass."""
    return cosine_schedule(1, SCHEDULE + 1, m.settings.momentum, 1)


def nothing():
    pass


def simclr(m):
    criterion = NTXentLoss(temperature=m.settings.temperature)
    return lambda views: (criterion(*pairs(m, views)), nothing)


def byol(m):
    criterion = NegativeCosineSimilarity()

    def step(views):
        first, second = pairs(m, views)
        one, two = copies(m, "target", views[0])
        loss = 0.5 * (criterion(m.predictor(first), two) + criterion(m.predictor(second), one))
        return loss, lambda: follow(m, "target", raised(m))

    return step


def moco(m):
    criterion = NTXentLoss(
        temperature=m.settings.temperature,
        memory_bank_size=(m.settings.queue, m.settings.dimension),
    )
    criterion.memory_bank.bank = m._loss.memory_bank.bank.clone()

    def step(views):
        first, second = views[0].unbind(1)
        with no_grad():
            key = m.key_projector(m.key_backbone(second))
        loss = criterion(m.projector(m.backbone(first)), key)
        return loss, lambda: follow(m, "key", m.settings.momentum)

    return step


def vicreg(m):
    criterion = VICRegLoss()
    return lambda views: (criterion(*pairs(m, views)), nothing)


def barlow_twins(m):
    criterion = BarlowTwinsLoss()
    return lambda views: (criterion(*pairs(m, views)), nothing)


def simsiam(m):
    criterion = NegativeCosineSimilarity()

    def step(views):
        z0, z1 = pairs(m, views)
        p0, p1 = m.predictor(z0), m.predictor(z1)
        return 0.5 * (criterion(p0, z1.detach()) + criterion(p1, z0.detach())), nothing

    return step


def dino(m):
    criterion = DINOLoss(output_dim=m.settings.prototypes)

    def step(views):
        loss = criterion(copies(m, "teacher", views[0]), pairs(m, views))
        return loss, lambda: follow(m, "teacher", raised(m))

    return step


def swav(m):
    criterion = SwaVLoss()

    def step(views):
        m.prototypes.normalize()
        scores = [m.prototypes(normalize(each, dim=1, p=2)) for each in pairs(m, views)]
        large = views[0].shape[1]
        return criterion(scores[:large], scores[large:]).squeeze(), m.prototypes.normalize

    return step


def moco_v3(m):
    """Algorithm 1 of arXiv:2104.02057."""
    temperature = m.settings.temperature

    def ctr(q, k):
        logits = mm(normalize(q, dim=1), normalize(k, dim=1).t())
        return 2 * temperature * cross_entropy(logits / temperature, arange(len(q)))

    def step(views):
        q1, q2 = (m.predictor(each) for each in pairs(m, views))
        k1, k2 = copies(m, "key", views[0])
        return ctr(q1, k2) + ctr(q2, k1), lambda: follow(m, "key", raised(m))

    return step


def emp_ssl(m):
    """Equations 4 and 5 of arXiv:2304.03977, and the authors' distortion, which is not squared."""

    def step(views):
        z = [normalize(each, dim=1) for each in pairs(m, views)]
        mean = sum(z) / len(z)
        rates, likeness = [], []
        for each in z:
            batch, width = each.shape
            inner = eye(width) + width / (batch * 0.2) * each.T @ each
            rates.append(logdet(inner) / 2)
            likeness.append(cosine_similarity(each, mean).mean())
        return -sum(rates) / len(z) - 200 * sum(likeness) / len(z), nothing

    return step


STEPS = {
    each.__name__: each
    for each in (
        simclr, byol, moco, vicreg, barlow_twins, simsiam, dino, swav, moco_v3, emp_ssl,
    )
}  # fmt: skip
