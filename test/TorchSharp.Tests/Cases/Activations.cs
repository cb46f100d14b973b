using static TorchSharp.Tests.Cases.Helpers;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests.Cases;

/// <summary>Activations beyond those of the transformers, as functions, in place and as modules.</summary>
internal static class Activations
{
    internal static readonly Case[] All =
    [
        new("F.elu(d, 0.7)", t => F.elu(t.d, 0.7)),
        new("F.celu(d, 0.7)", t => F.celu(t.d, 0.7)),
        new("F.selu(d)", t => F.selu(t.d)),
        new("F.relu6(d)", t => F.relu6(t.d)),
        new("F.leaky_relu(d, 0.2)", t => F.leaky_relu(t.d, 0.2)),
        new("F.hardtanh(d, -0.5, 0.8)", t => F.hardtanh(t.d, -0.5, 0.8)),
        new("F.hardswish(d)", t => F.hardswish(t.d)),
        new("F.hardsigmoid(d)", t => F.hardsigmoid(t.d)),
        new("F.mish(d)", t => F.mish(t.d)),
        new("F.softshrink(d, 0.4)", t => F.softshrink(t.d, 0.4)),
        new("F.hardshrink(d, 0.4)", t => F.hardshrink(t.d, 0.4)),
        new("F.threshold(d, 0.1, 20.0)", t => F.threshold(t.d, 0.1, 20.0)),
        new("F.glu(d, 1)", t => F.glu(t.d, 1)),
        new("F.softsign(d)", t => F.softsign(t.d)),
        new("F.tanhshrink(d)", t => F.tanhshrink(t.d)),
        new("F.softmin(d, 1)", t => F.softmin(t.d, 1)),
        new("F.softplus(d, 2.0, 1.0)", t => F.softplus(t.d, 2.0, 1.0)),
        new("F.logsigmoid(a)", t => F.logsigmoid(t.a)),
        new("F.prelu(z, r)", t => F.prelu(t.z, t.r)),
        new("F.rrelu(a, 0.1, 0.3, training=False)", t => F.rrelu(t.a, 0.1, 0.3)),
        new("F.elu(a * 1, 0.7, inplace=True)", t => F.elu(t.a * 1, 0.7, inplace: true)),
        new("F.celu(a * 1, 0.7, inplace=True)", t => F.celu(t.a * 1, 0.7, inplace: true)),
        new("F.selu(a * 1, inplace=True)", t => F.selu(t.a * 1, inplace: true)),
        new("F.relu6(a * 1, inplace=True)", t => F.relu6(t.a * 1, inplace: true)),
        new("F.hardtanh(a * 1, -0.5, 0.8, inplace=True)", t => F.hardtanh(t.a * 1, -0.5, 0.8, inplace: true)),
        new("F.hardswish(a * 1, inplace=True)", t => F.hardswish(t.a * 1, inplace: true)),
        new("F.hardsigmoid(a * 1, inplace=True)", t => F.hardsigmoid(t.a * 1, inplace: true)),
        new("F.mish(a * 1, inplace=True)", t => F.mish(t.a * 1, inplace: true)),
        new("F.threshold(a * 1, 0.1, 20.0, inplace=True)", t => F.threshold(t.a * 1, 0.1, 20, inplace: true)),
        new("nn.ReLU6()(a)", t => nn.ReLU6().call(t.a)),
        new("nn.ELU(0.7)(a)", t => nn.ELU(0.7).call(t.a)),
        new("nn.CELU(0.7)(a)", t => nn.CELU(0.7).call(t.a)),
        new("nn.SELU()(a)", t => nn.SELU().call(t.a)),
        new("nn.Softplus(2.0, 1.0)(a)", t => nn.Softplus(2.0, 1.0).call(t.a)),
        new("nn.Softsign()(a)", t => nn.Softsign().call(t.a)),
        new("nn.Softmin(1)(a)", t => nn.Softmin(1).call(t.a)),
        new("nn.LogSoftmax(1)(a)", t => nn.LogSoftmax(1).call(t.a)),
        new("nn.LogSigmoid()(a)", t => nn.LogSigmoid().call(t.a)),
        new("nn.Hardtanh(-0.5, 0.8)(a)", t => nn.Hardtanh(-0.5, 0.8).call(t.a)),
        new("nn.Hardswish()(a)", t => nn.Hardswish().call(t.a)),
        new("nn.Hardsigmoid()(a)", t => nn.Hardsigmoid().call(t.a)),
        new("nn.Mish()(a)", t => nn.Mish().call(t.a)),
        new("nn.Tanhshrink()(a)", t => nn.Tanhshrink().call(t.a)),
        new("nn.Softshrink(0.4)(a)", t => nn.Softshrink(0.4).call(t.a)),
        new("nn.Hardshrink(0.4)(a)", t => nn.Hardshrink(0.4).call(t.a)),
        new("nn.Threshold(0.1, 20.0)(a)", t => nn.Threshold(0.1, 20.0).call(t.a)),
        new("nn.GLU(1)(a)", t => nn.GLU(1).call(t.a)),
        new("nn.Softmax2d()(h)", t => nn.Softmax2d().call(t.h)),
        new("fill(nn.PReLU(4))(h)", t => t.Fill(nn.PReLU(4)).call(t.h)),
        new("nn.RReLU(0.1, 0.3).eval()(a)", t => Eval(nn.RReLU(0.1, 0.3)).call(t.a)),
    ];
}
