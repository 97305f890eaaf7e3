from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from benchmarks import reference
from bstviz.encoders.base import AudioOrText
from bstviz.models.config import RECIPES, REFERENCE_SIZES, Modality, ModelConfig, NetworkSizes
from bstviz.models.network import (
    BatchNorm,
    Dropout,
    Linear,
    Network,
    Output,
    Standardise,
    count_parameters,
    member_state,
)
from tests.fakes import DEEP, TINY

AUDIO, TEXT, CLASSES = 10, 7, 23
KINDS: dict[Modality, tuple[AudioOrText, ...]] = {"audio": ("audio",), "text": ("text",), "both": ("audio", "text")}


def make(modality: Modality, sizes: NetworkSizes = TINY, members: int = 1) -> Network:
    model = Network(ModelConfig(modality, AUDIO, TEXT, CLASSES, sizes), members).eval()
    model.reset([torch.Generator().manual_seed(member) for member in range(members)])
    return model


def inputs(modality: Modality, n: int = 5) -> dict[AudioOrText, torch.Tensor]:
    torch.manual_seed(1)
    dims: dict[AudioOrText, int] = {"audio": AUDIO, "text": TEXT}
    return {kind: torch.randn(1, n, dims[kind]) for kind in KINDS[modality]}


def answer(modality: Modality) -> Output:
    with torch.inference_mode():
        return make(modality)(inputs(modality))


@pytest.mark.parametrize("sizes", [TINY, DEEP], ids=["plain", "deep"])
@pytest.mark.parametrize("modality", KINDS)
def test_shapes(modality: Modality, sizes: NetworkSizes) -> None:
    with torch.inference_mode():
        out = make(modality, sizes)(inputs(modality))
    assert out.logits.shape == (1, 5, CLASSES)
    assert out.latent.shape == (1, 5, TINY.latent)
    assert out.attention.shape == (1, 5, 2)


@pytest.mark.parametrize("modality", KINDS)
def test_attention_sums_to_one(modality: Modality) -> None:
    attention = answer(modality).attention
    assert (attention >= 0).all()
    torch.testing.assert_close(attention.sum(2), torch.ones(1, 5))


def test_a_single_modality_has_all_the_attention() -> None:
    assert answer("audio").attention.tolist() == [[[1, 0]] * 5]
    assert answer("text").attention.tolist() == [[[0, 1]] * 5]
    both = answer("both").attention
    assert ((both > 0) & (both < 1)).all()


def test_fusion_is_the_weighted_sum_of_equation_2() -> None:
    fusion = make("both").fusion
    assert fusion is not None
    h_a, h_t = torch.randn(1, 5, TINY.hidden), torch.randn(1, 5, TINY.hidden)
    first, _, second = fusion.score
    scores = torch.tanh(torch.cat([h_a, h_t], 2) @ first.weight + first.bias) @ second.weight + second.bias  # type: ignore[operator]
    alpha = torch.exp(scores) / torch.exp(scores).sum(2, keepdim=True)
    fused, attention = fusion(h_a, h_t)
    torch.testing.assert_close(attention, alpha)
    torch.testing.assert_close(fused, alpha[..., :1] * h_a + alpha[..., 1:] * h_t)


def test_default_sizes_are_those_of_the_paper() -> None:
    for sizes in (NetworkSizes(), REFERENCE_SIZES):
        assert (sizes.hidden, sizes.latent) == (128, 64)


def test_the_answer_of_a_sound_does_not_depend_on_its_batch() -> None:
    model, x = make("both"), inputs("both")
    with torch.inference_mode():
        torch.testing.assert_close(model(x).logits[:, 2:3], model({k: v[:, 2:3] for k, v in x.items()}).logits)


def test_both_modalities_move_the_answer() -> None:
    model, x = make("both"), inputs("both")
    with torch.inference_mode():
        before = model(x).logits
        for kind in KINDS["both"]:
            assert not torch.allclose(before, model({**x, kind: x[kind] + 1}).logits)


def test_standardise_removes_mean_and_deviation_of_its_rows_and_takes_constant_columns() -> None:
    x = torch.randn(300, 3) * torch.tensor([1.0, 5.0, 0.0]) + torch.tensor([0.0, 7.0, 2.0])
    layer = Standardise(2, 3)
    layer.fit(x, [torch.arange(200), torch.arange(100, 300)])
    out = layer(x[None])
    for member, rows in enumerate((slice(0, 200), slice(100, 300))):
        torch.testing.assert_close(out[member, rows].mean(0), torch.zeros(3), atol=1e-5, rtol=0)
        torch.testing.assert_close(out[member, rows].std(0)[:2], torch.ones(2))
    assert torch.isfinite(out).all()


def test_parts_of_an_embedding_have_the_same_share_of_the_mean_square() -> None:
    x = torch.randn(400, 8) * torch.arange(1, 9)
    layer = Standardise(1, 8)
    layer.fit(x, [torch.arange(400)], parts=(6, 2))
    mean_square = layer(x[None])[0].square().mean(0)
    torch.testing.assert_close(mean_square[:6].sum(), torch.tensor(4.0), rtol=0.01, atol=0)
    torch.testing.assert_close(mean_square[6:].sum(), torch.tensor(4.0), rtol=0.01, atol=0)
    torch.testing.assert_close(mean_square[6], mean_square[7], rtol=0.01, atol=0)


def test_the_fitted_moments_are_stored_and_not_trained() -> None:
    model = make("both")
    x = {kind: values[0] for kind, values in inputs("both").items()}
    model.fit_standardise(x, [torch.arange(5)], {})
    torch.testing.assert_close(model.state_dict()["standardise.text.mean"][0, 0], x["text"].mean(0))
    assert not any("standardise" in name for name, _ in model.named_parameters())


def test_members_answer_as_they_would_alone() -> None:
    model, x = make("both", members=3), inputs("both")
    alone = make("both")
    alone.load_state_dict(member_state(model, 2))
    with torch.inference_mode():
        together = model({kind: values.expand(3, -1, -1) for kind, values in x.items()})
        torch.testing.assert_close(together.logits[2:], alone(x).logits)
    assert not torch.allclose(together.logits[0], together.logits[1])


def test_initial_weights_are_within_one_over_the_root_of_the_inputs() -> None:
    layer = make("audio", members=2).encoders["audio"][0]
    assert isinstance(layer, Linear)
    assert layer.weight.abs().max() <= AUDIO**-0.5
    assert layer.weight.abs().max() > 0.9 * AUDIO**-0.5


def test_xavier_weights_are_within_its_bound_and_biases_zero() -> None:
    layer = Linear(2, 30, 50)
    layer.reset([torch.Generator().manual_seed(member) for member in range(2)], "xavier")
    expected = torch.nn.init.xavier_uniform_(torch.empty(50, 30)).abs().max().item()
    assert layer.weight.abs().max().item() == pytest.approx(expected, rel=0.01)
    assert layer.weight.abs().max() <= (6 / (30 + 50)) ** 0.5
    assert not torch.equal(layer.weight[0], layer.weight[1])
    assert layer.bias.abs().sum() == 0


def test_batch_norm_of_each_member_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm(3, 5), [torch.nn.BatchNorm1d(5) for _ in range(3)]
    with torch.no_grad():
        ours.weight.uniform_(0.5, 2)
        ours.bias.uniform_(-1, 1)
        for member, norm in enumerate(theirs):
            norm.weight.copy_(ours.weight[member])
            norm.bias.copy_(ours.bias[member])
    for _ in range(4):
        x = torch.randn(3, 8, 5) * 3 + 1
        torch.testing.assert_close(ours(x), torch.stack([norm(own) for norm, own in zip(theirs, x, strict=True)]))
    for member, norm in enumerate(theirs):
        torch.testing.assert_close(ours.running_mean[member], norm.running_mean)
        torch.testing.assert_close(ours.running_var[member], norm.running_var)
    ours.eval()
    x = torch.randn(3, 8, 5)
    torch.testing.assert_close(ours(x), torch.stack([norm.eval()(own) for norm, own in zip(theirs, x, strict=True)]))


@pytest.mark.parametrize("training", [False, True])
def test_the_deep_network_is_the_reference_one(training: bool) -> None:
    """With its weights it gives the logits of the public implementation's network, as the benchmarks have it."""
    torch.manual_seed(0)
    sizes = replace(RECIPES["hatr"].sizes, dropout=0.0)
    ours = Network(ModelConfig("both", 300, 270, CLASSES, sizes))
    theirs = reference.Network([300, 270], CLASSES)
    for layer in theirs.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    moments = [v for k, v in theirs.state_dict().items() if "running" in k]
    for value in moments:
        value.uniform_(0.5, 2)
    taken = [v for k, v in theirs.state_dict().items() if "num_batches" not in k]
    given = [(k, v) for k, v in ours.state_dict().items() if "standardise" not in k]
    assert len(taken) == len(given)
    for (name, own), value in zip(given, taken, strict=True):
        linear = name.endswith("weight") and own.ndim == 3
        own.copy_((value.T if linear else value).reshape(own.shape))
    ours.train(training)
    theirs.train(training)
    x = {"audio": torch.randn(1, 6, 300), "text": torch.randn(1, 6, 270)}
    found, expected = ours(x).logits[0], theirs([values[0] for values in x.values()])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_dropout_of_a_member_comes_from_its_own_generator() -> None:
    def dropped(members: int) -> torch.Tensor:
        layer = Dropout(0.3)
        layer.generators = [torch.Generator().manual_seed(member) for member in range(members)]
        return layer(torch.ones(members, 200, 50))

    torch.testing.assert_close(dropped(3)[:2], dropped(2))
    kept = dropped(1)
    assert (kept == 0).float().mean() == pytest.approx(0.3, abs=0.02)
    assert kept.mean() == pytest.approx(1, abs=0.03)


def dense(*widths: int) -> int:
    return sum(a * b + b for a, b in pairwise(widths))


def test_number_of_parameters_by_hand() -> None:
    width, hidden, latent = TINY.width, TINY.hidden, TINY.latent
    block = dense(width, width, width)
    head = dense(hidden, latent, CLASSES)

    def encoder(dim: int) -> int:
        return dense(dim, width) + block + dense(width, hidden)

    fusion = dense(2 * hidden, hidden, 2)
    assert count_parameters(make("audio")) == encoder(AUDIO) + head
    assert count_parameters(make("text")) == encoder(TEXT) + head
    assert count_parameters(make("both")) == encoder(AUDIO) + encoder(TEXT) + fusion + head


@pytest.mark.parametrize("sizes", [TINY, DEEP], ids=["plain", "deep"])
@pytest.mark.parametrize("modality", KINDS)
def test_every_parameter_is_reached_by_the_gradient(modality: Modality, sizes: NetworkSizes) -> None:
    model = make(modality, sizes).train()
    out = model(inputs(modality))
    (out.logits.logsumexp(1).sum() + out.latent.square().sum()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name


def test_there_is_no_dropout_where_an_answer_is_asked() -> None:
    model, x = make("audio", NetworkSizes(width=16, depth=2, hidden=8, latent=8, dropout=0.5)), inputs("audio")
    with torch.inference_mode():
        torch.testing.assert_close(model(x).logits, model(x).logits)
