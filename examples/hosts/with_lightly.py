"""
Lightly: data set, head and loss are its own
============================================

A crop policy inside a Lightly pipeline: its data set, its head, its loss, our views.
"""

import torch
from lightly.data import LightlyDataset
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import FakeData
from torchvision.models import resnet18

from tamecrop.views import SimCLRViews


def main() -> float:
    """Train for one step on 16 images; the loss."""
    images = FakeData(size=16, image_size=(3, 48, 64))
    views = SimCLRViews("mgcc:scale=0.4,sigma=0.2165", size=32)
    data = LightlyDataset.from_torch_dataset(images, transform=views)

    backbone = resnet18()
    backbone.fc = nn.Identity()
    model = nn.Sequential(backbone, SimCLRProjectionHead(512, 512, 128))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.06)

    (first, second), _, _ = next(iter(DataLoader(data, batch_size=16)))
    loss = NTXentLoss(temperature=0.2)(model(first), model(second))
    loss.backward()
    optimizer.step()
    return float(loss.detach())


if __name__ == "__main__":
    print(main())
