"""The peer of the air benchmark: prompt training in plain PyTorch as the published loops do it, on features from a file.

load MODEL FEATURES THREADS   reads the text tower (Hugging Face names) and the features of real and synthetic images
train ROUNDS EPOCHS BATCH     trains a prompt of 16 vectors from its first values in every round
Each command answers with one line: the versions, or the seconds it took and the last mean loss.
"""
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from towers import TextTower, read_safetensors


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
            tower = TextTower(weights, int(data["heads"])).requires_grad_(False)
            scale = float(weights["logit_scale"].exp())
            print(f"PyTorch {torch.__version__}", flush=True)
        else:
            started = time.perf_counter()
            loss = train(tower, data, scale, *(int(a) for a in args))
            print(f"{time.perf_counter() - started:.6f}\t{loss:.5f}", flush=True)


main()
