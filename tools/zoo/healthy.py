"""Makes a seeded, untrained network behave like a trained one, so that comparisons on it mean something.

Freshly initialised networks shrink or blow up their activations and answer nearly the same to every input; a wrong kernel
would then hide in the noise. Here batch-norm statistics come from a real forward pass, residual branches are damped as
training damps them (otherwise one rounding is amplified by every block), and the logits are centred over the inputs.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from tools.zoo.inputs import feeds_of_kind

RESIDUAL_GAIN = 0.4
LOGIT_DEVIATION = 3.0


def make_healthy(model: nn.Module, kind: str, seed: int = 0, batch: int = 16) -> nn.Module:
    """Spreads the weights, sets the batch-norm statistics and centres the head, in place; returns it in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    _spread(model, generator)
    images = torch.from_numpy(np.concatenate([f for feed in feeds_of_kind(kind, batch, seed=seed + 1) for f in feed.values()]))
    _set_batch_norm_statistics(model, images)
    head = next((m for n, m in model.named_modules() if n.split(".")[-1] == "head" and isinstance(m, nn.Linear)), None)
    if head is not None:
        _centre_head(model, head, images)
    return model.eval()


def _spread(model: nn.Module, generator: torch.Generator) -> None:
    """He-initialised convolutions; batch-norm scales and shifts that differ by channel; damped residual branches."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.weight[0].numel()
            module.weight.data.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.1, generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.7, 1.3, generator=generator)
            module.bias.data.normal_(0, 0.2, generator=generator)
            if getattr(module, "ends_residual_branch", False):
                module.weight.data.mul_(RESIDUAL_GAIN)


@torch.no_grad()
def _set_batch_norm_statistics(model: nn.Module, images: torch.Tensor) -> None:
    """One training-mode pass with momentum 1: every layer normalises by, and records, the statistics of this batch."""
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    model(images)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


@torch.no_grad()
def _centre_head(model: nn.Module, head: nn.Linear, images: torch.Tensor) -> None:
    """Rescales the last linear layer: logits vary by LOGIT_DEVIATION over the inputs, around a zero mean."""
    seen: list[torch.Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.eval()(images)
    hook.remove()
    features = torch.cat(seen)
    deviation = ((features - features.mean(0)) @ head.weight.T).std()
    head.weight.mul_(LOGIT_DEVIATION / deviation)
    head.bias.copy_(-(features.mean(0) @ head.weight.T))
