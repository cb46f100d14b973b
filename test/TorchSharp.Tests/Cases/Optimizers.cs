using static TorchSharp.Tests.Cases.Helpers;

namespace TorchSharp.Tests.Cases;

/// <summary>Where a parameter is after several steps.</summary>
internal static class Optimizers
{
    internal static readonly Case[] All =
    [
        new("train(a, lambda p: torch.optim.SGD([p], 0.1))", t => Train(t.a, p => optim.SGD([p], 0.1)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1, momentum=0.9))", t => Train(t.a, p => optim.SGD([p], 0.1, momentum: 0.9)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1, momentum=0.9, dampening=0.3))", t => Train(t.a, p => optim.SGD([p], 0.1, momentum: 0.9, dampening: 0.3)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1, momentum=0.9, nesterov=True, weight_decay=0.05))", t => Train(t.a, p => optim.SGD([p], 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.05)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1, weight_decay=0.1))", t => Train(t.a, p => optim.SGD([p], 0.1, weight_decay: 0.1)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.01, momentum=0.5, maximize=True))", t => Train(t.a, p => optim.SGD([p], 0.01, momentum: 0.5, maximize: true)), Gradient.None),
        new("train(a, lambda p: torch.optim.Adam([p], 0.1))", t => Train(t.a, p => optim.Adam([p], 0.1)), Gradient.None),
        new("train(a, lambda p: torch.optim.Adam([p], 0.05, (0.8, 0.95), 1e-6, 0.1))", t => Train(t.a, p => optim.Adam([p], 0.05, 0.8, 0.95, 1e-6, 0.1)), Gradient.None),
        new("train(a, lambda p: torch.optim.Adam([p], 0.1, amsgrad=True))", t => Train(t.a, p => optim.Adam([p], 0.1, amsgrad: true)), Gradient.None),
        new("train(a, lambda p: torch.optim.Adam([p], 0.01, maximize=True))", t => Train(t.a, p => optim.Adam([p], 0.01, maximize: true)), Gradient.None),
        new("train(a, lambda p: torch.optim.AdamW([p], 0.1, weight_decay=0.2))", t => Train(t.a, p => optim.AdamW([p], 0.1, weight_decay: 0.2)), Gradient.None),
        new("train(a, lambda p: torch.optim.AdamW([p], 0.05, (0.8, 0.95), 1e-6, 0.1, True))", t => Train(t.a, p => optim.AdamW([p], 0.05, 0.8, 0.95, 1e-6, 0.1, true)), Gradient.None),
        new("train2(a, d, lambda p, q: torch.optim.AdamW([{\"params\": [p], \"lr\": 0.1, \"weight_decay\": 0.3}, {\"params\": [q], \"lr\": 0.01}], weight_decay=0.0))", t => Train(t.a, t.d, (p, q) => optim.AdamW([new Modules.AdamW.ParamGroup([p], 0.1, weight_decay: 0.3), new Modules.AdamW.ParamGroup([q], 0.01)], weight_decay: 0)), Gradient.None),
        new("train2(a, d, lambda p, q: torch.optim.SGD([{\"params\": [p], \"lr\": 0.1}, {\"params\": [q], \"lr\": 0.01, \"momentum\": 0.9}], 0.5))", t => Train(t.a, t.d, (p, q) => optim.SGD([new Modules.SGD.ParamGroup([p], 0.1), new Modules.SGD.ParamGroup([q], 0.01, momentum: 0.9)], 0.5)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.StepLR(o, 2, 0.5))", t => Train(t.a, p => optim.SGD([p], 0.1), o => optim.lr_scheduler.StepLR(o, 2, 0.5)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.ExponentialLR(o, 0.8))", t => Train(t.a, p => optim.SGD([p], 0.1), o => optim.lr_scheduler.ExponentialLR(o, 0.8)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.CosineAnnealingLR(o, 4, 0.01))", t => Train(t.a, p => optim.SGD([p], 0.1), o => optim.lr_scheduler.CosineAnnealingLR(o, 4, 0.01)), Gradient.None),
        new("train(a, lambda p: torch.optim.Adam([p], 0.1), lambda o: S.LambdaLR(o, lambda e: min(1.0, (e + 1) / 3)))", t => Train(t.a, p => optim.Adam([p], 0.1), o => optim.lr_scheduler.LambdaLR(o, e => Math.Min(1.0, (e + 1) / 3.0))), Gradient.None),
        new("clipped(a, 1.0, 2.0)", t => Clipped(t.a, 1, 2), Gradient.None),
        new("clipped(a, 0.5, 1.0)", t => Clipped(t.a, 0.5, 1), Gradient.None),
    ];
}
