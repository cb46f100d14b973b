"""The peer of the air benchmark: prompt training in plain PyTorch as the published loops do it, on features from a file.

load MODEL FEATURES THREADS   reads the text tower (Hugging Face names) and the features of real and synthetic images
train ROUNDS EPOCHS BATCH     trains a prompt of 16 vectors from its first values in every round
Each command answers with one line: the versions, or the seconds it took and the last mean loss.
"""
import json
import struct
import sys
import time

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
    def __init__(self, width, heads, inner):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_fc, self.c_proj = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x, mask):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.c_proj(F.gelu(self.c_fc(self.ln_2(x))))


class TextTower(nn.Module):
    """Every class's whole context goes through the tower, as the published code does."""

    def __init__(self, w, heads):
        super().__init__()
        self.tokens = w["text_model.embeddings.token_embedding.weight"]
        self.positions = w["text_model.embeddings.position_embedding.weight"]
        length, width = self.positions.shape
        layers = 1 + max(int(n.split(".")[3]) for n in w if n.startswith("text_model.encoder.layers."))
        inner = w["text_model.encoder.layers.0.mlp.fc1.weight"].shape[0]
        self.blocks = nn.ModuleList(Block(width, heads, inner) for _ in range(layers))
        self.ln_final = nn.LayerNorm(width)
        self.projection = w["text_projection.weight"].t()
        self.mask = torch.full((length, length), float("-inf")).triu_(1)

        def put(module, name):
            module.weight.data, module.bias.data = w[name + ".weight"], w[name + ".bias"]

        put(self.ln_final, "text_model.final_layer_norm")
        for i, block in enumerate(self.blocks):
            name = f"text_model.encoder.layers.{i}."
            put(block.ln_1, name + "layer_norm1")
            put(block.ln_2, name + "layer_norm2")
            put(block.c_fc, name + "mlp.fc1")
            put(block.c_proj, name + "mlp.fc2")
            put(block.attn.out_proj, name + "self_attn.out_proj")
            for kind in ("weight", "bias"):
                joined = torch.cat([w[f"{name}self_attn.{p}_proj.{kind}"] for p in "qkv"])
                getattr(block.attn, "in_proj_" + kind).data = joined
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def forward(self, embeddings, ends):
        x = (embeddings + self.positions).transpose(0, 1)
        for block in self.blocks:
            x = block(x, self.mask)
        x = self.ln_final(x.transpose(0, 1))
        return x[torch.arange(len(ends)), ends] @ self.projection


def batches(count, size, generator):
    while True:
        order = torch.randperm(count, generator=generator)
        for start in range(0, count - size + 1, size):
            yield order[start:start + size]


def train(tower, data, scale, rounds, epochs, batch):
    generator = torch.Generator().manual_seed(1)
    ids = data["ids"]                                           # [C, L]: start, 16 places, name, end, padding
    ends = data["ends"]
    embeddings = tower.tokens[ids]
    real, labels, synthetic, classes = data["real"], data["labels"], data["synthetic"], data["classes"]
    initial = torch.randn(1, 16, embeddings.shape[2], generator=generator) * 0.02
    loss = torch.zeros(())
    for _ in range(rounds):
        prompt = nn.Parameter(initial.clone())
        optimizer = torch.optim.SGD([prompt], lr=0.1, momentum=0.9, weight_decay=0.05)
        made = batches(len(synthetic), batch, generator)
        for epoch in range(epochs):
            warm = min(5, epochs // 10)
            rate = 1e-4 if epoch < warm else 0.05 * (1 + np.cos(np.pi * (epoch - warm) / (epochs - warm)))
            optimizer.param_groups[0]["lr"] = rate
            order = torch.randperm(len(real), generator=generator)
            for start in range(0, len(real), batch):
                rows, other = order[start:start + batch], next(made)
                context = torch.cat([embeddings[:, :1], prompt.expand(len(ids), -1, -1), embeddings[:, 17:]], 1)
                vectors = F.normalize(tower(context, ends), dim=-1)
                loss = F.cross_entropy(scale * real[rows] @ vectors.t(), labels[rows])
                loss = loss + 0.1 * F.cross_entropy(scale * synthetic[other] @ vectors.t(), classes[other])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                loss.item()
        with torch.no_grad():
            context = torch.cat([embeddings[:, :1], prompt.expand(len(ids), -1, -1), embeddings[:, 17:]], 1)
            vectors = F.normalize(tower(context, ends), dim=-1)
            (scale * real @ vectors.t()).softmax(-1)
    return loss.item()


def main():
    tower = data = None
    scale = 100.0
    for line in sys.stdin:
        command, *args = line.rstrip("\n").split("\t")
        if command == "load":
            torch.set_num_threads(int(args[2]))
            weights = read_safetensors(args[0])
            data = read_safetensors(args[1])
            tower = TextTower(weights, int(data["heads"]))
            scale = float(weights["logit_scale"].exp())
            print(f"PyTorch {torch.__version__}", flush=True)
        else:
            started = time.perf_counter()
            loss = train(tower, data, scale, *(int(a) for a in args))
            print(f"{time.perf_counter() - started:.6f}\t{loss:.5f}", flush=True)


main()
