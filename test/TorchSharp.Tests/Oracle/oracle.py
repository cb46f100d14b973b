"""Evaluates the expressions of the table on the given tensors and prints shapes, types, values and gradients as JSON."""
import json
import math
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim.lr_scheduler as S

STEPS = 6
modules = []


def fill(module):
    """Gives the parameters of a module values that depend on their names' order alone."""
    module.to(dtype)
    with torch.no_grad():
        for place, (_, p) in enumerate(sorted(module.named_parameters())):
            p.copy_(((torch.arange(p.numel(), dtype=torch.float64) + place) * 0.7).sin().mul(0.5).view(p.shape))
    modules.append(module)
    return module


def twice(module, x):
    first = module(x)
    return first + module.eval()(x)


def put(tensor, index, value):
    copy = tensor.clone()
    copy[index] = value
    return copy


def path(parameters, optimizer, schedule):
    points = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        for p in parameters:
            (p.sin() + p * p / 2).sum().backward()
        optimizer.step()
        if schedule:
            schedule.step()
        points.append(torch.cat([p.detach().clone() for p in parameters]))
    return torch.stack(points)


def train(start, make, schedule=None):
    parameter = nn.Parameter(start.detach().clone())
    optimizer = make(parameter)
    return path([parameter], optimizer, schedule(optimizer) if schedule else None)


def train2(start, other, make):
    parameters = [nn.Parameter(start.detach().clone()), nn.Parameter(other.detach().clone())]
    return path(parameters, make(*parameters), None)


def clipped(start, limit, kind):
    parameter = nn.Parameter(start.detach().clone())
    parameter.exp().sum().backward()
    norm = nn.utils.clip_grad_norm_([parameter], limit, kind)
    return torch.cat([parameter.grad.flatten(), norm.detach().view(1)])


def numbers(tensor):
    # Adding makes numbers of a gradient that LibTorch keeps as "all zero" without memory.
    values = (tensor.detach().double() + torch.zeros(())).flatten().tolist()
    return [v if math.isfinite(v) else str(v) for v in values]


request = json.load(sys.stdin)
answers = []
for type_name in ("float32", "float64"):
    dtype = getattr(torch, type_name)
    tensors = {}
    for name, given in request["tensors"].items():
        value = torch.tensor(given["values"], dtype=torch.float64).view(given["shape"])
        tensors[name] = value.to(dtype).requires_grad_() if given["type"].startswith("Float") else value.to({"Int64": torch.int64, "Bool": torch.bool}[given["type"]])
    names = dict(globals(), **tensors)
    for call, gradient in zip(request["calls"], request["gradients"]):
        modules.clear()
        try:
            result = eval(call, names)
            answer = {"shape": list(result.shape), "type": str(result.dtype), "values": numbers(result)}
            leaves = {n: t for n, t in tensors.items() if t.requires_grad}
            for k, module in enumerate(modules):
                leaves.update({f"{k}.{n}": p for n, p in module.named_parameters()})
            if gradient and result.requires_grad:
                for leaf in leaves.values():
                    leaf.grad = None
                weights = torch.arange(result.numel(), dtype=torch.float64).cos().view(result.shape)
                (result.double() * weights).sum().backward()
                answer["gradients"] = {n: numbers(t.grad) for n, t in leaves.items() if t.grad is not None}
        except Exception as e:
            answer = {"error": f"{type(e).__name__}: {e}"}
        answers.append(answer)
json.dump(answers, sys.stdout)
