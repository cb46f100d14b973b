using AirMLNet.Features;
using AirMLNet.Prompts;
using AirMLNet.PseudoLabels;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Testing;

/// <summary>A tiny model, pictures, and the stages on them, in a temporary folder.</summary>
public sealed class StageFixture : IDisposable
{
    public static readonly string[] Names = ["red", "green", "blue"];

    private readonly TemporaryFolder _folder = new();

    /// <param name="images">Number of pictures.</param>
    /// <param name="seed">Seed of <see cref="Context"/>.</param>
    /// <param name="ownModel">Gives the fixture a copy of the model, for tests that change or move it.</param>
    public StageFixture(int images = 24, int seed = 5, bool ownModel = false)
    {
        ClipFolder = ownModel ? TinyModels.Copy(TinyModels.Clip, _folder["tiny-clip"]) : TinyModels.Clip;
        Rows = TinyClip
            .WriteImages(Path.Combine(Root, "images"), images)
            .Select(i => new PictureRow
            {
                ImagePath = i.Path,
                Name = Path.GetFileName(i.Path),
                Number = i.Class,
            })
            .ToArray();
        Context = new MLContext(seed);
        Data = Context.Data.LoadFromEnumerable(Rows);
    }

    public string Root => _folder.Path;
    public string ClipFolder { get; }
    public PictureRow[] Rows { get; }
    public MLContext Context { get; }
    public IDataView Data { get; }

    public ClipFeatureEstimator Features(int batch = 7) =>
        Context.Transforms.ClipFeature("Features", "ImagePath", new ClipFeatureOptions { ClipFolder = ClipFolder, BatchSize = batch });

    public PseudoLabelOptions PseudoLabels(int perClass = 4) =>
        new()
        {
            ClipFolder = ClipFolder,
            ClassNames = Names,
            PerClass = perClass,
        };

    public PromptAdapterOptions Prompts(int rounds = 1, int epochs = 3) =>
        new()
        {
            ClipFolder = ClipFolder,
            ClassNames = Names,
            Rounds = rounds,
            Epochs = epochs,
            PromptLength = 4,
            BatchSize = 8,
            PerClass = 4,
        };

    /// <summary>Features, pseudo-labels, prototypes and prompts in one chain.</summary>
    public EstimatorChain<PromptAdapterTransformer> Chain(MLContext? context = null, int rounds = 2)
    {
        var ml = context ?? Context;
        return ml
            .Transforms.ClipFeature("Features", "ImagePath", new ClipFeatureOptions { ClipFolder = ClipFolder, BatchSize = 7 })
            .Append(ml.Transforms.PseudoLabel("PseudoLabel", "Features", PseudoLabels()))
            .Append(ml.Transforms.PrototypeClassifier("PrototypeScore", "Features"))
            .Append(ml.MulticlassClassification.Trainers.PromptAdapter(Prompts(rounds) with { PrototypeColumn = "PrototypeScore" }));
    }

    public void Dispose() => _folder.Dispose();

    public static T[] Column<T>(IDataView view, string name)
    {
        var values = new List<T>();
        var column = view.Schema[name];
        using var cursor = view.GetRowCursor([column]);
        var getter = cursor.GetGetter<T>(column);
        while (cursor.MoveNext())
        {
            T value = default!;
            getter(ref value);
            values.Add(value);
        }
        return [.. values];
    }

    public static float[][] Vectors(IDataView view, string name) =>
        Column<VBuffer<float>>(view, name).Select(v => v.DenseValues().ToArray()).ToArray();
}

public sealed class PictureRow
{
    public string ImagePath { get; set; } = "";

    /// <summary>Passed through.</summary>
    public string Name { get; set; } = "";

    public int Number { get; set; }
}

public sealed class PictureScore
{
    public float[] Features { get; set; } = [];
    public float[] PrototypeScore { get; set; } = [];
    public float[] Score { get; set; } = [];
    public uint PredictedLabel { get; set; }
    public string Name { get; set; } = "";
}
