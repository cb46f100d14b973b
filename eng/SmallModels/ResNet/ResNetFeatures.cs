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
        _preprocessor = Preprocessor();
    }

    /// <summary>timm's resnet18 at the size to which images are scaled.</summary>
    public static ClipVisionConfig Vision => new ClipResNetConfig(64, 2, 2, 2, 2) { IsBasic = true }.Tower(ImageSize);

    /// <summary>Those of the published network; the model around it has no other use.</summary>
    public static ResNetFeatures Published()
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
        using var model = new ClipModel(new ClipConfig { Vision = Vision, Text = text }, generator);
        ResNet18Package.Fill(ResNet18Package.Network, model);
        return new ResNetFeatures(model);
    }

    /// <summary>How images are prepared for the package's ResNet-18.</summary>
    public static ClipPreprocessor Preprocessor() => new(ImageSize, ResNet18Package.Mean(ResNet18Package.Preparation), ResNet18Package.Std);

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
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        List<Tensor> parts = [];
        for (var from = first; from < first + count; from += Part)
        {
            cancellation.ThrowIfCancellationRequested();
            var file = Path.Combine(
                folder,
                string.Create(CultureInfo.InvariantCulture, $"{split.ToString().ToLowerInvariant()}-{from:D5}.safetensors")
            );
            if (!File.Exists(file))
            {
                int[] photos = [.. Enumerable.Range(from, Math.Min(Part, data.Count(split) - from))];
                using var computed = Of(photos.Length, i => data.GetImage(split, photos[i]));
                Safetensors.Write(file, new Dictionary<string, Tensor> { ["features"] = computed });
            }
            using var saved = SafetensorsFile.Open(file);
            parts.Add(saved.GetTensor("features"));
            done?.Invoke(Math.Min(count, from + Part - first));
        }
        return cat(parts, 0).narrow(0, 0, count).MoveToOuterDisposeScope();
    }

    /// <summary>Features of images.</summary>
    /// <param name="number">N.</param>
    /// <param name="image">The image of a number.</param>
    /// <returns>[N, 512].</returns>
    public Tensor Of(int number, Func<int, RgbImage> image)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        const int area = 3 * ImageSize * ImageSize;
        List<Tensor> parts = [];
        for (var from = 0; from < number; from += Batch)
        {
            using var inner = NewDisposeScope();
            var pixels = new float[Math.Min(Batch, number - from) * area];
            for (var i = 0; i < pixels.Length / area; i++)
            {
                _preprocessor.Preprocess(image(from + i), pixels.AsSpan(i * area, area));
            }
            var map = _model.ResNet!.Map(Tensors.Of(pixels, [pixels.Length / area, 3, ImageSize, ImageSize]).to_type(ScalarType.BFloat16));
            parts.Add(ClipTimmTower.Mean(map).to_type(ScalarType.Float32).MoveToOuterDisposeScope());
        }
        return cat(parts, 0).MoveToOuterDisposeScope();
    }

    public void Dispose() => _model.Dispose();
}
