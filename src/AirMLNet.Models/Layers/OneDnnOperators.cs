using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Layers;

/// <summary>
/// LibTorch's operators for linear layers with weights laid out beforehand, which TorchSharp has no methods for. They are reached through
/// a TorchScript module of a few lines, written into memory and loaded from there.
/// </summary>
internal static class OneDnnOperators
{
    // A script that names an operator which the native library does not have, or has with other arguments, ends the process and
    // throws nothing. So the module is loaded only beside the version of TorchSharp that it was tried with.
    private static readonly Version Tried = new(0, 107);

    private const string Code = """
        class Operators(Module):
          __parameters__ = []
          __buffers__ = []
          def pack(self: __torch__.Operators,
            weight: Tensor) -> Tensor:
            return ops.mkldnn._reorder_linear_weight(weight, None)
          def linear(self: __torch__.Operators,
            x: Tensor,
            weight: Tensor,
            bias: Optional[Tensor]) -> Tensor:
            return ops.mkldnn._linear_pointwise(x, weight, bias, "none", annotate(List[Optional[number]], []), "")

        """;

    private static readonly Lazy<jit.ScriptModule?> Module = new(Load);

    /// <summary>Whether this process has the operators.</summary>
    public static bool Available => Module.Value is not null;

    /// <summary>A copy of a matrix in the layout that suits the processor.</summary>
    /// <param name="weight">[out, in], float32 or bfloat16, on the CPU.</param>
    /// <returns>A tensor for <see cref="Linear"/> and nothing else.</returns>
    /// <exception cref="ExternalException">The processor does not multiply such numbers.</exception>
    public static Tensor Pack(Tensor weight) => (Tensor)Module.Value!.invoke("pack", weight);

    /// <summary>x·Wᵀ + b. A row's result depends neither on the rows beside it nor on the number of threads.</summary>
    /// <param name="x">[…, in].</param>
    /// <param name="packed">What <see cref="Pack"/> made of W.</param>
    /// <param name="bias">b, [out].</param>
    /// <returns>[…, out].</returns>
    public static Tensor Linear(Tensor x, Tensor packed, Tensor? bias) => (Tensor)Module.Value!.invoke("linear", x, packed, bias!);

    private static jit.ScriptModule? Load()
    {
        var version = typeof(torch).Assembly.GetName().Version;
        if (
            !Avx2.X64.IsSupported // oneDNN is slower than MKL on what is older, and has nothing of its own for other processors
            || version is null
            || (version.Major, version.Minor) != (Tried.Major, Tried.Minor)
            || !HasOneDnn()
        )
        {
            return null;
        }
        return jit.load(Archive());
    }

    /// <summary>Whether LibTorch was built with oneDNN; where it was, it has the operators too.</summary>
    private static bool HasOneDnn()
    {
        using var scope = NewDisposeScope();
        try
        {
            using var probe = jit.compile("def probe(x: Tensor) -> Tensor:\n  return torch.to_mkldnn(x)\n");
            _ = probe.invoke("probe", zeros(1, 1));
            return true;
        }
        catch (ExternalException)
        {
            return false;
        }
    }

    /// <summary>The module as a TorchScript file: its code, and an instance without attributes.</summary>
    private static byte[] Archive()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("code/__torch__.py", Encoding.ASCII.GetBytes(Code));
            // Pickled with protocol 2: an instance of __torch__.Operators with an empty state, and an empty tuple of constants.
            Add("data.pkl", [0x80, 2, .. "c__torch__\nOperators\n)"u8, 0x81, .. "}b."u8]);
            Add("constants.pkl", [0x80, 2, .. ")."u8]);
            Add("version", "10\n"u8);

            void Add(string name, ReadOnlySpan<byte> content)
            {
                using var entry = zip.CreateEntry($"operators/{name}", CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        }
        return stream.ToArray();
    }
}
