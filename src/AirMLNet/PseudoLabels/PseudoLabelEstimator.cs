using AirMLNet.Clip;
using AirMLNet.Persistence;
using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace AirMLNet.PseudoLabels;

/// <summary>
/// Labels the images that zero-shot CLIP is surest of: the K most probable of each class (methods §3.2, exact top-K with
/// ties in the order of the rows). An image wanted by several classes takes the one with its highest probability.
/// </summary>
/// <remarks>
/// Adds the label (a key, missing where not chosen), <c>…Score</c> (all class probabilities) and <c>…Confidence</c> (the
/// probability of the label, or the highest one where there is no label). The fitted transformer works row by row: it
/// keeps, per class, the K-th best probability of the training pool, and labels a row that reaches it. On the training
/// rows that is exactly the choice, except that rows which tie with the K-th are all labelled.
/// </remarks>
public sealed class PseudoLabelEstimator : IEstimator<PseudoLabelTransformer>
{
    internal const string Stage = "PseudoLabel";
    private readonly IHost _host;
    private readonly string _output, _features;
    private readonly PseudoLabelOptions _options;

    internal PseudoLabelEstimator(IHostEnvironment environment, string outputColumnName, string featureColumnName, PseudoLabelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _host = environment.Register(Stage);
        _output = OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        _features = OptionCheck.NotBlank(featureColumnName, nameof(featureColumnName));
        _options = options;
    }

    /// <summary>Reads the features once and chooses.</summary>
    /// <param name="input">Data with the feature column.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidDataException">There are no rows, or none without a label.</exception>
    public PseudoLabelTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using IChannel channel = _host.Start("Fit");
        DataViewSchema.Column features = SchemaCheck.Vector(input.Schema, Stage, _features);
        DataViewSchema.Column? label = _options.LabelColumn is { } name ? SchemaCheck.Label(input.Schema, Stage, name) : null;
        CosineHead head = TextHead(DeviceChoice.Resolve(_host, channel));
        SchemaCheck.Vector(input.Schema, Stage, _features, head.Dimension);

        TrainingRows rows = TrainingRows.Read(input, Stage, features, _options.CancellationToken, label);
        FriendMembers.CheckAlive(_host);
        float[] probabilities = PoolProbabilities(rows, head, out int pool);
        int perClass = SelectionSchedule.PerClass(_options.Strategy, 1, _options.Rounds, pool, head.Classes, _options.PerClass);
        int[][] chosen = TopKPerClass.Select(probabilities, head.Classes, perClass);
        int[] labels = TopKPerClass.Assign(chosen, probabilities);
        Report(channel, labels, pool, perClass);
        return new PseudoLabelTransformer(_host, _output, _features, _options, head, TopKPerClass.Thresholds(chosen, probabilities));
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        SchemaCheck.Shape(inputSchema, Stage, _features, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, "a vector of Single of known size");
        if (_options.LabelColumn is { } label)
            SchemaCheck.Shape(inputSchema, Stage, label, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, "Key<UInt32>");
        return Shapes.Add(inputSchema, Shapes.ClassKey(_output), Shapes.ClassVector(_output + "Score"), Shapes.Single(_output + "Confidence"));
    }

    private CosineHead TextHead(torch.Device device)
    {
        ClipBackbone backbone = ClipBackbone.Acquire(_options.ClipFolder, device);
        try
        {
            return new CosineHead(ZeroShotClassifier.ClassVectors(backbone, _options.ClassNames, _options.Templates), _options.ClassNames.Count, backbone.LogitScale);
        }
        finally
        {
            backbone.Release();
        }
    }

    /// <summary>p of the rows without a label, [pool, C].</summary>
    private float[] PoolProbabilities(TrainingRows rows, CosineHead head, out int pool)
    {
        float[] all = head.Probabilities(rows.Features, _options.CancellationToken);
        pool = rows.Count;
        if (rows.Labels.Count == 0) return all;
        pool = 0;
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows.Labels[i] >= 0) continue;
            Array.Copy(all, i * head.Classes, all, pool++ * head.Classes, head.Classes);
        }
        if (pool == 0) throw new InvalidDataException($"{Stage}: every row has a label in '{_options.LabelColumn}'; there is nothing to pseudo-label.");
        return all[..(pool * head.Classes)];
    }

    private void Report(IChannel channel, int[] labels, int pool, int perClass)
    {
        var counts = new int[_options.ClassNames.Count];
        foreach (int label in labels)
        {
            if (label >= 0) counts[label]++;
        }
        channel.Say($"{Stage}: {counts.Sum()} of {pool} images labelled, at most {perClass} per class.");
        string[] empty = _options.ClassNames.Where((_, c) => counts[c] == 0).ToArray();
        if (empty.Length > 0) channel.Warn($"{Stage}: no image was labelled {string.Join(", ", empty)}: other classes were more probable for all of its {perClass}.");
        _options.Progress?.Report(new(Stage, "labels chosen", counts.Sum(), pool));
    }
}
