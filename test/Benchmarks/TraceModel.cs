using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Benchmarks;

/// <summary>
/// A network that Python's PyTorch wrote as a TorchScript trace, run by the LibTorch of this process: what the plain operators
/// take, without anything of Python in the way.
/// </summary>
internal sealed class TraceModel : IDisposable
{
    private readonly jit.ScriptModule _module;

    public TraceModel(string path, ScalarType type)
    {
        _module = jit.load(path);
        _module.eval();
        if (type != ScalarType.Float32)
        {
            _module.to(type);
        }
    }

    /// <returns>The network's only output.</returns>
    public Tensor Run(params Tensor[] inputs) => (Tensor)_module.call([.. inputs]);

    public void Dispose() => _module.Dispose();
}
