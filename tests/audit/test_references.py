"""Reference networks: what a name means, real loading code with stand-in weights, refusals."""

import pytest
import safetensors.torch
import torch
import torchvision

from tamecrop.audit.reference import network as networks
from tamecrop.audit.reference.network import (
    ReferenceName,
    load_network,
    read_reference,
    remove_head,
)

VIEWS = torch.randint(0, 255, (2, 3, 64, 64), dtype=torch.uint8)


@pytest.fixture
def untrained(monkeypatch):
    """torchvision's models as they are, but never downloaded: `weights` becomes None."""
    real = torchvision.models.get_model
    asked = []

    def build(name, *, weights=None, **settings):
        asked.append(weights)
        torch.manual_seed(0)
        return real(name, weights=None, **settings)

    monkeypatch.setattr(networks.torchvision.models, "get_model", build)
    return asked


def test_names_are_read():
    assert read_reference("auto") == ReferenceName("auto")
    assert read_reference("torchvision:resnet18") == ReferenceName("torchvision", "resnet18")
    assert str(read_reference("timm:resnet10t@w.safetensors").weights) == "w.safetensors"
    assert read_reference("run:out/cells/a@b").name == "out/cells/a@b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("torchvison:resnet18", "did you mean 'torchvision'"),
        ("torchvision", "is written"),
        ("small:resnet18", "is written"),
        ("timm:resnet18@", "must name a file"),
    ],
)
def test_wrong_names_are_one_clear_error(text, message):
    with pytest.raises(ValueError, match=message):
        read_reference(text)


def test_shipped_weights_are_asked_for_and_classes_found_by_name(untrained):
    found = load_network(read_reference("torchvision:resnet18"), ("Tench", "french_horn"))
    assert untrained == ["DEFAULT"]
    assert found.side == 224
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None).eval()
    inputs = (VIEWS.float() / 255 - torch.tensor(found.mean)[:, None, None]) / torch.tensor(
        found.std
    )[:, None, None]
    names = torchvision.models.ResNet18_Weights.DEFAULT.meta["categories"]
    columns = [names.index("tench"), names.index("French horn")]
    with torch.inference_mode():
        scores = model(inputs)[:, columns]
        look = found.run(VIEWS)
        assert torch.allclose(found.head(look.features), scores, atol=1e-4)
    assert torch.equal(look.classes, scores.argmax(1))


def test_a_classifier_with_other_classes_is_refused(untrained):
    with pytest.raises(ValueError, match=r"1000 classes, and 2 of the data's 3 .* such as 'zero'"):
        load_network(read_reference("torchvision:resnet18"), ("zero", "tench", "one"))


def test_features_need_no_classes(untrained):
    look = load_network(read_reference("torchvision:resnet18"), None).run(VIEWS)
    assert look.classes is None
    assert look.features.shape == (2, 512)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_a_model_is_its_body_and_its_head(name):
    model = torchvision.models.get_model(name, weights=None, num_classes=4).eval()
    inputs = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        whole = model(inputs)
        body, linear = remove_head(model, name)
        assert torch.allclose(linear(body(inputs)), whole, atol=1e-5)


def test_a_model_without_a_linear_head_is_refused():
    with pytest.raises(ValueError, match="squeezenet1_1 has none"):
        remove_head(torchvision.models.squeezenet1_1(weights=None), "squeezenet1_1")


def test_weights_of_ones_own_are_for_the_classes_of_the_data(tmp_path):
    model = torchvision.models.resnet18(weights=None, num_classes=2).eval()
    safetensors.torch.save_file(model.state_dict(), tmp_path / "own.safetensors")
    own = read_reference(f"torchvision:resnet18@{tmp_path / 'own.safetensors'}")
    look = load_network(own, ("no", "yes")).run(VIEWS)
    assert look.classes.shape == (2,)
    with pytest.raises(ValueError, match="does not fit resnet18"):
        load_network(own, ("a", "b", "c"))
    with pytest.raises(ValueError, match="must name a file that exists"):
        load_network(read_reference("torchvision:resnet18@gone.safetensors"), ("a", "b"))


def test_timm_models_are_loaded_the_same_way(tmp_path, monkeypatch):
    timm = pytest.importorskip("timm")
    model = timm.create_model("test_resnet", pretrained=False, num_classes=2)
    safetensors.torch.save_file(model.state_dict(), tmp_path / "own.safetensors")
    own = load_network(
        read_reference(f"timm:test_resnet@{tmp_path / 'own.safetensors'}"), ("no", "yes")
    )
    assert own.run(VIEWS).classes.shape == (2,)
    real = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained: real(name, pretrained=False))
    by_wnid = load_network(read_reference("timm:test_resnet"), ("n01440764", "tench"))
    assert by_wnid.run(VIEWS).classes is not None
    with pytest.raises(ValueError, match="unknown timm model"):
        load_network(read_reference("timm:resnet1"), None)


def test_an_unknown_torchvision_model_is_read_reference():
    with pytest.raises(ValueError, match="did you mean 'resnet18'"):
        load_network(read_reference("torchvision:resnet19"), None)


def test_weights_that_cannot_be_had_are_one_clear_error(monkeypatch):
    def offline(name, **settings):
        raise OSError("no route")

    monkeypatch.setattr(networks.torchvision.models, "get_model", offline)
    with pytest.raises(OSError, match="the weights of resnet18 cannot be had: no route"):
        load_network(read_reference("torchvision:resnet18"), None)
