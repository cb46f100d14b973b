using AirMLNet.Heads;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.PseudoLabels;

/// <summary>
/// Labels the images that zero-shot CLIP is surest of: the K most probable of each class (FPL, GRIP's first round;
/// <c>docs/methods.md</c> §3.2, exact top-K with ties in the order of the rows), or K images per class with sets of candidate
/// labels (CPL, §3.3). With image-side probabilities, the fused ones decide (AiR, Eq. 7; §4.1). Fitting reads the features once.
/// </summary>
/// <remarks>
/// Adds the label (a key, missing where not chosen), <c>…Score</c> (probabilities of the classes that labels may take, 0 for
/// others) and <c>…Confidence</c> (the probability of the label, or the highest one where there is no label); with candidates
/// also <c>…Candidates</c>, the training target over all classes, zeros where not chosen. An image that several classes chose
/// takes the one with its highest probability; deferred acceptance gives the others another image in its place. The fitted transformer
/// works row by row: it keeps, per class, the lowest
/// probability that was taken, and labels a row that reaches it. On the training rows that is exactly the choice, except
/// that rows which tie with the last one are all labelled, and that the leaderboard's order is not repeated.
/// </remarks>
public sealed class PseudoLabelEstimator : StageEstimator<PseudoLabelTransformer>
{
    internal const string Stage = "PseudoLabel";
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
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _output = OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName));
        _features = OptionCheck.NotBlank(featureColumnName, nameof(featureColumnName));
        _options = options;
        _subset = ClassSubset.Of(options.ClassNames, options.LabelClasses, nameof(PseudoLabelOptions.LabelClasses));
        _options.FusionRule(); // a weight that the form does not take is refused here
    }

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input)
    {
        yield return InputColumn.Vector(_features);
        if (_options.LabelColumn is { } label)
        {
            yield return InputColumn.Label(label);
        }

        if (_options.PrototypeColumn is { } prototype)
        {
            yield return InputColumn.Vector(prototype, _options.ClassNames.Count);
        }
    }

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input)
    {
        yield return OutputColumns.ClassKey(_output);
        yield return OutputColumns.ClassVector(_output + "Score");
        yield return OutputColumns.Single(_output + "Confidence");
        if (_options.Selection == SelectionRule.Candidates)
        {
            yield return OutputColumns.ClassVector(_output + "Candidates");
        }
    }

    private protected override PseudoLabelTransformer Fit(IDataView input, IChannel channel)
    {
        using var model = Model(channel, _options.ClipFolder, _options.Activation);
        var head = TextHead.Of(model.Backbone, _options.ClassNames, _options.Templates, _options.CancellationToken, Warn);
        var schema = input.Schema;
        var rows = new TrainingRows(input, Stage);
        var features = rows.Vectors(InputColumn.Features(_features, model.Backbone).Find(schema, Stage));
        var known = rows.Classes(_options.LabelColumn is { } l ? schema[l] : null);
        var prototype = rows.Vectors(_options.PrototypeColumn is { } p ? schema[p] : null);
        rows.Read(_options.CancellationToken);
        FriendMembers.CheckAlive(Host);
        var text = head.Probabilities(features.Values, _options.CancellationToken);
        var pool = PoolProbabilities.Of(text, prototype.Values.Span, _options.FusionRule(), _subset, i => known.Count == 0 || known[i] < 0);
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
        var selector = new PseudoLabelSelector(_options.Selection, _subset.Count, _options.IntraQuantile, _options.InterQuantile);
        var (rule, labels, _) = selector.Label(pool.Values, perClass, soft: _options.Strategy == PseudoLabelStrategy.Grip);
        Report(channel, labels, pool.Rows.Length, perClass);
        return new PseudoLabelTransformer(Host, _output, _features, _options, head, rule);
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
                $"{Stage}: no image was labelled {string.Join(", ", empty)}: "
                    + $"other classes were more probable for all of its {perClass}."
            );
        }

        _options.Progress?.Report(new(Stage, "labels chosen", counts.Sum(), pool));
    }
}
