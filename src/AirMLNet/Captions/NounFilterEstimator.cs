using AirMLNet.Options;
using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Captions;

/// <summary>
/// Labels captions by the classes that their nouns name (<c>docs/methods.md</c> §6.1), and drops those that name none. Nothing is learned.
/// </summary>
/// <remarks>
/// Because it drops rows, append it with <see cref="Microsoft.ML.Data.TransformerScope.TrainTest"/>: the fitted chain scores images, which
/// have
/// no captions.
/// </remarks>
public sealed class NounFilterEstimator : StageEstimator<NounFilterTransformer>
{
    internal const string Stage = "NounFilter";
    private readonly (string Output, string Input) _columns;
    private readonly NounFilterOptions _options;
    private readonly NounTable _table;

    internal NounFilterEstimator(IHostEnvironment environment, string outputColumnName, string inputColumnName, NounFilterOptions options)
        : base(environment, Stage)
    {
        ArgumentNullException.ThrowIfNull(options);
        _columns = (
            OptionCheck.NotBlank(outputColumnName, nameof(outputColumnName)),
            OptionCheck.NotBlank(inputColumnName, nameof(inputColumnName))
        );
        _options = options;
        _table = options.Table();
    }

    /// <summary>The classes, in the order of the labels.</summary>
    public IReadOnlyList<string> ClassNames => _table.ClassNames;

    private protected override IEnumerable<InputColumn> Inputs(SchemaShape input) => [InputColumn.Text(_columns.Input)];

    private protected override IEnumerable<SchemaShape.Column> Outputs(SchemaShape input) => [OutputColumns.ClassVector(_columns.Output)];

    private protected override NounFilterTransformer Fit(IDataView input, IChannel channel) => new(Host, _columns, _options, _table);
}
