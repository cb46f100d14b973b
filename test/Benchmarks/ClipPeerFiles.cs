using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.SmallModels;
using TorchSharp;

namespace AirMLNet.Benchmarks;

/// <summary>
/// What the benchmark of whole CLIP models works on, under artifacts/bench; made once, the larger part of it by the peer.
/// </summary>
internal sealed class ClipPeerFiles
{
    private static readonly string Folder = Path.Combine(BenchmarkData.Root, "artifacts", "bench");

    public static readonly string Script = Path.Combine(BenchmarkData.Root, "test", "Benchmarks", "Peer", "clip_vit.py");

    /// <param name="peer">Writes the images and exports the model; has the model loaded afterwards.</param>
    /// <param name="images">How many images.</param>
    /// <param name="threads">What the peer computes with.</param>
    public ClipPeerFiles(PythonPeer peer, int images, int threads)
    {
        Clip = Model(Path.Combine(Folder, "vit-b-32"));
        Trace = Path.Combine(Clip, "trace.pt");
        Onnx = Path.Combine(Clip, "model.onnx");
        Images = Path.Combine(Folder, "jpeg-" + images.ToString(CultureInfo.InvariantCulture));
        peer.Ask("images", Images, images.ToString(CultureInfo.InvariantCulture));
        Peer = peer.Ask("load", Path.Combine(Clip, "model.safetensors"), threads.ToString(CultureInfo.InvariantCulture));
        peer.Ask("export", Trace, Onnx);
    }

    /// <summary>The model folder.</summary>
    public string Clip { get; }

    /// <summary>The same network as a TorchScript trace.</summary>
    public string Trace { get; }

    /// <summary>The same network for ONNX Runtime.</summary>
    public string Onnx { get; }

    /// <summary>A folder of JPEG files.</summary>
    public string Images { get; }

    /// <summary>What the peer says it is.</summary>
    public string Peer { get; }

    /// <summary>Where the peer puts its features.</summary>
    public string Features { get; } = Path.Combine(Folder, "peer-features.bin");

    private static string Model(string folder)
    {
        if (File.Exists(Path.Combine(folder, "preprocessor_config.json")))
        {
            return folder;
        }

        var vocabulary = BytePairLearner.Learn(["a photo of a cat"], 8, 32, folder);
        using var generator = new torch.Generator(1);
        using var model = new ClipModel(
            new ClipConfig
            {
                Text = new() { ContextLength = 32, VocabularySize = vocabulary },
            },
            generator
        );
        MiniClipModelFiles.Write(model, folder);
        model.Save(folder, torch.ScalarType.Float32); // the peer reads this type only
        return folder;
    }
}
