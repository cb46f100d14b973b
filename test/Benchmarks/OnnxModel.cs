using Microsoft.ML.OnnxRuntime;

namespace AirMLNet.Benchmarks;

/// <summary>A network in ONNX Runtime, with images as its only input and their features as its only output.</summary>
internal sealed class OnnxModel : IDisposable
{
    private readonly SessionOptions _options;
    private readonly InferenceSession _session;
    private readonly RunOptions _run = new();

    public OnnxModel(string path, int threads)
    {
        _options = new()
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
        };
        _session = new(path, _options);
    }

    public static string Version => OrtEnv.Instance().GetVersionString();

    /// <param name="pixels">[B, 3, S, S].</param>
    /// <param name="shape">The four numbers of it.</param>
    /// <returns>[B, D], row after row.</returns>
    public float[] Run(float[] pixels, long[] shape)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(pixels, shape);
        using var output = _session.Run(_run, ["pixels"], [input], ["features"]);
        return output[0].GetTensorDataAsSpan<float>().ToArray();
    }

    public void Dispose()
    {
        _run.Dispose();
        _session.Dispose();
        _options.Dispose();
    }
}
