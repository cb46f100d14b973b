using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Linear algebra on the last two dimensions, [..., M, N]; what comes before are batches.</summary>
    public static class linalg
    {
        public enum QRMode
        {
            Reduced,
            Complete,
            R,
        }

        private static readonly Op Cholesky = new("linalg_cholesky"), CholeskyEx = new("linalg_cholesky_ex"), CondNumber = new("linalg_cond"), CondNamed = new("linalg_cond", "p_str"), Cross = new("linalg_cross"),
            Det = new("linalg_det"), Diagonal = new("linalg_diagonal"), Eig = new("linalg_eig"), Eigvals = new("linalg_eigvals"), Eigh = new("linalg_eigh"), Eigvalsh = new("linalg_eigvalsh"),
            Householder = new("linalg_householder_product"), Inv = new("linalg_inv"), InvEx = new("linalg_inv_ex"), LdlFactor = new("linalg_ldl_factor"), LdlFactorEx = new("linalg_ldl_factor_ex"), LdlSolve = new("linalg_ldl_solve"),
            Lstsq = new("linalg_lstsq"), Lu = new("linalg_lu"), LuFactor = new("linalg_lu_factor"), LuSolve = new("linalg_lu_solve"), MatrixExp = new("linalg_matrix_exp"), MatrixNorm = new("linalg_matrix_norm"),
            MatrixNormNamed = new("linalg_matrix_norm", "str_ord"), MatrixRank = new("linalg_matrix_rank", "atol_rtol_float"), MatrixRankTensor = new("linalg_matrix_rank", "atol_rtol_tensor"), MultiDot = new("linalg_multi_dot"),
            Norm = new("linalg_norm"), NormNamed = new("linalg_norm", "ord_str"), Pinv = new("linalg_pinv", "atol_rtol_float"), PinvTensor = new("linalg_pinv", "atol_rtol_tensor"), Qr = new("linalg_qr"), Slogdet = new("linalg_slogdet"),
            Solve = new("linalg_solve"), SolveEx = new("linalg_solve_ex"), SolveTriangular = new("linalg_solve_triangular"), Svd = new("linalg_svd"), Svdvals = new("linalg_svdvals"), Tensorinv = new("linalg_tensorinv"),
            Tensorsolve = new("linalg_tensorsolve"), Vander = new("linalg_vander"), Vecdot = new("linalg_vecdot"), VectorNorm = new("linalg_vector_norm");

        public static Tensor cholesky(Tensor input) => Cholesky.Call(input);

        public static (Tensor L, Tensor info) cholesky_ex(Tensor input, bool check_errors = false) => CholeskyEx.Call2(input, false, check_errors);

        public static Tensor cond(Tensor input) => CondNumber.Call(input);

        public static Tensor cond(Tensor input, int p) => CondNumber.Call(input, p);

        public static Tensor cond(Tensor input, double p) => CondNumber.Call(input, p);

        public static Tensor cond(Tensor input, string p) => CondNamed.Call(input, p);

        public static Tensor cross(Tensor input, Tensor other, long dim = -1) => Cross.Call(input, other, dim);

        public static Tensor det(Tensor input) => Det.Call(input);

        public static Tensor diagonal(Tensor input, int offset = 0, int dim1 = -2, int dim2 = -1) => Diagonal.Call(input, offset, dim1, dim2);

        /// <summary>Eigenvalues and eigenvectors of any square matrix, both complex.</summary>
        public static (Tensor, Tensor) eig(Tensor input) => Eig.Call2(input);

        public static Tensor eigvals(Tensor input) => Eigvals.Call(input);

        /// <summary>Eigenvalues, ascending, and eigenvectors of a symmetric or Hermitian matrix, of which one triangle is read.</summary>
        public static (Tensor, Tensor) eigh(Tensor input, char UPLO = 'L') => Eigh.Call2(input, UPLO.ToString());

        public static Tensor eigvalsh(Tensor input, char UPLO = 'L') => Eigvalsh.Call(input, UPLO.ToString());

        public static Tensor householder_product(Tensor A, Tensor tau) => Householder.Call(A, tau);

        public static Tensor inv(Tensor input) => Inv.Call(input);

        public static (Tensor L, Tensor info) inv_ex(Tensor input, bool check_errors = false) => InvEx.Call2(input, check_errors);

        public static (Tensor LU, Tensor Pivots) ldl_factor(Tensor input, bool hermitian = true) => LdlFactor.Call2(input, hermitian);

        public static (Tensor LU, Tensor Pivots, Tensor Info) ldl_factor_ex(Tensor input, bool hermitian = true, bool check_errors = false) => LdlFactorEx.Call3(input, hermitian, check_errors);

        public static Tensor ldl_solve(Tensor LD, Tensor pivots, Tensor B, bool hermitian = false) => LdlSolve.Call(LD, pivots, B, hermitian);

        public static (Tensor Solution, Tensor Residuals, Tensor Rank, Tensor SingularValues) lstsq(Tensor input, Tensor other) => Lstsq.Call4(input, other);

        public static (Tensor Solution, Tensor Residuals, Tensor Rank, Tensor SingularValues) lstsq(Tensor input, Tensor other, double rcond) => Lstsq.Call4(input, other, rcond);

        public static (Tensor P, Tensor L, Tensor U) lu(Tensor input, bool pivot = true) => Lu.Call3(input, pivot);

        public static (Tensor LU, Tensor Pivots) lu_factor(Tensor input, bool pivot = true) => LuFactor.Call2(input, pivot);

        public static Tensor lu_solve(Tensor LU, Tensor pivots, Tensor B, bool left = true, bool adjoint = false, Tensor @out = null) => Into(@out, LuSolve.Call(LU, pivots, B, left, adjoint));

        public static Tensor matrix_exp(Tensor input) => MatrixExp.Call(input);

        public static Tensor matrix_norm(Tensor input, string ord = "fro", long[] dims = null, bool keepdim = false) => MatrixNormNamed.Call(input, ord, dims ?? [-2, -1], keepdim);

        public static Tensor matrix_norm(Tensor input, double ord, long[] dims = null, bool keepdim = false) => MatrixNorm.Call(input, ord, dims ?? [-2, -1], keepdim);

        public static Tensor matrix_rank(Tensor input, double? atol = null, double? rtol = null, bool hermitian = false) => MatrixRank.Call(input, atol, rtol, hermitian);

        public static Tensor matrix_rank(Tensor input, Tensor atol, Tensor rtol = null, bool hermitian = false) => MatrixRankTensor.Call(input, atol, rtol, hermitian);

        public static Tensor multi_dot(IList<Tensor> tensors) => MultiDot.Call(tensors.ToArray());

        public static Tensor norm(Tensor input, long[] dims = null, bool keepdim = false) => Norm.Call(input, default(Arg), dims, keepdim);

        public static Tensor norm(Tensor input, int ord, long[] dims = null, bool keepdim = false) => Norm.Call(input, ord, dims, keepdim);

        public static Tensor norm(Tensor input, double ord, long[] dims = null, bool keepdim = false) => Norm.Call(input, ord, dims, keepdim);

        public static Tensor norm(Tensor input, string ord, long[] dims = null, bool keepdim = false) => NormNamed.Call(input, ord, dims, keepdim);

        public static Tensor pinv(Tensor input, double? atol = null, double? rtol = null, bool hermitian = false) => Pinv.Call(input, atol, rtol, hermitian);

        public static Tensor pinv(Tensor input, Tensor atol, Tensor rtol = null, bool hermitian = false) => PinvTensor.Call(input, atol, rtol, hermitian);

        public static (Tensor Q, Tensor R) qr(Tensor input, QRMode mode = QRMode.Reduced) => Qr.Call2(input, mode == QRMode.R ? "r" : mode == QRMode.Complete ? "complete" : "reduced");

        /// <summary>Sign and logarithm of the absolute value of the determinant.</summary>
        public static (Tensor, Tensor) slogdet(Tensor input) => Slogdet.Call2(input);

        /// <summary>X with A X = B, or X A = B when not left.</summary>
        public static Tensor solve(Tensor A, Tensor B, bool left = true) => Solve.Call(A, B, left);

        public static (Tensor result, Tensor info) solve_ex(Tensor A, Tensor B, bool left = true, bool check_errors = false) => SolveEx.Call2(A, B, left, check_errors);

        public static Tensor solve_triangular(Tensor A, Tensor B, bool upper, bool left = true, bool unitriangular = false, Tensor @out = null) => Into(@out, SolveTriangular.Call(A, B, upper, left, unitriangular));

        /// <summary>A = U diag(S) Vh, S descending.</summary>
        public static (Tensor U, Tensor S, Tensor Vh) svd(Tensor input, bool fullMatrices = true) => Svd.Call3(input, fullMatrices);

        public static Tensor svdvals(Tensor input) => Svdvals.Call(input);

        public static Tensor tensorinv(Tensor input, long ind) => Tensorinv.Call(input, ind);

        public static Tensor tensorsolve(Tensor A, Tensor B, long[] dims) => Tensorsolve.Call(A, B, dims);

        public static Tensor vander(Tensor input, long? N = null) => Vander.Call(input, N);

        public static Tensor vecdot(Tensor x, Tensor y, long dim = -1, Tensor @out = null) => Into(@out, Vecdot.Call(x, y, dim));

        public static Tensor vector_norm(Tensor input, double ord = 2, long[] dims = null, bool keepdim = false) => VectorNorm.Call(input, ord, dims, keepdim);

        private static Tensor Into(Tensor target, Tensor result)
        {
            if (target is null) return result;
            using (result) return Aten.resize_.InPlace(target, result.shape).copy_(result);
        }
    }
}
