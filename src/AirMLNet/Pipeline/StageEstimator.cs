using AirMLNet.Clip;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace AirMLNet.Pipeline;

/// <summary>Base of the estimators of this library. They check their input before anything is loaded or read.</summary>
/// <typeparam name="TTransformer">The fitted stage.</typeparam>
public abstract class StageEstimator<TTransformer> : IEstimator<TTransformer>
    where TTransformer : class, ITransformer
{
    private readonly IHostEnvironment _environment;
    private readonly string _stage;

    private protected StageEstimator(IHostEnvironment environment, string stage)
    {
        ArgumentNullException.ThrowIfNull(environment);
        (_environment, _stage, Host) = (environment, stage, environment.Register(stage));
    }

    private protected IHost Host { get; }

    /// <summary>Fits the stage; the remarks of the class say what is read and computed.</summary>
    /// <param name="input">Data with the columns that the options name.</param>
    /// <exception cref="ArgumentException">
    /// A column is missing or has another type; the message names it and says what was expected.
    /// </exception>
    /// <exception cref="InvalidDataException">A stage that learns from rows has none, or none that it can learn from.</exception>
    /// <exception cref="OperationCanceledException">The token of the options, or the context, was cancelled.</exception>
    public TTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var shape = FriendMembers.ShapeOf(input.Schema);
        foreach (var column in Inputs(shape))
        {
            column.FindOrNull(input.Schema, _stage);
        }
        _ = Added(shape);

        using var channel = Host.Start("Fit");
        return Fit(input, channel);
    }

    /// <summary>The schema of what the fitted stage gives; nothing is loaded.</summary>
    /// <param name="inputSchema">Schema of the input.</param>
    /// <exception cref="ArgumentException">A column is missing or has another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (var column in Inputs(inputSchema))
        {
            column.Check(inputSchema, _stage);
        }

        return OutputColumns.Add(inputSchema, Added(inputSchema));
    }

    /// <summary>The added columns. Of two with one name the second would hide the first.</summary>
    private SchemaShape.Column[] Added(SchemaShape input)
    {
        SchemaShape.Column[] columns = [.. Outputs(input)];
        var twice = columns.CountBy(c => c.Name).FirstOrDefault(c => c.Value > 1).Key;
        return twice is null ? columns : throw new ArgumentException($"{_stage}: two of the columns that it adds are named '{twice}'.");
    }

    /// <summary>The columns that a fit reads; what is optional may depend on what the input has.</summary>
    private protected abstract IEnumerable<InputColumn> Inputs(SchemaShape input);

    /// <summary>The columns that the fitted stage adds to those of the input.</summary>
    private protected abstract IEnumerable<SchemaShape.Column> Outputs(SchemaShape input);

    /// <summary>Fits on an input whose columns were checked.</summary>
    private protected abstract TTransformer Fit(IDataView input, IChannel channel);

    /// <summary>A warning that begins with the stage's name, for what the stage uses.</summary>
    private protected void Warn(string text) => Host.Warn($"{_stage}: {text}");

    /// <summary>The CLIP model of a folder, on the context's device.</summary>
    private protected BackboneLease Model(IChannel channel, string folder, ClipExecution execution) =>
        BackboneLease.Take(folder, DeviceChoice.Resolve(_environment, channel), execution);

    /// <summary>The same in float32.</summary>
    private protected BackboneLease Model(IChannel channel, string folder, ClipActivation? activation) =>
        Model(channel, folder, new ClipExecution { Activation = activation });
}
