using AirMLNet.Clip;
using AirMLNet.Heads;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace AirMLNet.PseudoLabels;

/// <summary>
/// Labels the images that zero-shot CLIP is surest of: the K most probable of each class (FPL, GRIP's first round; methods
/// §3.2, exact top-K with ties in the order of the rows), or K images per class with sets of candidate labels (CPL, §3.3).
/// With image-side probabilities, of the fused ones (AiR, §4.1, Eq. 7).
/// </summary>
/// <remarks>
/// Adds the label (a key, missing where not chosen), <c>…Score</c> (probabilities of the classes that labels may take, 0 for
/// others) and <c>…Confidence</c> (the probability of the label, or the highest one where there is no label); with candidates
/// also <c>…Candidates</c>, the training target over all classes, zeros where not chosen. An image wanted by several classes
/// takes the one with its highest probability. The fitted transformer works row by row: it keeps, per class, the lowest
/// probability that was taken, and labels a row that reaches it. On the training rows that is exactly the choice, except
/// that rows which tie with the last one are all labelled, and that the leaderboard's quirks are not repeated.
/// </remarks>
public sealed class PseudoLabelEstimator : IEstimator<PseudoLabelTransformer>
{
    internal const string Stage = "PseudoLabel";
    private readonly IHost _host;
    private readonly string _output,
        _features;
    private readonly PseudoLabelOptions _options;
    private readonly ClassSubset _subset;

    internal PseudoLabelEstimator(
        IHostEnvironment environment,
        string outputColumnName,
        string featureColumnName,
        PseudoLabelOptions options
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        _host = environment.Register(Stage);
        _output = OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        _features = OptionCheck.NotBlank(featureColumnName, nameof(featureColumnName));
        _options = options;
        _subset = ClassSubset.Of(options.ClassNames, options.LabelClasses, nameof(PseudoLabelOptions.LabelClasses));
        _options.FusionRule(); // a weight that the form does not take is refused here
    }

    /// <summary>Reads the features once and chooses.</summary>
    /// <param name="input">Data with the feature column.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidDataException">There are no rows, or none without a label.</exception>
    public PseudoLabelTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        using var channel = _host.Start("Fit");
        var features = SchemaCheck.Vector(input.Schema, Stage, _features);
        DataViewSchema.Column? label = _options.LabelColumn is { } name ? SchemaCheck.Label(input.Schema, Stage, name) : null;
        DataViewSchema.Column? prototype = _options.PrototypeColumn is { } p
            ? SchemaCheck.Vector(input.Schema, Stage, p, _options.ClassNames.Count)
            : null;
        var head = TextHead(DeviceChoice.Resolve(_host, channel));
        SchemaCheck.Vector(input.Schema, Stage, _features, head.Dimension);

        var rows = TrainingRows.Read(input, Stage, features, _options.CancellationToken, label, vector: prototype);
        FriendMembers.CheckAlive(_host);
        var text = head.Probabilities(rows.Features, _options.CancellationToken);
        var pool = PoolProbabilities.Of(
            text,
            rows.Vector.Span,
            _options.FusionRule(),
            _subset,
            i => rows.Labels.Count == 0 || rows.Labels[i] < 0
        );
        if (pool.Rows.Length == 0)
        {
            throw new InvalidDataException(
                $"{Stage}: every row has a label in '{_options.LabelColumn}'; there is nothing to pseudo-label."
            );
        }

        var perClass = SelectionSchedule.PerClass(
            _options.Strategy,
            1,
            _options.Rounds,
            pool.Rows.Length,
            _subset.Count,
            _options.PerClass
        );
        var rule = Choose(pool.Values, perClass, out var labels);
        Report(channel, labels, pool.Rows.Length, perClass);
        return new PseudoLabelTransformer(_host, _output, _features, _options, head, rule);
    }

    /// <inheritdoc/>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        SchemaCheck.Shape(
            inputSchema,
            Stage,
            _features,
            SchemaShape.Column.VectorKind.Vector,
            NumberDataViewType.Single,
            false,
            "a vector of Single of known size"
        );
        if (_options.LabelColumn is { } label)
        {
            SchemaCheck.Shape(
                inputSchema,
                Stage,
                label,
                SchemaShape.Column.VectorKind.Scalar,
                NumberDataViewType.UInt32,
                true,
                "Key<UInt32>"
            );
        }

        if (_options.PrototypeColumn is { } prototype)
        {
            SchemaCheck.Shape(
                inputSchema,
                Stage,
                prototype,
                SchemaShape.Column.VectorKind.Vector,
                NumberDataViewType.Single,
                false,
                "a vector of Single of known size"
            );
        }

        SchemaShape.Column[] added =
        [
            Shapes.ClassKey(_output),
            Shapes.ClassVector(_output + "Score"),
            Shapes.Single(_output + "Confidence"),
        ];
        if (_options.Selection == SelectionRule.Candidates)
        {
            added = [.. added, Shapes.ClassVector(_output + "Candidates")];
        }

        return Shapes.Add(inputSchema, added);
    }

    private CosineHead TextHead(torch.Device device)
    {
        var backbone = ClipBackbone.Acquire(_options.ClipFolder, device, new ClipExecution { Activation = _options.Activation });
        try
        {
            return new CosineHead(
                ZeroShotClassifier.ClassVectors(backbone, _options.ClassNames, _options.Templates),
                _options.ClassNames.Count,
                backbone.LogitScale
            );
        }
        finally
        {
            backbone.Release();
        }
    }

    /// <summary>The rule that the chosen rows give, and their labels as indices of the subset, −1 where not chosen.</summary>
    private LabelRule Choose(ReadOnlySpan<float> pool, int perClass, out int[] labels)
    {
        var classes = _subset.Count;
        if (_options.Selection != SelectionRule.Candidates)
        {
            var chosen =
                _options.Selection == SelectionRule.Leaderboard
                    ? TopKPerClass.SelectLeaderboard(pool, classes, perClass)
                    : TopKPerClass.Select(pool, classes, perClass);
            labels = TopKPerClass.Assign(chosen, pool);
            return new LabelRule(TopKPerClass.Thresholds(chosen, pool), null, false);
        }
        var selector = new PseudoLabelSelector(SelectionRule.Candidates, classes, _options.IntraQuantile, _options.InterQuantile);
        var rule = CandidateLabels.Rule(pool, classes, selector.IntraQuantile, selector.Inter);
        var sets = CandidateLabels.Sets(pool, rule);
        var taken = CandidateLabels.Accept(pool, sets, classes, perClass);
        labels = [.. taken.Select((c, i) => c < 0 ? -1 : sets[i][0])];
        return new LabelRule(CandidateLabels.Cutoffs(pool, taken, classes, perClass), rule, _options.Strategy == PseudoLabelStrategy.Grip);
    }

    private void Report(IChannel channel, int[] labels, int pool, int perClass)
    {
        var counts = new int[_subset.Count];
        foreach (var label in labels)
        {
            if (label >= 0)
            {
                counts[label]++;
            }
        }
        channel.Say($"{Stage}: {counts.Sum()} of {pool} images labelled, at most {perClass} per class.");
        var empty = counts
            .Select((n, k) => (n, Name: _options.ClassNames[_subset.ClassOf(k)]))
            .Where(c => c.n == 0)
            .Select(c => c.Name)
            .ToArray();
        if (empty.Length > 0)
        {
            channel.Warn(
                $"{Stage}: no image was labelled {string.Join(", ", empty)}: other classes were more probable for all of its {perClass}."
            );
        }

        _options.Progress?.Report(new(Stage, "labels chosen", counts.Sum(), pool));
    }
}
