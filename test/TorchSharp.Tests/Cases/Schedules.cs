using static TorchSharp.Tests.Cases.Helpers;
using L = TorchSharp.torch.optim.lr_scheduler;

namespace TorchSharp.Tests.Cases;

/// <summary>Where a parameter is after several steps at changing rates.</summary>
internal static class Schedules
{
    internal static readonly Case[] All =
    [
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.MultiplicativeLR(o, lambda e: 0.9 if e % 2 else 0.8))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.MultiplicativeLR(o, e => e % 2 != 0 ? 0.9 : 0.8)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.MultiStepLR(o, [1, 3, 3], 0.5))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.MultiStepLR(o, [1, 3, 3], 0.5)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.ConstantLR(o, 0.5, 3))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.ConstantLR(o, 0.5, 3)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.LinearLR(o, 0.25, 0.9, 4))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.LinearLR(o, 0.25, 0.9, 4)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.PolynomialLR(o, 4, 2.0))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.PolynomialLR(o, 4, 2)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1.0, 2), S.CosineAnnealingLR(o, 4)], [2]))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.SequentialLR(o, [L.LinearLR(o, 0.1, 1, 2), L.CosineAnnealingLR(o, 4)], [2])), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.SequentialLR(o, [S.ConstantLR(o, 0.1, 2), S.ExponentialLR(o, 0.9), S.StepLR(o, 1, 0.5)], [1, 3]))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.SequentialLR(o, [L.ConstantLR(o, 0.1, 2), L.ExponentialLR(o, 0.9), L.StepLR(o, 1, 0.5)], [1, 3])), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.5, 2), S.ExponentialLR(o, 0.9)]))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.ChainedLR([L.ConstantLR(o, 0.5, 2), L.ExponentialLR(o, 0.9)])), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1, momentum=0.9), lambda o: S.OneCycleLR(o, 0.3, 8))", t => Train(t.a, p => optim.SGD([p], 0.1, momentum: 0.9), o => L.OneCycleLR(o, 0.3, 8)), Gradient.None),
        new("train(a, lambda p: torch.optim.AdamW([p], 0.1, weight_decay=0.0), lambda o: S.OneCycleLR(o, 0.3, 10, anneal_strategy='linear', three_phase=True))", t => Train(t.a, p => optim.AdamW([p], 0.1), o => L.OneCycleLR(o, 0.3, 10, anneal_strategy: L.impl.OneCycleLR.AnnealStrategy.Linear, three_phase: true)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1, momentum=0.9), lambda o: S.CyclicLR(o, 0.01, 0.2, 3, 2))", t => Train(t.a, p => optim.SGD([p], 0.1, momentum: 0.9), o => L.CyclicLR(o, 0.01, 0.2, 3, 2)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.CyclicLR(o, 0.01, 0.2, 1, mode='triangular2', cycle_momentum=False))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.CyclicLR(o, 0.01, 0.2, 1, mode: L.impl.CyclicLR.Mode.Triangular2, cycle_momentum: false)), Gradient.None),
        new("train(a, lambda p: torch.optim.SGD([p], 0.1), lambda o: S.CyclicLR(o, 0.01, 0.2, 2, mode='exp_range', gamma=0.9, cycle_momentum=False))", t => Train(t.a, p => optim.SGD([p], 0.1), o => L.CyclicLR(o, 0.01, 0.2, 2, mode: L.impl.CyclicLR.Mode.ExpRange, gamma: 0.9, cycle_momentum: false)), Gradient.None),
    ];
}
