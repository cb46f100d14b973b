"""The peer of the clip benchmark: CLIP's image tower in plain PyTorch with Pillow, driven by lines on standard input.

images FOLDER COUNT   writes COUNT JPEG files of about one megapixel, unless they are there
load FILE THREADS     loads a ViT in Hugging Face names from a safetensors file
export TRACE ONNX     writes the loaded model as a TorchScript trace and as an ONNX file, unless they are there
pipeline FOLDER BATCH OUT   decodes, preprocesses and encodes every image; features go to OUT as float32
model BATCH REPEATS   encodes random pixels
Each command answers with one line: the seconds it took, or the versions.
"""
import os
import sys
import time

import numpy as np
import torch
from PIL import Image

from towers import ImageTower, read_safetensors

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
                tower = ImageTower(read_safetensors(args[0])).eval()
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
