"""Makes a seeded, untrained network behave like a trained one, so that comparisons on it mean something.

Freshly initialised networks shrink or blow up their activations and answer nearly the same to every input; a wrong kernel
would then hide in the noise. Here batch-norm statistics come from a real forward pass and the logits are centred over the
inputs. Two habits of trained weights are imitated, since without them a random network amplifies every rounding (MobileNetV2
quantized by ONNX Runtime then reaches a cosine of 0.83 to FP32; with them 0.996, what the trained EfficientNet-Lite0
reaches): k×k filters are mostly smooth, and residual branches are small beside what they are added to.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from tools.zoo.inputs import feeds_of_kind

RESIDUAL_GAIN = 0.2
SMOOTHNESS = 0.65
NORMS = (nn.BatchNorm2d, nn.LayerNorm)
HEADS = ("head", "classifier")
# Each picture is about one sample of what deep layers see. Statistics of 12 fit those 12 and no other: EfficientNet-B0's
# activations on new pictures then grow 40-fold over its depth; with 48, 1.5-fold.
PICTURES_FOR_BATCH_NORM = 48
INPUTS_OTHERWISE = 12
SMALL_PICTURES = ("imagenet_224",)
LARGEST_SMOOTH_KERNEL = 7
LINEAR_RESIDUAL_GAIN = 0.5
# The last linear layers of residual branches, by their names in `transformers`.
LINEAR_RESIDUAL_ENDS = (".output.dense", ".o_proj", ".fc2")
LOGIT_DEVIATION = 3.0


def make_healthy(model: nn.Module, kind: str, seed: int = 0) -> nn.Module:
    """Spreads the weights, settles the activations and centres the head, in place; returns it in eval mode."""
    _spread(model, torch.Generator().manual_seed(seed))
    normalised = any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    batch = PICTURES_FOR_BATCH_NORM if normalised and kind in SMALL_PICTURES else INPUTS_OTHERWISE
    inputs = [torch.from_numpy(array) for array in feeds_of_kind(kind, batch=batch, seed=seed + 1)[0].values()]
    _settle(model, inputs)
    return model.eval()


def _spread(model: nn.Module, generator: torch.Generator) -> None:
    """Weights; norm scales and shifts that differ by channel; damped residual branches."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.copy_(_filters(module.weight, module.groups > 1, generator))
        if isinstance(module, nn.Linear):
            gain = LINEAR_RESIDUAL_GAIN if name.endswith(LINEAR_RESIDUAL_ENDS) else 1.0
            module.weight.data.normal_(0, gain * module.in_features**-0.5, generator=generator)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            module.bias.data.normal_(getattr(module, "settle_around", 0.0), 0.05, generator=generator)
        if isinstance(module, nn.Embedding):
            module.weight.data.normal_(0, 1.0 if module.num_embeddings > 1000 else 0.3, generator=generator)
        if isinstance(module, NORMS):
            module.weight.data.uniform_(0.7, 1.3, generator=generator)
            module.bias.data.normal_(0, 0.2 if isinstance(module, nn.BatchNorm2d) else 0.05, generator=generator)
            if getattr(module, "ends_residual_branch", False):
                module.weight.data.mul_(RESIDUAL_GAIN)
        for own, parameter in module.named_parameters(recurse=False):
            if "layer_scale" in own:
                parameter.data.uniform_(0.5 * RESIDUAL_GAIN, 1.5 * RESIDUAL_GAIN, generator=generator)
            if own in ("cls_token", "position_embeddings"):
                parameter.data.normal_(0, 0.3, generator=generator)


def _filters(weight: torch.Tensor, depthwise: bool, generator: torch.Generator) -> torch.Tensor:
    """He-initialised filters; those larger than 1×1 are SMOOTHNESS parts binomial blur to 1 - SMOOTHNESS parts noise."""
    fan_in, kernel = weight[0].numel(), max(weight.shape[-2:])
    deviation = (2 / fan_in) ** 0.5
    noise = torch.empty_like(weight).normal_(0, deviation, generator=generator)
    if kernel == 1 or kernel > LARGEST_SMOOTH_KERNEL:
        return noise
    blur = torch.outer(*(_binomial(size) for size in weight.shape[-2:]))
    gain = torch.empty(*weight.shape[:2], 1, 1).normal_(0, 1, generator=generator)
    if depthwise:
        gain = gain.abs() + 0.3
    taps = weight.shape[-2] * weight.shape[-1]
    return (1 - SMOOTHNESS) * noise + SMOOTHNESS * deviation * taps**0.5 * gain * blur / blur.norm()


def _binomial(size: int) -> torch.Tensor:
    """A row of Pascal's triangle."""
    return torch.tensor([float(math.comb(size - 1, index)) for index in range(size)])


@torch.no_grad()
def _settle(model: nn.Module, inputs: list[torch.Tensor]) -> None:
    """One pass in which batch norms (momentum 1) record the statistics of this batch and normalise by them, layers without
    a norm behind them (those marked `settle_to`, and all layers of a network without norms) are rescaled, and the head is
    centred."""
    norms = [module for module in model.modules() if isinstance(module, NORMS)]
    hooks, momenta = [], []
    for name, module in model.eval().named_modules():
        if isinstance(module, nn.Linear) and name.split(".")[-1] in HEADS:
            hooks.append(module.register_forward_pre_hook(centre_head))
        elif isinstance(module, (nn.Conv2d, nn.Linear)) and (not norms or hasattr(module, "settle_to")):
            hooks.append(module.register_forward_hook(_rescale))
        if isinstance(module, nn.BatchNorm2d):
            momenta.append((module, module.momentum))
            module.train().momentum = 1.0
    model(*inputs)
    for hook in hooks:
        hook.remove()
    for norm, momentum in momenta:
        norm.momentum = momentum


def _rescale(layer: nn.Module, _, result: torch.Tensor) -> torch.Tensor:
    """Makes the layer put out a deviation of `settle_to` (1 unless marked), now and from now on."""
    bias = layer.bias.view(-1, *(1,) * (result.ndim - 2))
    factor = getattr(layer, "settle_to", 1.0) / (result - bias).std()
    layer.weight.mul_(factor)
    return (result - bias) * factor + bias


def centre_head(head: nn.Linear, arguments: tuple[torch.Tensor]) -> None:
    """Rescales the last linear layer, before it sees `arguments`: logits vary by LOGIT_DEVIATION, around a mean as large.

    A zero mean would leave next to nothing of the logits of an average picture, and a cosine on that judges only rounding;
    the logits of the trained EfficientNet-Lite0 on these inputs correlate by 0.63, here by about 0.5.
    """
    (features,) = arguments
    centre = features.mean(0)
    head.weight.mul_(LOGIT_DEVIATION / ((features - centre) @ head.weight.T).std())
    common = torch.empty(head.out_features).normal_(0, LOGIT_DEVIATION, generator=torch.Generator().manual_seed(1))
    head.bias.copy_(common - centre @ head.weight.T)
