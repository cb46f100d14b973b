"""The peer of the diffusion benchmark: Stable Diffusion v1's models in plain PyTorch, driven by lines on standard input.

load FOLDER THREADS      loads a model folder in diffusers layout
trace FILE SIDE BATCH    writes the UNet as a TorchScript trace, unless it is there
step SIDE BATCH REPEATS  calls the UNet on random latents of SIDE x SIDE
generate STEPS GUIDANCE IDS NEGATIVE LATENTS OUT   one image: DDIM with guidance, from the ids and latents of files, to a file
lora SIDE BATCH RANK STEPS   trains LoRA on the attentions of the UNet: noise, forward, backward, clipped AdamW
memory                   the largest resident size so far, in bytes
Each command answers with one line: the seconds it took on the clock and of the processor, the versions, or the bytes.
"""
import json
import math
import os
import resource
import struct
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = np.frombuffer(file.read(), dtype=np.uint8)
    header.pop("__metadata__", None)
    return {
        name: torch.from_numpy(data[e["data_offsets"][0]:e["data_offsets"][1]].copy().view(np.float32).reshape(e["shape"]))
        for name, e in header.items()
    }


def read_config(folder):
    with open(os.path.join(folder, "config.json")) as file:
        return json.load(file)


def each(value, count):
    return value if isinstance(value, list) else [value] * count


class Resnet(nn.Module):
    def __init__(self, cin, cout, time_width, groups, eps):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, cin, eps), nn.Conv2d(cin, cout, 3, padding=1)
        if time_width:
            self.time_emb_proj = nn.Linear(time_width, cout)
        self.norm2, self.conv2 = nn.GroupNorm(groups, cout, eps), nn.Conv2d(cout, cout, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(cin, cout, 1) if cin != cout else None

    def forward(self, x, t=None):
        h = self.conv1(F.silu(self.norm1(x)))
        if t is not None:
            h = h + self.time_emb_proj(F.silu(t))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return (x if self.conv_shortcut is None else self.conv_shortcut(x)) + h


class Attention(nn.Module):
    def __init__(self, width, key_width, heads, bias=False):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = nn.Linear(width, width, bias), nn.Linear(key_width, width, bias), nn.Linear(key_width, width, bias)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def split(self, x):
        b, n, w = x.shape
        return x.reshape(b, n, self.heads, w // self.heads).transpose(1, 2).reshape(b * self.heads, n, -1)

    def forward(self, x, context=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        scores = torch.baddbmm(torch.empty(1, 1, 1), q, k.transpose(1, 2), beta=0, alpha=q.shape[-1] ** -0.5)
        y = torch.bmm(scores.softmax(-1), v)
        b, n, w = x.shape
        return self.to_out[0](y.reshape(b, self.heads, n, -1).transpose(1, 2).reshape(b, n, w))


class Geglu(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, x):
        x, gate = self.proj(x).chunk(2, -1)
        return x * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList([Geglu(width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class Block(nn.Module):
    def __init__(self, width, heads, text_width):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn1, self.attn2 = Attention(width, width, heads), Attention(width, text_width, heads)
        self.ff = FeedForward(width)

    def forward(self, x, text):
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), text)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    def __init__(self, width, heads, text_width, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, 1e-6)
        self.proj_in, self.proj_out = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([Block(width, heads, text_width)])

    def forward(self, x, text):
        b, c, h, w = x.shape
        y = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(b, h * w, c)
        y = self.transformer_blocks[0](y, text).reshape(b, h, w, c).permute(0, 3, 1, 2)
        return x + self.proj_out(y)


class Down(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 2, padding=1)

    def forward(self, x):
        return self.conv(x)


class Up(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    """The resnets of a resolution, with or without transformers, and what changes the resolution."""

    def __init__(self, resnets, attentions, down=None, up=None):
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        if attentions:
            self.attentions = nn.ModuleList(attentions)
        self.has = bool(attentions)
        if down:
            self.downsamplers = nn.ModuleList([down])
        if up:
            self.upsamplers = nn.ModuleList([up])


class UNet(nn.Module):
    def __init__(self, c):
        super().__init__()
        ch, groups, eps, width = c["block_out_channels"], c["norm_num_groups"], c["norm_eps"], c["cross_attention_dim"]
        n = len(ch)
        heads, layers = each(c["attention_head_dim"], n), each(c["layers_per_block"], n)
        t = 4 * ch[0]
        self.first = ch[0]
        self.conv_in = nn.Conv2d(c["in_channels"], ch[0], 3, padding=1)
        self.time_embedding = nn.ModuleDict({"linear_1": nn.Linear(ch[0], t), "linear_2": nn.Linear(t, t)})
        down, up = [], []
        for i, kind in enumerate(c["down_block_types"]):
            before = ch[max(i - 1, 0)]
            resnets = [Resnet(before if j == 0 else ch[i], ch[i], t, groups, eps) for j in range(layers[i])]
            attentions = [Transformer(ch[i], heads[i], width, groups) for _ in resnets] if "CrossAttn" in kind else None
            down.append(Level(resnets, attentions, down=Down(ch[i]) if i < n - 1 else None))
        mid = [Resnet(ch[-1], ch[-1], t, groups, eps) for _ in range(2)]
        self.mid_block = Level(mid, [Transformer(ch[-1], heads[-1], width, groups)])
        for i, kind in enumerate(c["up_block_types"]):
            k = n - 1 - i
            before, last = ch[min(k + 1, n - 1)], ch[max(k - 1, 0)]
            count = layers[k] + 1
            resnets = [
                Resnet((before if j == 0 else ch[k]) + (last if j == count - 1 else ch[k]), ch[k], t, groups, eps) for j in range(count)
            ]
            attentions = [Transformer(ch[k], heads[k], width, groups) for _ in resnets] if "CrossAttn" in kind else None
            up.append(Level(resnets, attentions, up=Up(ch[k]) if k > 0 else None))
        self.down_blocks, self.up_blocks = nn.ModuleList(down), nn.ModuleList(up)
        self.conv_norm_out, self.conv_out = nn.GroupNorm(groups, ch[0], eps), nn.Conv2d(ch[0], c["out_channels"], 3, padding=1)

    def forward(self, x, times, text):
        half = self.first // 2
        angles = times[:, None].float() * torch.exp(-math.log(10000) * torch.arange(half) / half)[None]
        t = torch.cat([angles.cos(), angles.sin()], -1)
        t = self.time_embedding["linear_2"](F.silu(self.time_embedding["linear_1"](t)))
        x = self.conv_in(x)
        skips = [x]
        for level in self.down_blocks:
            for i, resnet in enumerate(level.resnets):
                x = resnet(x, t)
                if level.has:
                    x = level.attentions[i](x, text)
                skips.append(x)
            if hasattr(level, "downsamplers"):
                x = level.downsamplers[0](x)
                skips.append(x)
        mid = self.mid_block
        x = mid.resnets[1](mid.attentions[0](mid.resnets[0](x, t), text), t)
        for level in self.up_blocks:
            for i, resnet in enumerate(level.resnets):
                x = resnet(torch.cat([x, skips.pop()], 1), t)
                if level.has:
                    x = level.attentions[i](x, text)
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class VaeAttention(Attention):
    def __init__(self, width, groups):
        super().__init__(width, width, 1, bias=True)
        self.group_norm = nn.GroupNorm(groups, width, 1e-6)

    def forward(self, x):
        b, c, h, w = x.shape
        y = self.group_norm(x).reshape(b, c, h * w).transpose(1, 2)
        return x + super().forward(y).transpose(1, 2).reshape(b, c, h, w)


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        ch, groups = c["block_out_channels"][::-1], c["norm_num_groups"]
        self.conv_in = nn.Conv2d(c["latent_channels"], ch[0], 3, padding=1)
        self.mid_block = Level([Resnet(ch[0], ch[0], None, groups, 1e-6) for _ in range(2)], [VaeAttention(ch[0], groups)])
        self.up_blocks = nn.ModuleList([
            Level(
                [Resnet(ch[max(i - 1, 0)] if j == 0 else ch[i], ch[i], None, groups, 1e-6) for j in range(c["layers_per_block"] + 1)],
                None, up=Up(ch[i]) if i < len(ch) - 1 else None)
            for i in range(len(ch))
        ])
        self.conv_norm_out, self.conv_out = nn.GroupNorm(groups, ch[-1], 1e-6), nn.Conv2d(ch[-1], c["out_channels"], 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        x = self.mid_block.resnets[1](self.mid_block.attentions[0](self.mid_block.resnets[0](x)))
        for level in self.up_blocks:
            for resnet in level.resnets:
                x = resnet(x)
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Vae(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.scale = c["scaling_factor"]
        self.post_quant_conv = nn.Conv2d(c["latent_channels"], c["latent_channels"], 1)
        self.decoder = Decoder(c)

    def forward(self, latents):
        return (self.decoder(self.post_quant_conv(latents / self.scale)) / 2 + 0.5).clamp(0, 1)


class TextLayer(nn.Module):
    def __init__(self, width, inner, heads):
        super().__init__()
        self.heads = heads
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn = nn.ModuleDict({n: nn.Linear(width, width) for n in ("q_proj", "k_proj", "v_proj", "out_proj")})
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, inner), "fc2": nn.Linear(inner, width)})

    def forward(self, x, mask):
        b, n, w = x.shape
        y = self.layer_norm1(x)
        q, k, v = (self.self_attn[p](y).view(b, n, self.heads, -1).transpose(1, 2) for p in ("q_proj", "k_proj", "v_proj"))
        y = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + mask).softmax(-1) @ v
        x = x + self.self_attn["out_proj"](y.transpose(1, 2).reshape(b, n, w))
        h = self.mlp["fc1"](self.layer_norm2(x))
        return x + self.mlp["fc2"](h * torch.sigmoid(1.702 * h))


class Text(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["hidden_size"]
        layers = [TextLayer(width, c["intermediate_size"], c["num_attention_heads"]) for _ in range(c["num_hidden_layers"])]
        self.text_model = nn.ModuleDict({
            "embeddings": nn.ModuleDict({
                "token_embedding": nn.Embedding(c["vocab_size"], width),
                "position_embedding": nn.Embedding(c["max_position_embeddings"], width),
            }),
            "encoder": nn.ModuleDict({"layers": nn.ModuleList(layers)}),
            "final_layer_norm": nn.LayerNorm(width),
        })

    def forward(self, ids):
        m = self.text_model
        x = m["embeddings"]["token_embedding"](ids) + m["embeddings"]["position_embedding"].weight[:ids.shape[1]]
        mask = torch.full((ids.shape[1], ids.shape[1]), -math.inf).triu(1)
        for layer in m["encoder"]["layers"]:
            x = layer(x, mask)
        return m["final_layer_norm"](x)


def load(kind, folder, name):
    model = kind(read_config(folder))
    weights = read_safetensors(os.path.join(folder, name))
    own = model.state_dict()
    model.load_state_dict({k: v.reshape(own[k].shape) for k, v in weights.items() if k in own})
    return model.eval()


class Pipeline:
    def __init__(self, folder):
        self.text = load(Text, os.path.join(folder, "text_encoder"), "model.safetensors")
        self.unet = load(UNet, os.path.join(folder, "unet"), "diffusion_pytorch_model.safetensors")
        self.vae = load(Vae, os.path.join(folder, "vae"), "diffusion_pytorch_model.safetensors")
        betas = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000) ** 2
        self.bars = torch.cumprod(1 - betas, 0)

    def __call__(self, ids, negative, latents, steps, guidance):
        text = torch.cat([self.text(negative), self.text(ids)])
        x = latents
        for i in reversed(range(steps)):
            t = i * (1000 // steps) + 1
            output = self.unet(torch.cat([x, x]), torch.tensor([t, t]), text)
            without, with_text = output.chunk(2)
            e = without + guidance * (with_text - without)
            bar = self.bars[t]
            before = self.bars[max(t - 1000 // steps, 0)]
            clean = (x - (1 - bar).sqrt() * e) / bar.sqrt()
            x = before.sqrt() * clean + (1 - before).sqrt() * e
        return self.vae(x)


class Lora(nn.Module):
    """A linear layer that is not trained, and its low-rank update."""

    def __init__(self, linear, rank):
        super().__init__()
        self.linear = linear
        self.down = nn.Parameter(torch.randn(rank, linear.in_features) / rank)
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x):
        return self.linear(x) + F.linear(F.linear(x, self.down), self.up)


def train_lora(pipeline, side, batch, rank, steps):
    unet = pipeline.unet
    unet.requires_grad_(False)
    attentions = [m for m in unet.modules() if type(m) is Attention]
    before = [(a.to_q, a.to_k, a.to_v, a.to_out[0]) for a in attentions]
    for a in attentions:
        a.to_q, a.to_k, a.to_v, a.to_out[0] = Lora(a.to_q, rank), Lora(a.to_k, rank), Lora(a.to_v, rank), Lora(a.to_out[0], rank)
    parameters = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0.01)
    width = attentions[-1].to_k.linear.in_features
    cached, texts = torch.randn(16, 4, side, side), torch.randn(4, 77, width)
    started = time.perf_counter(), time.process_time()
    for step in range(steps):
        members = torch.randint(0, 16, (batch,))
        noise, times = torch.randn(batch, 4, side, side), torch.randint(0, 1000, (batch,))
        bars = pipeline.bars[times].view(-1, 1, 1, 1)
        loss = F.mse_loss(unet(bars.sqrt() * cached[members] + (1 - bars).sqrt() * noise, times, texts[members % 4]), noise)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    for a, (q, k, v, o) in zip(attentions, before):
        a.to_q, a.to_k, a.to_v, a.to_out[0] = q, k, v, o
    return started


def text_width(unet):
    return unet.mid_block.attentions[0].transformer_blocks[0].attn2.to_k.weight.shape[1]


def write_trace(unet, path, side, batch):
    if not os.path.exists(path):
        inputs = torch.randn(batch, 4, side, side), torch.full((batch,), 500), torch.randn(batch, 77, text_width(unet))
        with torch.no_grad():
            torch.jit.trace(unet, inputs).save(path + ".part")
        os.rename(path + ".part", path)


def main():
    pipeline = None
    for line in sys.stdin:
        command, *args = line.rstrip("\n").split("\t")
        started = time.perf_counter(), time.process_time()
        answer = None
        with torch.inference_mode(command not in ("load", "lora", "trace")):
            if command == "load":
                torch.set_num_threads(int(args[1]))
                pipeline = Pipeline(args[0])
                answer = f"PyTorch {torch.__version__}"
            elif command == "trace":
                write_trace(pipeline.unet, args[0], int(args[1]), int(args[2]))
            elif command == "step":
                side, batch = int(args[0]), int(args[1])
                random = torch.Generator().manual_seed(1)
                x = torch.randn(batch, 4, side, side, generator=random)
                text = torch.randn(batch, 77, text_width(pipeline.unet), generator=random)
                times = torch.full((batch,), 500)
                started = time.perf_counter(), time.process_time()
                for _ in range(int(args[2])):
                    pipeline.unet(x, times, text)
            elif command == "generate":
                ids = torch.from_numpy(np.fromfile(args[2], dtype=np.int64))[None]
                negative = torch.from_numpy(np.fromfile(args[3], dtype=np.int64))[None]
                latents = torch.from_numpy(np.fromfile(args[4], dtype=np.float32))
                side = int((latents.numel() // 4) ** 0.5)
                started = time.perf_counter(), time.process_time()
                image = pipeline(ids, negative, latents.view(1, 4, side, side), int(args[0]), float(args[1]))
                np.asarray(image, dtype=np.float32).tofile(args[5])
            elif command == "lora":
                started = train_lora(pipeline, *(int(a) for a in args))
            elif command == "memory":
                answer = str(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        print(answer or f"{time.perf_counter() - started[0]:.6f} {time.process_time() - started[1]:.6f}", flush=True)


main()
