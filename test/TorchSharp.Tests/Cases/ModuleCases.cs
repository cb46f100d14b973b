using static TorchSharp.Tests.Cases.Helpers;

namespace TorchSharp.Tests.Cases;

/// <summary>Modules with the same weights on both sides; the gradients of the weights are compared too.</summary>
internal static class ModuleCases
{
    internal static readonly Case[] All =
    [
        new("fill(nn.Linear(4, 3))(a)", t => t.Fill(nn.Linear(4, 3)).call(t.a)),
        new("fill(nn.Linear(4, 5, bias=False))(e)", t => t.Fill(nn.Linear(4, 5, hasBias: false)).call(t.e)),
        new("fill(nn.Embedding(4, 3))(i)", t => t.Fill(nn.Embedding(4, 3)).call(t.i)),
        new("fill(nn.Embedding(4, 3, padding_idx=1))(i)", t => t.Fill(nn.Embedding(4, 3, padding_idx: 1)).call(t.i), Gradient.Python),
        new("fill(nn.LayerNorm(4))(a)", t => t.Fill(nn.LayerNorm(4)).call(t.a)),
        new("fill(nn.LayerNorm([3, 4], eps=1e-3))(e)", t => t.Fill(nn.LayerNorm([3, 4], 1e-3)).call(t.e)),
        new("nn.LayerNorm(4, elementwise_affine=False)(a)", t => nn.LayerNorm(4, elementwise_affine: false).call(t.a)),
        new("fill(nn.GroupNorm(2, 4))(h)", t => t.Fill(nn.GroupNorm(2, 4)).call(t.h)),
        new("fill(nn.BatchNorm2d(4))(h)", t => t.Fill(nn.BatchNorm2d(4)).call(t.h)),
        new("fill(nn.BatchNorm2d(4).eval())(h)", t => Eval(t.Fill(nn.BatchNorm2d(4))).call(t.h)),
        new("fill(nn.BatchNorm2d(4, affine=False))(h)", t => t.Fill(nn.BatchNorm2d(4, affine: false)).call(t.h)),
        new("twice(fill(nn.BatchNorm2d(4, momentum=0.3)), h)", t => Twice(t.Fill(nn.BatchNorm2d(4, momentum: 0.3)), t.h), Gradient.Python),
        new("fill(nn.Conv2d(4, 2, 3))(h)", t => t.Fill(nn.Conv2d(4, 2, 3)).call(t.h)),
        new("fill(nn.Conv2d(4, 6, 3, 2, 1, groups=2))(h)", t => t.Fill(nn.Conv2d(4, 6, 3, 2, 1, groups: 2)).call(t.h)),
        new("fill(nn.Conv2d(4, 2, (1, 3), (2, 1), (0, 2), bias=False))(h)", t => t.Fill(nn.Conv2d(4, 2, (1, 3), (2, 1), (0, 2), bias: false)).call(t.h)),
        new("fill(nn.Conv2d(4, 2, 3, padding='same'))(h)", t => t.Fill(nn.Conv2d(4, 2, 3, Padding.Same)).call(t.h)),
        new("fill(nn.Conv2d(4, 2, 3, padding=1, padding_mode='reflect'))(h)", t => t.Fill(nn.Conv2d(4, 2, 3, padding: 1, padding_mode: PaddingModes.Reflect)).call(t.h)),
        new("fill(nn.Conv2d(4, 2, 3, padding=2, dilation=2))(h)", t => t.Fill(nn.Conv2d(4, 2, 3, padding: 2, dilation: 2)).call(t.h)),
        new("fill(nn.ConvTranspose2d(4, 2, 3))(h)", t => t.Fill(nn.ConvTranspose2d(4, 2, 3)).call(t.h)),
        new("fill(nn.ConvTranspose2d(4, 2, 3, 2, 1, 1))(h)", t => t.Fill(nn.ConvTranspose2d(4, 2, 3, 2, 1, 1)).call(t.h)),
        new("nn.ReLU()(a)", t => nn.ReLU().call(t.a)),
        new("nn.SiLU()(a)", t => nn.SiLU().call(t.a)),
        new("nn.GELU()(a)", t => nn.GELU().call(t.a)),
        new("nn.GELU('tanh')(a)", t => nn.GELU(Modules.GELU.Approximate.tanh).call(t.a)),
        new("nn.Tanh()(a)", t => nn.Tanh().call(t.a)),
        new("nn.Sigmoid()(a)", t => nn.Sigmoid().call(t.a)),
        new("nn.LeakyReLU(0.2)(a)", t => nn.LeakyReLU(0.2).call(t.a)),
        new("nn.Softmax(1)(a)", t => nn.Softmax(1).call(t.a)),
        new("nn.Identity()(a)", t => nn.Identity().call(t.a)),
        new("nn.Flatten()(h)", t => nn.Flatten().call(t.h)),
        new("nn.Flatten(0, 1)(h)", t => nn.Flatten(0, 1).call(t.h)),
        new("nn.Dropout(0.5).eval()(a)", t => Eval(nn.Dropout(0.5)).call(t.a)),
        new("nn.AvgPool2d(2)(h)", t => nn.AvgPool2d(2).call(t.h)),
        new("nn.AvgPool2d(3, 1, 1)(h)", t => nn.AvgPool2d(3, 1, 1).call(t.h)),
        new("nn.AvgPool2d((2, 3), (1, 2))(h)", t => nn.AvgPool2d((2, 3), (1, 2)).call(t.h)),
        new("fill(nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2)))(a)", t => t.Fill(nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2))).call(t.a)),
        new("fill(nn.Sequential(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2)))(h)", t => t.Fill(nn.Sequential(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2))).call(t.h)),
    ];
}
