"""CLIP's towers in plain PyTorch, with weights in Hugging Face names: what the peers of the benchmarks share."""
import json
import struct

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def read_safetensors(path):
    kinds = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = np.frombuffer(file.read(), dtype=np.uint8)
    header.pop("__metadata__", None)
    tensors = {}
    for name, e in header.items():
        tensor = torch.from_numpy(data[e["data_offsets"][0]:e["data_offsets"][1]].copy().view(kinds[e["dtype"]]).reshape(e["shape"]))
        tensors[name] = tensor.float() if tensor.is_floating_point() else tensor
    return tensors


class Block(nn.Module):
    def __init__(self, width, heads, inner, quick):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_fc, self.c_proj = nn.Linear(width, inner), nn.Linear(inner, width)
        self.quick = quick

    def forward(self, x, mask=None):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        h = self.c_fc(self.ln_2(x))
        return x + self.c_proj(h * torch.sigmoid(1.702 * h) if self.quick else F.gelu(h))


def put(module, w, name):
    module.weight.data, module.bias.data = w[name + ".weight"], w[name + ".bias"]


def blocks(w, tower, width, heads, quick):
    prefix = tower + ".encoder.layers."
    layers = 1 + max(int(n.split(".")[3]) for n in w if n.startswith(prefix))
    inner = w[prefix + "0.mlp.fc1.weight"].shape[0]
    made = nn.ModuleList(Block(width, heads, inner, quick) for _ in range(layers))
    for i, block in enumerate(made):
        name = f"{prefix}{i}."
        put(block.ln_1, w, name + "layer_norm1")
        put(block.ln_2, w, name + "layer_norm2")
        put(block.c_fc, w, name + "mlp.fc1")
        put(block.c_proj, w, name + "mlp.fc2")
        put(block.attn.out_proj, w, name + "self_attn.out_proj")
        for kind in ("weight", "bias"):
            joined = torch.cat([w[f"{name}self_attn.{p}_proj.{kind}"] for p in "qkv"])
            getattr(block.attn, "in_proj_" + kind).data = joined
    return made


class ImageTower(nn.Module):
    def __init__(self, w, heads=None, quick=True):
        super().__init__()
        patch = w["vision_model.embeddings.patch_embedding.weight"]
        width, _, self.patch, _ = patch.shape
        self.conv1 = nn.Conv2d(3, width, self.patch, self.patch, bias=False)
        self.conv1.weight.data = patch
        self.cls = nn.Parameter(w["vision_model.embeddings.class_embedding"])
        self.pos = nn.Parameter(w["vision_model.embeddings.position_embedding.weight"])
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = blocks(w, "vision_model", width, heads or width // 64, quick)
        self.proj = nn.Parameter(w["visual_projection.weight"].t())
        put(self.ln_pre, w, "vision_model.pre_layrnorm")
        put(self.ln_post, w, "vision_model.post_layernorm")

    def forward(self, pixels):
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], 1, -1), x], 1) + self.pos
        x = self.ln_pre(x).transpose(0, 1)
        for block in self.blocks:
            x = block(x)
        return self.ln_post(x[0]) @ self.proj


class TextTower(nn.Module):
    """Every text's whole context goes through the tower, as the published code does."""

    def __init__(self, w, heads, quick=False):
        super().__init__()
        self.tokens = nn.Parameter(w["text_model.embeddings.token_embedding.weight"])
        self.positions = nn.Parameter(w["text_model.embeddings.position_embedding.weight"])
        length, width = self.positions.shape
        self.blocks = blocks(w, "text_model", width, heads, quick)
        self.ln_final = nn.LayerNorm(width)
        self.projection = nn.Parameter(w["text_projection.weight"].t())
        self.register_buffer("mask", torch.full((length, length), float("-inf")).triu_(1))
        put(self.ln_final, w, "text_model.final_layer_norm")

    def forward(self, embeddings, ends):
        length = embeddings.shape[1]
        x = (embeddings + self.positions[:length]).transpose(0, 1)
        for block in self.blocks:
            x = block(x, self.mask[:length, :length])
        x = self.ln_final(x.transpose(0, 1))
        return x[torch.arange(len(ends)), ends] @ self.projection
