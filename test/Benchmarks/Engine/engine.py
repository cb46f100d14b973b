"""The engine benchmark's other side: the same work through Python's PyTorch. Answers "go" with seconds by the
clock and of processor time, "end" with the peak in kB."""
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        b, n, c = x.shape
        qkv = self.qkv(self.ln_1(x)).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        weights = (q * (c // self.heads) ** -0.5).matmul(k.transpose(-2, -1)).softmax(-1)
        x = x + self.proj(weights.matmul(v).transpose(1, 2).reshape(b, n, c))
        return x + self.mlp(self.ln_2(x))


class Vit(nn.Module):
    def __init__(self, image, patch, width, layers, heads, classes):
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch, bias=False)
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.position = nn.Parameter(torch.randn(1, (image // patch) ** 2 + 1, width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 0]))


def add(calls):
    a, b = torch.ones(4), torch.ones(4)

    def run():
        for _ in range(calls):
            a + b

    return run


def mlp(steps):
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.01)
    x, y = torch.randn(32, 64), torch.randint(10, (32,))

    def run():
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(x), y).backward()
            optimizer.step()

    return run


def forward(passes):
    model = Vit(224, 32, 768, 12, 12, 512).eval()
    x = torch.randn(16, 3, 224, 224)

    def run():
        with torch.no_grad():
            for _ in range(passes):
                model(x)

    return run


def backward(passes):
    model = Vit(32, 4, 192, 6, 3, 10)
    x, y = torch.randn(64, 3, 32, 32), torch.randint(10, (64,))

    def run():
        for _ in range(passes):
            model.zero_grad(set_to_none=True)
            F.cross_entropy(model(x), y).backward()

    return run


torch.manual_seed(1)
torch.set_num_threads(1)
calls = int(sys.argv[2])
run = {"add": add, "mlp": mlp, "forward": forward, "backward": backward}[sys.argv[1]](calls)
for _ in range(int(sys.argv[3])):
    run()
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "end":
        break
    start, busy = time.perf_counter(), time.process_time()
    run()
    print((time.perf_counter() - start) / calls, (time.process_time() - busy) / calls, flush=True)
with open("/proc/self/status") as status:
    print(next(text.split()[1] for text in status if text.startswith("VmHWM:")), flush=True)
