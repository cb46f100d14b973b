namespace TorchSharp.Tests.Cases;

/// <summary>torch.linalg: decompositions, solutions and norms.</summary>
internal static class Decompositions
{
    internal static readonly Case[] All =
    [
        new("torch.linalg.cholesky(p)", t => linalg.cholesky(t.p), Gradient.Python),
        new("torch.linalg.cholesky_ex(p)[0]", t => linalg.cholesky_ex(t.p).L, Gradient.Python),
        new("torch.linalg.det(p)", t => linalg.det(t.p)),
        new("torch.linalg.inv(p)", t => linalg.inv(t.p)),
        new("torch.linalg.eigvalsh(p)", t => linalg.eigvalsh(t.p), Gradient.Python),
        new("torch.linalg.svdvals(p)", t => linalg.svdvals(t.p)),
        new("torch.linalg.matrix_exp(p)", t => linalg.matrix_exp(t.p)),
        new("torch.linalg.eigh(p)[0]", t => linalg.eigh(t.p).Item1, Gradient.Python),
        new("torch.linalg.eigvals(p).real.sort()[0]", t => linalg.eigvals(t.p).real.sort().Values, Gradient.None),
        new("torch.linalg.svd(a, full_matrices=False)[1]", t => linalg.svd(t.a, false).S),
        new("torch.linalg.svd(a)[1]", t => linalg.svd(t.a).S, Gradient.Python),
        new("(lambda q: q[0] @ q[1])(torch.linalg.qr(m))", t => Product(linalg.qr(t.m)), Gradient.Python),
        new("torch.linalg.qr(m, 'r')[1].abs()", t => linalg.qr(t.m, linalg.QRMode.R).R.abs(), Gradient.None),
        new("torch.linalg.solve(m, p)", t => linalg.solve(t.m, t.p)),
        new("torch.linalg.solve(m, p, left=False)", t => linalg.solve(t.m, t.p, false)),
        new("torch.linalg.solve_ex(m, r)[0]", t => linalg.solve_ex(t.m, t.r).result),
        new("torch.linalg.solve_triangular(m.triu(), p, upper=True)", t => linalg.solve_triangular(t.m.triu(), t.p, true)),
        new("torch.linalg.lstsq(m, p)[0]", t => linalg.lstsq(t.m, t.p).Solution),
        new("torch.linalg.pinv(a)", t => linalg.pinv(t.a)),
        new("torch.linalg.matrix_rank(a)", t => linalg.matrix_rank(t.a), Gradient.None),
        new("torch.linalg.cond(m)", t => linalg.cond(t.m)),
        new("torch.linalg.cond(m, 'fro')", t => linalg.cond(t.m, "fro"), Gradient.None),
        new("torch.linalg.norm(a)", t => linalg.norm(t.a)),
        new("torch.linalg.norm(a, 1, 1)", t => linalg.norm(t.a, 1, [1])),
        new("torch.linalg.norm(a, 'nuc')", t => linalg.norm(t.a, "nuc")),
        new("torch.linalg.vector_norm(a, 3)", t => linalg.vector_norm(t.a, 3)),
        new("torch.linalg.matrix_norm(a)", t => linalg.matrix_norm(t.a)),
        new("torch.linalg.matrix_norm(a, 2)", t => linalg.matrix_norm(t.a, 2)),
        new("torch.linalg.slogdet(m)[1]", t => linalg.slogdet(t.m).Item2),
        new("torch.linalg.lu(m)[2]", t => linalg.lu(t.m).U, Gradient.Python),
        new("torch.linalg.lu_solve(*torch.linalg.lu_factor(m), p)", t => LuSolve(t), Gradient.Python),
        new("torch.linalg.multi_dot([a, m, p])", t => linalg.multi_dot([t.a, t.m, t.p])),
        new("torch.linalg.vecdot(a, d)", t => linalg.vecdot(t.a, t.d)),
        new("torch.linalg.cross(a[:, :3], d[:, :3])", t => linalg.cross(t.a[.., ..3], t.d[.., ..3])),
        new("torch.linalg.diagonal(e)", t => linalg.diagonal(t.e)),
        new("torch.linalg.tensorinv(m.view(4, 2, 2), 1)", t => linalg.tensorinv(t.m.view(4, 2, 2), 1)),
        new("torch.linalg.vander(r)", t => linalg.vander(t.r)),
        new("torch.linalg.householder_product(m[:, :2], r[:2])", t => linalg.householder_product(t.m[.., ..2], t.r[..2]), Gradient.Python),
    ];

    private static Tensor Product((Tensor, Tensor) factors) => factors.Item1.matmul(factors.Item2);

    private static Tensor LuSolve(Inputs t)
    {
        var (factors, pivots) = linalg.lu_factor(t.m);
        return linalg.lu_solve(factors, pivots, t.p);
    }
}
