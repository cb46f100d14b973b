using System.Globalization;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>What the published ResNet-18 sees at every place of scenes, and which objects are there.</summary>
/// <param name="Places">[N, P, 512].</param>
/// <param name="Objects">Indices of the classes of each scene.</param>
internal sealed record SeenScenes(Tensor Places, int[][] Objects) : IDisposable
{
    /// <summary>Number of scenes.</summary>
    public int Count => Objects.Length;

    /// <summary>Which classes are there, [N, C], 1 or 0.</summary>
    public Tensor Labels() =>
        tensor(
            Objects.SelectMany(o => MiniScenes.Classes.Select((_, c) => o.Contains(c) ? 1f : 0f)).ToArray(),
            [Count, MiniScenes.Classes.Count]
        );

    public void Dispose() => Places.Dispose();
}

/// <summary>
/// Scenes of the training drawings that are in no data set, as the published ResNet-18 sees them. Kept in a folder, in parts, so that an
/// interrupted run goes on. Scene 0 and on are for models, <see cref="Judged"/> and on for judging them.
/// </summary>
/// <param name="scenes">Draws them.</param>
/// <param name="folder">Where what was seen is kept.</param>
/// <param name="seed">Of the scenes.</param>
/// <param name="part">Scenes of a file.</param>
internal sealed class SceneMaps(MiniScenes scenes, string folder, int seed, int part = SceneMaps.Part) : IDisposable
{
    /// <summary>Height and width to which scenes are scaled: 4×4 places, an object covers one or more.</summary>
    public const int ImageSize = 128;

    /// <summary>The first scene that no model learns from.</summary>
    public const int Judged = 60_000;

    private const int Part = 500;
    private readonly ResNetFeatures _features = ResNetFeatures.Published(ImageSize);

    /// <summary>Looks at any images.</summary>
    public ResNetFeatures Features => _features;

    /// <summary>Scenes in order.</summary>
    /// <param name="first">The first one, a multiple of the scenes of a file.</param>
    /// <param name="count">How many.</param>
    /// <param name="done">Told how many are done.</param>
    /// <param name="cancellation">Checked before each part.</param>
    public SeenScenes Take(int first, int count, Action<int>? done = null, CancellationToken cancellation = default)
    {
        var rows = ResNetFeatures.Parts(
            folder,
            string.Create(CultureInfo.InvariantCulture, $"scenes-{scenes.Side}-{seed}"),
            part,
            first,
            count,
            from =>
            {
                var objects = new float[part * MiniScenes.Classes.Count];
                var places = _features.Places(
                    part,
                    i =>
                    {
                        var scene = scenes.Draw(Cifar10Split.Train, MiniScenes.ModelSeed + seed, from + i);
                        Array.ForEach(scene.Objects, c => objects[(i * MiniScenes.Classes.Count) + c] = 1);
                        return scene.Image;
                    }
                );
                return new()
                {
                    ["places"] = places.to_type(ScalarType.Float16),
                    ["objects"] = tensor(objects, [part, MiniScenes.Classes.Count]),
                };
            },
            done,
            cancellation
        );
        using var labels = rows["objects"];
        using var half = rows["places"];
        var classes = MiniScenes.Classes.Count;
        return new(
            half.to_type(ScalarType.Float32),
            [.. labels.data<float>().ToArray().Chunk(classes).Select(row => Enumerable.Range(0, classes).Where(c => row[c] > 0).ToArray())]
        );
    }

    public void Dispose() => _features.Dispose();
}
