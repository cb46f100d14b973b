using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace AirMLNet.Pipeline;

/// <summary>What a stage needs of its environment and cannot get through public members.</summary>
internal static class FriendMembers
{
    /// <summary>The environment behind <c>ml.Transforms</c>, which its public face hides.</summary>
    public static IHostEnvironment Environment(TransformsCatalog catalog) => catalog.GetEnvironment();

    /// <summary>The environment behind <c>ml.Data</c>.</summary>
    public static IHostEnvironment Environment(DataOperationsCatalog catalog) => catalog.GetEnvironment();

    /// <summary>The environment behind <c>ml.Transforms.Conversion</c>.</summary>
    public static IHostEnvironment Environment(TransformsCatalog.ConversionTransforms catalog) => catalog.GetEnvironment();

    /// <summary>The environment behind <c>ml.MulticlassClassification.Trainers</c>.</summary>
    public static IHostEnvironment Environment(MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog) =>
        catalog.GetEnvironment();

    /// <summary>A view of one column, of texts.</summary>
    public static IDataView Texts(IHostEnvironment environment, IEnumerable<string> texts) =>
        DataViewConstructionUtils.CreateFromEnumerable(environment, texts.Select(text => new TextRow { Text = text }));

    /// <summary>What a predicted schema would say of a real one.</summary>
    public static SchemaShape ShapeOf(DataViewSchema schema) => SchemaShape.Create(schema);

    /// <exception cref="OperationCanceledException">MLContext.CancelExecution was called.</exception>
    public static void CheckAlive(IHostEnvironment environment)
    {
        if (environment is ICancelable { IsCanceled: true })
        {
            throw new OperationCanceledException("The MLContext was told to cancel its execution.");
        }
    }

    /// <summary>MLContext.GpuDeviceId and FallbackToCpu.</summary>
    public static (int? Id, bool Fallback) Gpu(IHostEnvironment environment) =>
        environment is IHostEnvironmentInternal known ? (known.GpuDeviceId, known.FallbackToCpu) : (null, false);

    private sealed class TextRow
    {
        public string Text { get; set; } = "";
    }
}
