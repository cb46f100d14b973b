namespace TorchSharp.Tests.Cases;

/// <summary>Products, inverses and contractions.</summary>
internal static class LinearAlgebra
{
    internal static readonly Case[] All =
    [
        new("a.matmul(m)", t => t.a.matmul(t.m)),
        new("a @ f", t => t.a.matmul(t.f.transpose(1, 2).transpose(1, 2))),
        new("e @ f", t => t.e.matmul(t.f)),
        new("a.mm(m)", t => t.a.mm(t.m)),
        new("e.bmm(f)", t => t.e.bmm(t.f)),
        new("m.mv(r)", t => t.m.mv(t.r)),
        new("r.dot(r * 2)", t => t.r.dot(t.r * 2)),
        new("r.vdot(r + 1)", t => t.r.vdot(t.r + 1)),
        new("r.matmul(m)", t => t.r.matmul(t.m)),
        new("a.inner(d)", t => t.a.inner(t.d)),
        new("r.outer(r + 1)", t => t.r.outer(t.r + 1)),
        new("r.ger(r)", t => t.r.ger(t.r)),
        new("a.kron(q)", t => t.a.kron(t.q)),
        new("m.addmm(a.t(), d, beta=0.5, alpha=2)", t => t.m.addmm(t.a.t(), t.d, 0.5f, 2)),
        new("torch.addbmm(e[0, :, :3], e, f)", t => t.e[0, TensorIndex.Colon, ..3].addbmm(t.e, t.f)),
        new("torch.baddbmm(e[:, :, :3], e, f, beta=2)", t => t.e[TensorIndex.Colon, TensorIndex.Colon, ..3].baddbmm(t.e, t.f, 2)),
        new("r.addmv(m, r * 2)", t => t.r.addmv(t.m, t.r * 2)),
        new("m.addr(r, r + 1, alpha=0.5)", t => t.m.addr(t.r, t.r + 1, 1, 0.5f)),
        new("m.trace()", t => t.m.trace()),
        new("m.det()", t => t.m.det()),
        new("p.logdet()", t => t.p.logdet()),
        new("m.inverse()", t => t.m.inverse()),
        new("a.pinverse()", t => t.a.pinverse()),
        new("m.matrix_exp()", t => t.m.matrix_exp()),
        new("m.matrix_power(3)", t => t.m.matrix_power(3)),
        new("m.matrix_power(-2)", t => t.m.matrix_power(-2)),
        new("torch.tensordot(a, m, ([1], [0]))", t => t.a.tensordot(t.m, [1], [0])),
        new("(m.tril() * 1.5).cholesky_inverse()", t => (t.m.tril() * 1.5).cholesky_inverse()),
        new("r.unsqueeze(1).cholesky_solve(m.tril())", t => t.r.unsqueeze(1).cholesky_solve(t.m.tril())),
        new("torch.einsum('ij,kj->ik', a, b)", t => einsum("ij,kj->ik", t.a, t.b)),
        new("torch.einsum('bij,bjk->bik', e, f)", t => einsum("bij,bjk->bik", t.e, t.f)),
        new("torch.einsum('ii->i', m)", t => einsum("ii->i", t.m)),
        new("torch.einsum('bhc,c->bh', e, r)", t => einsum("bhc,c->bh", t.e, t.r)),
        new("torch.einsum('...ij->...ji', e)", t => einsum("...ij->...ji", t.e)),
        new("torch.cdist(a, d)", t => cdist(t.a, t.d)),
        new("torch.cdist(a, d, p=1)", t => cdist(t.a, t.d, 1)),
        new("a.t().cov()", t => t.a.t().cov()),
    ];
}
