"""The peer of the training benchmark: LatteCLIP's and T2I-PAL's epochs in plain PyTorch with Pillow, driven by lines on standard input.

load MODEL DATA THREADS        reads both towers (Hugging Face names) and the data of both methods
finetune FOLDER EPOCHS BATCH   fine-tunes both towers on the photos of a folder and texts about them (LatteCLIP)
labels EPOCHS BATCH            learns two prompts and an adapter on features of captions and images (T2I-PAL)
Each command answers with one line: the versions, or the seconds it took and the last loss.
"""
import math
import os
import random
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from towers import ImageTower, TextTower, read_safetensors


def crop(path, size, draw):
    image = Image.open(path).convert("RGB")
    width, height = image.size
    for _ in range(10):
        area = width * height * draw.uniform(0.9, 1)
        ratio = math.exp(draw.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = int(round(math.sqrt(area * ratio))), int(round(math.sqrt(area / ratio)))
        if 0 < w <= width and 0 < h <= height:
            left, top = draw.randint(0, width - w), draw.randint(0, height - h)
            break
    else:
        left, top, w, h = 0, 0, width, height
    return np.asarray(image.crop((left, top, left + w, top + h)).resize((size, size), Image.BICUBIC))


def encode_texts(tower, ids):
    return F.normalize(tower(tower.tokens[ids], ids.argmax(-1)), dim=-1)


def contrast(images, texts, scale):
    logits = scale * images @ texts.t()
    rows = torch.arange(len(logits))
    return (F.cross_entropy(logits, rows) + F.cross_entropy(logits.t(), rows)) / 2


def mixed(texts, images, prototypes, labels):
    weights = (texts.detach() * images.detach()).sum(-1).softmax(0)                          # [3, B]
    return F.normalize(0.99 * prototypes[labels] + 0.01 * (weights[..., None] * texts).sum(0), dim=-1)


def follow(prototypes, features, labels):
    sums = torch.zeros_like(prototypes).index_add_(0, labels, features.detach())
    seen = torch.bincount(labels, minlength=len(prototypes)) > 0
    return torch.where(seen[:, None], F.normalize(sums, dim=-1), prototypes)


def finetune(image, text, scale, data, folder, epochs, batch):
    paths = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".png"))[:len(data["labels"])]
    size = image.patch * int(round((image.pos.shape[0] - 1) ** 0.5))
    draw, generator = random.Random(1), torch.Generator().manual_seed(1)
    scale = nn.Parameter(torch.tensor(math.log(scale)))
    parameters = [scale, *image.parameters(), *text.parameters()]
    groups = [
        {"params": [p for p in parameters if (p.dim() >= 2) == decays], "weight_decay": 0.2 if decays else 0.0} for decays in (True, False)
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-7, betas=(0.9, 0.98), eps=1e-6)
    with torch.no_grad():
        prototypes = encode_texts(text, data["class_ids"])
    loss = torch.zeros(())
    for _ in range(epochs):
        order = torch.randperm(len(paths), generator=generator)
        snapshot = prototypes.clone()
        for start in range(0, len(paths) - batch + 1, batch):
            rows = order[start:start + batch]
            pixels = np.stack([crop(paths[i], size, draw) for i in rows.tolist()])
            pixels = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.25
            images = F.normalize(image(pixels), dim=-1)
            given = data["labels"][rows]
            current = (images.detach() @ prototypes.t()).argmax(1)
            used, places = torch.cat([current, given]).unique(return_inverse=True)
            ids = torch.cat([data["image_ids"][rows], data["group_ids"][rows], data["class_ids"][used]])
            texts = encode_texts(text, ids)
            own, group, classes = texts[:batch], texts[batch:2 * batch], texts[2 * batch:][places]
            now = mixed(torch.stack([own, group, classes[:batch]]), images, snapshot, current)
            before = mixed(torch.stack([own, group, classes[batch:]]), images, snapshot, given)
            loss = contrast(images, before, scale.exp()) + contrast(images, now, scale.exp())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scale.data.clamp_(0, math.log(100))
            prototypes = follow(follow(prototypes, before, given), now, current)
            loss.item()
    return loss.item()


def scores(features, keep, first, second, adapter):
    whole, places = F.normalize(features[:, 0], dim=-1), F.normalize(features[:, 1:], dim=-1)
    local = F.normalize(second, dim=-1) @ places.transpose(1, 2)                             # [B, C, N]
    masked = local if keep is None else local - (1 - keep[:, None]) * 10000
    heat = (50 * masked).softmax(-1)
    seen = F.normalize(heat @ places, dim=-1)                                                # [B, C, D]
    affinity = (5.5 * ((seen * F.normalize(adapter, dim=-1)).sum(-1) - 1)).exp()
    return 4 * whole @ F.normalize(first, dim=-1).t(), 4 * ((heat * local).sum(-1) + 0.5 * affinity)


def ranking(logits, labels):
    positive, negative = (labels == 1).float(), (labels == 0).float()
    hinge = (logits[:, :, None] - logits[:, None] + 1).relu()                                # [B, j, i]
    return (hinge * negative[:, :, None] * positive[:, None]).sum((1, 2)).mean()


def labels_epochs(text, data, epochs, batch):
    generator = torch.Generator().manual_seed(1)
    ids, ends = data["prompt_ids"], data["prompt_ids"].argmax(-1)
    embeddings = text.tokens[ids].detach()
    images, captions, labels = data["image_rows"], data["caption_rows"], data["multi_labels"]
    contexts = [nn.Parameter(torch.randn(16, embeddings.shape[2], generator=generator) * 0.02) for _ in range(2)]
    adapter = nn.Parameter(torch.randn(labels.shape[1], images.shape[2], generator=generator) * 0.02)
    optimizer = torch.optim.SGD(
        [{"params": contexts, "lr": 1e-4}, {"params": [adapter], "lr": 1e-3}], lr=1e-4, momentum=0.9, weight_decay=5e-4)
    loss = torch.zeros(())
    for _ in range(epochs):
        order = torch.randperm(len(labels), generator=generator)
        for start in range(0, len(labels), batch):
            rows = order[start:start + batch]
            first, second = (
                text(torch.cat([embeddings[:, :1], c.expand(len(ids), -1, -1), embeddings[:, 17:]], 1), ends) for c in contexts)
            wanted, told, shown = labels[rows], captions[rows].float(), images[rows].float()
            keep = (told[:, 1:].abs().amax(-1) > 0).float()
            loss = 0.7 * sum(ranking(z, wanted) for z in scores(shown, None, first, second, adapter))
            loss = loss + 0.3 * sum(ranking(z, wanted) for z in scores(told, keep, first, second, adapter))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
    return loss.item()


def main():
    model = data = None
    for line in sys.stdin:
        command, *args = line.rstrip("\n").split("\t")
        started = time.perf_counter()
        if command == "load":
            torch.set_num_threads(int(args[2]))
            model = args[0]
            data = {name: t.half() if name.endswith("_rows") else t for name, t in read_safetensors(args[1]).items()}
            print(f"PyTorch {torch.__version__}, Pillow {Image.__version__}", flush=True)
            continue
        weights = read_safetensors(model)
        heads, quick = int(data["heads"]), bool(int(data["quick"]))
        text = TextTower(weights, heads, quick)
        if command == "finetune":
            image = ImageTower(weights, heads, quick)
            loss = finetune(image, text, float(weights["logit_scale"].exp()), data, args[0], *(int(a) for a in args[1:]))
        else:
            loss = labels_epochs(text.requires_grad_(False), data, *(int(a) for a in args))
        print(f"{time.perf_counter() - started:.6f}\t{loss:.5f}", flush=True)


main()
