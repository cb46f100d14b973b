using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests.Cases;

/// <summary>Margins, embeddings, several labels and likelihoods.</summary>
internal static class MoreLosses
{
    internal static readonly Case[] All =
    [
        new("F.huber_loss(a, d, delta=0.7)", t => F.huber_loss(t.a, t.d, 0.7)),
        new("F.huber_loss(a, d, delta=0.7, reduction='sum')", t => F.huber_loss(t.a, t.d, 0.7, reduction: nn.Reduction.Sum)),
        new("F.huber_loss(a, d, delta=0.7, reduction='none')", t => F.huber_loss(t.a, t.d, 0.7, reduction: nn.Reduction.None)),
        new("F.margin_ranking_loss(a, d, (n % 2).mul(2).sub(1), 0.3)", t => F.margin_ranking_loss(t.a, t.d, (t.n % 2).mul(2).sub(1), 0.3)),
        new("F.margin_ranking_loss(a, d, (n % 2).mul(2).sub(1), 0.3, reduction='sum')", t => F.margin_ranking_loss(t.a, t.d, (t.n % 2).mul(2).sub(1), 0.3, reduction: nn.Reduction.Sum)),
        new("F.margin_ranking_loss(a, d, (n % 2).mul(2).sub(1), 0.3, reduction='none')", t => F.margin_ranking_loss(t.a, t.d, (t.n % 2).mul(2).sub(1), 0.3, reduction: nn.Reduction.None)),
        new("F.triplet_margin_loss(a, d, c, 0.9)", t => F.triplet_margin_loss(t.a, t.d, t.c, 0.9)),
        new("F.triplet_margin_loss(a, d, c, 0.9, reduction='sum')", t => F.triplet_margin_loss(t.a, t.d, t.c, 0.9, reduction: nn.Reduction.Sum)),
        new("F.triplet_margin_loss(a, d, c, 0.9, reduction='none')", t => F.triplet_margin_loss(t.a, t.d, t.c, 0.9, reduction: nn.Reduction.None)),
        new("F.cosine_embedding_loss(a, d, j % 2 * 2 - 1, 0.1)", t => F.cosine_embedding_loss(t.a, t.d, t.j % 2 * 2 - 1, 0.1)),
        new("F.cosine_embedding_loss(a, d, j % 2 * 2 - 1, 0.1, reduction='sum')", t => F.cosine_embedding_loss(t.a, t.d, t.j % 2 * 2 - 1, 0.1, reduction: nn.Reduction.Sum)),
        new("F.cosine_embedding_loss(a, d, j % 2 * 2 - 1, 0.1, reduction='none')", t => F.cosine_embedding_loss(t.a, t.d, t.j % 2 * 2 - 1, 0.1, reduction: nn.Reduction.None)),
        new("F.hinge_embedding_loss(b, n % 2 * 2 - 1, 0.9)", t => F.hinge_embedding_loss(t.b, t.n % 2 * 2 - 1, 0.9)),
        new("F.hinge_embedding_loss(b, n % 2 * 2 - 1, 0.9, reduction='sum')", t => F.hinge_embedding_loss(t.b, t.n % 2 * 2 - 1, 0.9, reduction: nn.Reduction.Sum)),
        new("F.hinge_embedding_loss(b, n % 2 * 2 - 1, 0.9, reduction='none')", t => F.hinge_embedding_loss(t.b, t.n % 2 * 2 - 1, 0.9, reduction: nn.Reduction.None)),
        new("F.soft_margin_loss(a, (n % 2 * 2 - 1).to(a.dtype))", t => F.soft_margin_loss(t.a, (t.n % 2 * 2 - 1).to(t.a.dtype))),
        new("F.soft_margin_loss(a, (n % 2 * 2 - 1).to(a.dtype), reduction='sum')", t => F.soft_margin_loss(t.a, (t.n % 2 * 2 - 1).to(t.a.dtype), reduction: nn.Reduction.Sum)),
        new("F.soft_margin_loss(a, (n % 2 * 2 - 1).to(a.dtype), reduction='none')", t => F.soft_margin_loss(t.a, (t.n % 2 * 2 - 1).to(t.a.dtype), reduction: nn.Reduction.None)),
        new("F.multi_margin_loss(a, j)", t => F.multi_margin_loss(t.a, t.j)),
        new("F.multi_margin_loss(a, j, reduction='sum')", t => F.multi_margin_loss(t.a, t.j, reduction: nn.Reduction.Sum)),
        new("F.multi_margin_loss(a, j, reduction='none')", t => F.multi_margin_loss(t.a, t.j, reduction: nn.Reduction.None)),
        new("F.poisson_nll_loss(a, b.detach())", t => F.poisson_nll_loss(t.a, t.b.detach()), Gradient.Python),
        new("F.poisson_nll_loss(a, b.detach(), reduction='sum')", t => F.poisson_nll_loss(t.a, t.b.detach(), reduction: nn.Reduction.Sum), Gradient.Python),
        new("F.poisson_nll_loss(a, b.detach(), reduction='none')", t => F.poisson_nll_loss(t.a, t.b.detach(), reduction: nn.Reduction.None), Gradient.Python),
        new("F.gaussian_nll_loss(a, d, b)", t => F.gaussian_nll_loss(t.a, t.d, t.b)),
        new("F.gaussian_nll_loss(a, d, b, reduction='sum')", t => F.gaussian_nll_loss(t.a, t.d, t.b, reduction: nn.Reduction.Sum)),
        new("F.gaussian_nll_loss(a, d, b, reduction='none')", t => F.gaussian_nll_loss(t.a, t.d, t.b, reduction: nn.Reduction.None)),
        new("F.triplet_margin_loss(a, d, c, 0.9, 1, swap=True)", t => F.triplet_margin_loss(t.a, t.d, t.c, 0.9, 1, swap: true)),
        new("F.triplet_margin_with_distance_loss(a, d, c, margin=0.8, swap=True)", t => F.triplet_margin_with_distance_loss(t.a, t.d, t.c, margin: 0.8, swap: true)),
        new("F.gaussian_nll_loss(a, d, b, full=True, eps=0.5)", t => F.gaussian_nll_loss(t.a, t.d, t.b, true, 0.5f), Gradient.Python),
        new("F.multilabel_soft_margin_loss(a, k.to(a.dtype))", t => F.multilabel_soft_margin_loss(t.a, t.k.to(t.a.dtype))),
        new("F.multilabel_soft_margin_loss(a, k.to(a.dtype), b[0].detach(), reduction='none')", t => F.multilabel_soft_margin_loss(t.a, t.k.to(t.a.dtype), t.b[0].detach(), nn.Reduction.None), Gradient.Python),
        new("F.multilabel_margin_loss(a, torch.tensor([[3, 0, -1, 1]] * 3))", t => F.multi_label_margin_loss(t.a, tensor(new long[,] { { 3, 0, -1, 1 }, { 3, 0, -1, 1 }, { 3, 0, -1, 1 } }))),
        new("F.ctc_loss(e.permute(1, 0, 2).log_softmax(2), torch.tensor([[1, 2], [3, 1]]), torch.tensor([3, 3]), torch.tensor([2, 1]))", t => F.ctc_loss(t.e.permute(1, 0, 2).log_softmax(2), tensor(new long[,] { { 1, 2 }, { 3, 1 } }), tensor(new[] { 3L, 3 }), tensor(new[] { 2L, 1 }))),
        new("nn.NLLLoss()(a.log_softmax(1), j)", t => nn.NLLLoss().call(t.a.log_softmax(1), t.j)),
        new("nn.BCELoss()(a.sigmoid(), b.clamp(0, 1).detach())", t => nn.BCELoss().call(t.a.sigmoid(), t.b.clamp(0, 1).detach()), Gradient.Python),
        new("nn.SmoothL1Loss()(a, d)", t => nn.SmoothL1Loss().call(t.a, t.d)),
        new("nn.HuberLoss()(a, d)", t => nn.HuberLoss().call(t.a, t.d)),
        new("nn.MarginRankingLoss()(a, d, n % 2 * 2 - 1)", t => nn.MarginRankingLoss().call(t.a, t.d, t.n % 2 * 2 - 1)),
        new("nn.CosineEmbeddingLoss()(a, d, j % 2 * 2 - 1)", t => nn.CosineEmbeddingLoss().call(t.a, t.d, t.j % 2 * 2 - 1)),
        new("nn.HingeEmbeddingLoss()(b, n % 2 * 2 - 1)", t => nn.HingeEmbeddingLoss().call(t.b, t.n % 2 * 2 - 1)),
        new("nn.MultiLabelSoftMarginLoss()(a, k.to(a.dtype))", t => nn.MultiLabelSoftMarginLoss().call(t.a, t.k.to(t.a.dtype))),
        new("nn.MultiMarginLoss()(a, j)", t => nn.MultiMarginLoss().call(t.a, t.j)),
        new("nn.SoftMarginLoss()(a, (n % 2 * 2 - 1).to(a.dtype))", t => nn.SoftMarginLoss().call(t.a, (t.n % 2 * 2 - 1).to(t.a.dtype))),
        new("nn.PoissonNLLLoss()(a, b.detach())", t => nn.PoissonNLLLoss().call(t.a, t.b.detach()), Gradient.Python),
        new("nn.GaussianNLLLoss(eps=1e-8)(a, d, b)", t => nn.GaussianNLLLoss().call(t.a, t.d, t.b)),
        new("nn.TripletMarginLoss()(a, d, c)", t => nn.TripletMarginLoss().call(t.a, t.d, t.c)),
        new("nn.TripletMarginWithDistanceLoss()(a, d, c)", t => nn.TripletMarginWithDistanceLoss().call(t.a, t.d, t.c)),
    ];
}
