using System.Globalization;
using AirMLNet.Clip;
using AirMLNet.Images;
using AirMLNet.Layers;
using AirMLNet.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>
/// The pooled features of images by the published ResNet-18, before any projection. Those of photos are kept in a folder, in parts, so that
/// an interrupted run goes on. Computed in bfloat16: twice as fast, and the third digit of a feature matters to nothing here.
/// </summary>
internal sealed class ResNetFeatures : IDisposable
{
    /// <summary>Height and width to which images are scaled.</summary>
    public const int ImageSize = 96;

    private const int Part = 5000;
    private const int Batch = 50;

    private readonly ClipModel _model;
    private readonly ClipPreprocessor _preprocessor;

    /// <param name="model">A model with the package's ResNet-18; stays the caller's.</param>
    public ResNetFeatures(ClipModel model)
    {
        using var generator = new Generator(0);
        _model = new ClipModel(model.Config, generator);
        using (no_grad())
        {
            foreach (var (name, weight) in model.state_dict())
            {
                _model.state_dict()[name].copy_(weight);
            }
        }
        _model.to(ScalarType.BFloat16);
        _preprocessor = Preprocessor(model.Config.Vision.ImageSize);
    }

    /// <summary>timm's resnet18.</summary>
    /// <param name="side">Height and width to which images are scaled.</param>
    public static ClipVisionConfig Vision(int side = ImageSize) => new ClipResNetConfig(64, 2, 2, 2, 2) { IsBasic = true }.Tower(side);

    /// <summary>Those of the published network; the model around it has no other use.</summary>
    /// <param name="side">Height and width to which images are scaled.</param>
    public static ResNetFeatures Published(int side = ImageSize)
    {
        using var generator = new Generator(0);
        var text = new ClipTextConfig
        {
            HiddenSize = 8,
            IntermediateSize = 8,
            Heads = 1,
            Layers = 1,
            VocabularySize = 600,
        };
        using var model = new ClipModel(new ClipConfig { Vision = Vision(side), Text = text }, generator);
        ResNet18Package.Fill(ResNet18Package.Network, model);
        return new ResNetFeatures(model);
    }

    /// <summary>How images are prepared for the package's ResNet-18.</summary>
    /// <param name="side">Height and width to which they are scaled.</param>
    public static ClipPreprocessor Preprocessor(int side = ImageSize) =>
        new(side, ResNet18Package.Mean(ResNet18Package.Preparation), ResNet18Package.Std);

    /// <summary>Features of photos, from the folder where they are there.</summary>
    /// <param name="data">The photos.</param>
    /// <param name="split">Their part.</param>
    /// <param name="first">The first photo, a multiple of 5,000.</param>
    /// <param name="count">How many.</param>
    /// <param name="folder">Where they are kept.</param>
    /// <param name="done">Told how many are done.</param>
    /// <param name="cancellation">Checked before each part.</param>
    /// <returns>[count, 512].</returns>
    public Tensor Photos(
        Cifar10 data,
        Cifar10Split split,
        int first,
        int count,
        string folder,
        Action<int>? done = null,
        CancellationToken cancellation = default
    )
    {
        var name = split.ToString().ToLowerInvariant();
        using var scope = NewDisposeScope();
        return Parts(
            folder,
            name,
            Part,
            first,
            count,
            from =>
            {
                var computed = Of(Math.Min(Part, data.Count(split) - from), i => data.GetImage(split, from + i));
                return new() { ["features"] = computed };
            },
            done,
            cancellation
        )["features"]
            .MoveToOuterDisposeScope();
    }

    /// <summary>Rows of tensors that are kept in a folder, in parts; those that are not there are made.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">What the files' names begin with.</param>
    /// <param name="part">Rows of a file.</param>
    /// <param name="first">The first row, a multiple of them.</param>
    /// <param name="count">How many.</param>
    /// <param name="make">Makes a part, from a row on.</param>
    /// <param name="done">Told how many are done.</param>
    /// <param name="cancellation">Checked before each part.</param>
    public static Dictionary<string, Tensor> Parts(
        string folder,
        string name,
        int part,
        int first,
        int count,
        Func<int, Dictionary<string, Tensor>> make,
        Action<int>? done = null,
        CancellationToken cancellation = default
    )
    {
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        Dictionary<string, List<Tensor>> parts = [];
        for (var from = first; from < first + count; from += part)
        {
            cancellation.ThrowIfCancellationRequested();
            var file = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{name}-{from:D5}.safetensors"));
            if (!File.Exists(file))
            {
                using var inner = NewDisposeScope();
                Safetensors.Write(file, make(from));
            }
            using var saved = SafetensorsFile.Open(file);
            foreach (var key in saved.Entries.Keys)
            {
                (parts.TryGetValue(key, out var list) ? list : parts[key] = []).Add(saved.GetTensor(key));
            }
            done?.Invoke(Math.Min(count, from + part - first));
        }
        return parts.ToDictionary(p => p.Key, p => cat(p.Value, 0).narrow(0, 0, count).MoveToOuterDisposeScope());
    }

    /// <summary>Features of images.</summary>
    /// <param name="number">N.</param>
    /// <param name="image">The image of a number.</param>
    /// <returns>[N, 512].</returns>
    public Tensor Of(int number, Func<int, RgbImage> image) => Each(number, image, ClipTimmTower.Mean);

    /// <summary>Features of every place of images.</summary>
    /// <param name="number">N.</param>
    /// <param name="image">The image of a number.</param>
    /// <returns>[N, P, 512], places row by row.</returns>
    public Tensor Places(int number, Func<int, RgbImage> image) => Each(number, image, map => map.flatten(2).transpose(1, 2));

    private Tensor Each(int number, Func<int, RgbImage> image, Func<Tensor, Tensor> pool)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var side = _preprocessor.Size;
        var area = 3 * side * side;
        List<Tensor> parts = [];
        for (var from = 0; from < number; from += Batch)
        {
            using var inner = NewDisposeScope();
            var pixels = new float[Math.Min(Batch, number - from) * area];
            for (var i = 0; i < pixels.Length / area; i++)
            {
                _preprocessor.Preprocess(image(from + i), pixels.AsSpan(i * area, area));
            }
            var map = _model.ResNet!.Map(Tensors.Of(pixels, [pixels.Length / area, 3, side, side]).to_type(ScalarType.BFloat16));
            parts.Add(pool(map).to_type(ScalarType.Float32).MoveToOuterDisposeScope());
        }
        return cat(parts, 0).MoveToOuterDisposeScope();
    }

    public void Dispose() => _model.Dispose();
}
