"""The peer of the clip benchmark: CLIP's image tower in plain PyTorch with Pillow, driven by lines on standard input.

images FOLDER COUNT   writes COUNT JPEG files of about one megapixel, unless they are there
load FILE THREADS     loads a ViT in Hugging Face names from a safetensors file
export TRACE ONNX     writes the loaded model as a TorchScript trace and as an ONNX file, unless they are there
pipeline FOLDER BATCH OUT   decodes, preprocesses and encodes every image; features go to OUT as float32
model BATCH REPEATS   encodes random pixels
Each command answers with one line: the seconds it took, or the versions.
"""
import json
import os
import struct
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch import nn

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)


def make_images(folder, count):
    os.makedirs(folder, exist_ok=True)
    for i in range(count):
        path = os.path.join(folder, f"{i:05d}.jpg")
        if os.path.exists(path):
            continue
        # Smooth structure with noise: about as many bytes as a photograph of this size.
        rng = np.random.default_rng(i)
        width, height = [(1152, 864), (864, 1152), (1000, 1000), (1280, 800)][i % 4]
        small = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        image = np.asarray(Image.fromarray(small).resize((width, height), Image.BICUBIC)).astype(np.int16)
        image += rng.integers(-12, 13, (height, width, 1), dtype=np.int16)
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(path + ".part", "JPEG", quality=85)
        os.rename(path + ".part", path)


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = np.frombuffer(file.read(), dtype=np.uint8)
    header.pop("__metadata__", None)
    return {
        name: torch.from_numpy(data[e["data_offsets"][0]:e["data_offsets"][1]].copy().view(np.float32).reshape(e["shape"]))
        for name, e in header.items()
    }


class Block(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads)
        self.ln_1 = nn.LayerNorm(width)
        self.ln_2 = nn.LayerNorm(width)
        self.c_fc = nn.Linear(width, inner)
        self.c_proj = nn.Linear(inner, width)

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        h = self.c_fc(self.ln_2(x))
        return x + self.c_proj(h * torch.sigmoid(1.702 * h))


class Tower(nn.Module):
    def __init__(self, w):
        super().__init__()
        patch = w["vision_model.embeddings.patch_embedding.weight"]
        width, _, self.patch, _ = patch.shape
        layers = 1 + max(int(n.split(".")[3]) for n in w if n.startswith("vision_model.encoder.layers."))
        inner = w["vision_model.encoder.layers.0.mlp.fc1.weight"].shape[0]
        self.conv1 = nn.Conv2d(3, width, self.patch, self.patch, bias=False)
        self.conv1.weight.data = patch
        self.cls = nn.Parameter(w["vision_model.embeddings.class_embedding"])
        self.pos = nn.Parameter(w["vision_model.embeddings.position_embedding.weight"])
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, width // 64, inner) for _ in range(layers))
        self.proj = nn.Parameter(w["visual_projection.weight"].t())

        def put(module, name):
            module.weight.data, module.bias.data = w[name + ".weight"], w[name + ".bias"]

        put(self.ln_pre, "vision_model.pre_layrnorm")
        put(self.ln_post, "vision_model.post_layernorm")
        for i, block in enumerate(self.blocks):
            name = f"vision_model.encoder.layers.{i}."
            put(block.ln_1, name + "layer_norm1")
            put(block.ln_2, name + "layer_norm2")
            put(block.c_fc, name + "mlp.fc1")
            put(block.c_proj, name + "mlp.fc2")
            put(block.attn.out_proj, name + "self_attn.out_proj")
            for kind in ("weight", "bias"):
                joined = torch.cat([w[f"{name}self_attn.{p}_proj.{kind}"] for p in "qkv"])
                getattr(block.attn, "in_proj_" + kind).data = joined

    def forward(self, pixels):
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], 1, -1), x], 1) + self.pos
        x = self.ln_pre(x).transpose(0, 1)
        for block in self.blocks:
            x = block(x)
        return self.ln_post(x[0]) @ self.proj


def preprocess(path, size):
    image = Image.open(path).convert("RGB")
    width, height = image.size
    scale = (size, int(size * height / width)) if width <= height else (int(size * width / height), size)
    image = image.resize(scale, Image.BICUBIC)
    left, top = int(round((scale[0] - size) / 2.0)), int(round((scale[1] - size) / 2.0))
    image = image.crop((left, top, left + size, top + size))
    return (torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255) - MEAN) / STD


def encode(tower, pixels):
    features = tower(pixels)
    return features / features.norm(dim=-1, keepdim=True)


def write_once(path, write):
    if not os.path.exists(path):
        write(path + ".part")
        os.rename(path + ".part", path)


def export(tower, size, trace, onnx):
    # The batch is open in both, and the trace holds no cast, so that it runs in whatever type it is converted to.
    pixels = torch.randn(2, 3, size, size)
    write_once(trace, lambda path: torch.jit.trace(tower, pixels).save(path))
    write_once(onnx, lambda path: torch.onnx.export(
        tower, pixels, path, opset_version=14, input_names=["pixels"], output_names=["features"],
        dynamic_axes={"pixels": {0: "batch"}, "features": {0: "batch"}}))


def main():
    tower = None
    size = 224
    for line in sys.stdin:
        command, *args = line.rstrip("\n").split("\t")
        started = time.perf_counter()
        answer = None
        with torch.inference_mode(command not in ("load", "export")), torch.no_grad():
            if command == "images":
                make_images(args[0], int(args[1]))
            elif command == "load":
                torch.set_num_threads(int(args[1]))
                tower = Tower(read_safetensors(args[0])).eval()
                size = tower.patch * int(round((tower.pos.shape[0] - 1) ** 0.5))
                answer = f"PyTorch {torch.__version__}, Pillow {Image.__version__}"
            elif command == "export":
                export(tower, size, *args)
            elif command == "pipeline":
                paths = sorted(os.path.join(args[0], n) for n in os.listdir(args[0]) if n.endswith(".jpg"))
                batch = int(args[1])
                features = [
                    encode(tower, torch.stack([preprocess(p, size) for p in paths[i:i + batch]])) for i in range(0, len(paths), batch)
                ]
                np.asarray(torch.cat(features), dtype=np.float32).tofile(args[2])
            elif command == "model":
                pixels = torch.randn(int(args[0]), 3, size, size, generator=torch.Generator().manual_seed(1))
                started = time.perf_counter()
                for _ in range(int(args[1])):
                    tower(pixels)
        print(answer or f"{time.perf_counter() - started:.6f}", flush=True)


main()
