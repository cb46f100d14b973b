namespace TorchSharp;

public static partial class torch
{
    public static Tensor tensor(BFloat16[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => from_array(rawArray, dtype, device, requires_grad);
    public static Tensor tensor(BFloat16[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => from_array(rawArray, dtype, device, requires_grad);
    public static Tensor tensor(BFloat16[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => from_array(rawArray, dtype, device, requires_grad);
    public static Tensor tensor(BFloat16[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Create<BFloat16>(rawArray, dimensions, dtype, device, requires_grad);
    public static Tensor tensor(BFloat16[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Create<BFloat16>(rawArray, [rawArray.Length], dtype, device, requires_grad);
    public static Tensor tensor(IList<BFloat16> rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Create<BFloat16>(Values(rawArray), dimensions, dtype, device, requires_grad);
    public static Tensor tensor(IList<BFloat16> rawArray, long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Create<BFloat16>(Values(rawArray), [dim0, dim1, dim2, dim3], dtype, device, requires_grad);
    public static Tensor tensor(IList<BFloat16> rawArray, long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Create<BFloat16>(Values(rawArray), [dim0, dim1, dim2], dtype, device, requires_grad);
    public static Tensor tensor(IList<BFloat16> rawArray, long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Create<BFloat16>(Values(rawArray), [rows, columns], dtype, device, requires_grad);
    public static Tensor tensor(IList<BFloat16> rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Create<BFloat16>(Values(rawArray), [rawArray.Count], dtype, device, requires_grad);
    public static Tensor tensor(Memory<BFloat16> rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Create<BFloat16>(rawArray.Span, dimensions, dtype, device, requires_grad);
    public static Tensor tensor(BFloat16 scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Create<BFloat16>([scalar], [], dtype, device, requires_grad);
    public static Tensor as_tensor(BFloat16[] rawArray, ScalarType? dtype = null, Device device = null) => Create<BFloat16>(rawArray, [rawArray.Length], dtype, device, false);
    public static Tensor as_tensor(IList<BFloat16> rawArray, ScalarType? dtype = null, Device device = null) => Create<BFloat16>(Values(rawArray), [rawArray.Count], dtype, device, false);
}
