using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests.Cases;

/// <summary>Losses, as functions and as modules.</summary>
internal static class Losses
{
    internal static readonly Case[] All =
    [
        new("F.mse_loss(a, d)", t => F.mse_loss(t.a, t.d)),
        new("F.mse_loss(a, d, reduction='sum')", t => F.mse_loss(t.a, t.d, nn.Reduction.Sum)),
        new("F.mse_loss(a, d, reduction='none')", t => F.mse_loss(t.a, t.d, nn.Reduction.None)),
        new("F.l1_loss(a, d)", t => F.l1_loss(t.a, t.d)),
        new("F.l1_loss(a, d, reduction='none')", t => F.l1_loss(t.a, t.d, nn.Reduction.None)),
        new("F.smooth_l1_loss(a, d)", t => F.smooth_l1_loss(t.a, t.d)),
        new("F.smooth_l1_loss(a, d, beta=0.3)", t => F.smooth_l1_loss(t.a, t.d, beta: 0.3)),
        new("F.cross_entropy(a, j)", t => F.cross_entropy(t.a, t.j)),
        new("F.cross_entropy(a, j, reduction='none')", t => F.cross_entropy(t.a, t.j, reduction: nn.Reduction.None)),
        new("F.cross_entropy(a, j, r.detach() ** 2, label_smoothing=0.1)", t => F.cross_entropy(t.a, t.j, t.r.detach().pow(2), label_smoothing: 0.1), Gradient.Python),
        new("F.cross_entropy(a, j, ignore_index=1)", t => F.cross_entropy(t.a, t.j, ignore_index: 1)),
        new("F.cross_entropy(a, d.softmax(1))", t => F.cross_entropy(t.a, t.d.softmax(1))),
        new("F.cross_entropy(h, i[:2, :1].unsqueeze(2).expand(2, 5, 5))", t => F.cross_entropy(t.h, t.i[..2, ..1].unsqueeze(2).expand(2, 5, 5))),
        new("F.nll_loss(a.log_softmax(1), j)", t => F.nll_loss(t.a.log_softmax(1), t.j)),
        new("F.nll_loss(a.log_softmax(1), j, r.detach() ** 2, reduction='sum')", t => F.nll_loss(t.a.log_softmax(1), t.j, t.r.detach().pow(2), nn.Reduction.Sum), Gradient.Python),
        new("F.kl_div(a.log_softmax(1), d.softmax(1))", t => F.kl_div(t.a.log_softmax(1), t.d.softmax(1), false)),
        new("F.kl_div(a.log_softmax(1), d.log_softmax(1), log_target=True, reduction='sum')", t => F.kl_div(t.a.log_softmax(1), t.d.log_softmax(1), true, nn.Reduction.Sum)),
        new("F.kl_div(a.log_softmax(1), d.softmax(1), reduction='batchmean')", t => F.kl_div(t.a.log_softmax(1), t.d.softmax(1), false, nn.Reduction.Sum) / 3),
        new("F.binary_cross_entropy(a.sigmoid(), d.sigmoid())", t => F.binary_cross_entropy(t.a.sigmoid(), t.d.sigmoid())),
        new("F.binary_cross_entropy(a.sigmoid(), b.detach() * 0.5, b.detach(), reduction='none')", t => F.binary_cross_entropy(t.a.sigmoid(), t.b.detach() * 0.5, t.b.detach(), nn.Reduction.None), Gradient.Python),
        new("F.binary_cross_entropy_with_logits(a, d.sigmoid().detach())", t => F.binary_cross_entropy_with_logits(t.a, t.d.sigmoid().detach()), Gradient.Python),
        new("F.binary_cross_entropy_with_logits(a, k.to(a.dtype), b.detach(), reduction='sum', pos_weight=r.detach() ** 2)", t => F.binary_cross_entropy_with_logits(t.a, t.k.to(t.a.dtype), t.b.detach(), nn.Reduction.Sum, t.r.detach().pow(2)), Gradient.Python),
        new("nn.MSELoss()(a, d)", t => nn.MSELoss().call(t.a, t.d)),
        new("nn.L1Loss(reduction='sum')(a, d)", t => nn.L1Loss(nn.Reduction.Sum).call(t.a, t.d)),
        new("nn.CrossEntropyLoss()(a, j)", t => nn.CrossEntropyLoss().call(t.a, t.j)),
        new("nn.CrossEntropyLoss(ignore_index=0)(a, j)", t => nn.CrossEntropyLoss(ignore_index: 0).call(t.a, t.j)),
        new("nn.CrossEntropyLoss(r.detach() ** 2, reduction='none')(a, j)", t => nn.CrossEntropyLoss(t.r.detach().pow(2), reduction: nn.Reduction.None).call(t.a, t.j), Gradient.Python),
        new("nn.KLDivLoss(log_target=True)(a.log_softmax(1), d.log_softmax(1))", t => nn.KLDivLoss().call(t.a.log_softmax(1), t.d.log_softmax(1))),
        new("nn.BCEWithLogitsLoss()(a, k.to(a.dtype))", t => nn.BCEWithLogitsLoss().call(t.a, t.k.to(t.a.dtype))),
        new("nn.BCEWithLogitsLoss(reduction='none')(a, k.to(a.dtype))", t => nn.BCEWithLogitsLoss(reduction: nn.Reduction.None).call(t.a, t.k.to(t.a.dtype))),
    ];
}
