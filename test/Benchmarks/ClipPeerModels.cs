using System.Runtime.InteropServices;
using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.Benchmarks;

/// <summary>One network in every form that is compared, on the same pixels: images to features, without decoding.</summary>
internal sealed class ClipPeerModels : IDisposable
{
    private readonly Dictionary<ClipPrecision, (ClipBackbone Ours, TraceModel Trace)> _models = [];
    private readonly OnnxModel _onnx;
    private readonly float[] _pixels;
    private readonly int _size;

    public ClipPeerModels(ClipPeerFiles files, int threads, int largestBatch)
    {
        foreach (var precision in new[] { ClipPrecision.Float32, ClipPrecision.BFloat16 })
        {
            var type = precision == ClipPrecision.Float32 ? ScalarType.Float32 : ScalarType.BFloat16;
            _models[precision] = (ClipBackbone.Acquire(files.Clip, execution: new() { Precision = precision }), new(files.Trace, type));
        }

        _onnx = new(files.Onnx, threads);
        _size = Backbone.Preprocessor.Size;
        _pixels = new float[largestBatch * 3 * _size * _size];
        var random = new Random(1);
        for (var i = 0; i < _pixels.Length; i++)
        {
            _pixels[i] = random.NextSingle() - 0.5f;
        }
    }

    /// <summary>Ours in float32.</summary>
    public ClipBackbone Backbone => _models[ClipPrecision.Float32].Ours;

    /// <summary>A run of ours over the first images.</summary>
    public Func<float[]> Ours(ClipPrecision precision, int batch) => Encoder(precision, batch, _models[precision].Ours.Model.EncodeImage);

    /// <summary>A run of the trace.</summary>
    public Func<float[]> Trace(ClipPrecision precision, int batch) =>
        Encoder(precision, batch, pixels => _models[precision].Trace.Run(pixels));

    /// <summary>A run of ONNX Runtime, which has no bfloat16 on processors.</summary>
    public Func<float[]> Onnx(int batch)
    {
        var pixels = _pixels[..(batch * 3 * _size * _size)];
        return () => Normalise(tensor(_onnx.Run(pixels, [batch, 3, _size, _size]), [batch, Backbone.FeatureDimension]));
    }

    public void Dispose()
    {
        foreach (var (ours, trace) in _models.Values)
        {
            ours.Release();
            trace.Dispose();
        }

        _onnx.Dispose();
    }

    // The pixels are there in the type of the model: what is timed starts and ends at the same places for all.
    private Func<float[]> Encoder(ClipPrecision precision, int batch, Func<Tensor, Tensor> encode)
    {
        var pixels = tensor(_pixels[..(batch * 3 * _size * _size)], [batch, 3, _size, _size])
            .to_type(precision == ClipPrecision.Float32 ? ScalarType.Float32 : ScalarType.BFloat16);
        return () =>
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            return Normalise(encode(pixels).to_type(ScalarType.Float32));
        };
    }

    private static float[] Normalise(Tensor features)
    {
        using var scope = NewDisposeScope();
        return MemoryMarshal.Cast<byte, float>(ClipModel.Normalise(features).contiguous().bytes).ToArray();
    }
}
