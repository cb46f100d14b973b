using AirMLNet.Evaluation;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Experiments;

/// <summary>A row of an experiment's data views.</summary>
internal sealed class ExperimentRow
{
    public string ImagePath { get; set; } = "";
    public float[] Features { get; set; } = [];
    public string LabelName { get; set; } = "";
    public string Origin { get; set; } = "real";
}

/// <summary>Makes data views of encoded images.</summary>
internal static class ExperimentRows
{
    /// <summary>The images of the pool, with the labels that are given.</summary>
    public static IEnumerable<ExperimentRow> Real(ExperimentData data, EncodedImages pool, PoolLabels labels)
    {
        for (var i = 0; i < pool.Images.Count; i++)
        {
            yield return new ExperimentRow
            {
                ImagePath = pool.Images[i].Path,
                Features = pool.Features[i],
                LabelName = labels.IsGiven(i) ? data.ClassNames[labels[i]] : "",
            };
        }
    }

    /// <summary>Synthetic images with their classes.</summary>
    public static IEnumerable<ExperimentRow> Synthetic(ExperimentData data, EncodedImages synthetic) =>
        synthetic.Images.Select(
            (image, i) =>
                new ExperimentRow
                {
                    ImagePath = image.Path,
                    Features = synthetic.Features[i],
                    LabelName = data.ClassNames[image.Class],
                    Origin = "synthetic",
                }
        );

    /// <summary>Images to score, without their classes.</summary>
    public static IDataView Scored(MLContext ml, EncodedImages images) =>
        View(ml, images.Images.Select((image, i) => new ExperimentRow { ImagePath = image.Path, Features = images.Features[i] }), images);

    /// <summary>Rows with a key of their label among class names; missing where the name is none of them.</summary>
    public static IDataView Keyed(MLContext ml, IEnumerable<ExperimentRow> rows, ExperimentData data, IReadOnlyList<string> classNames)
    {
        var view = View(ml, rows, data.Train);
        return ml.Transforms.Conversion.MapValueToKey("Label", classNames, nameof(ExperimentRow.LabelName)).Fit(view).Transform(view);
    }

    private static IDataView View(MLContext ml, IEnumerable<ExperimentRow> rows, EncodedImages images)
    {
        var schema = SchemaDefinition.Create(typeof(ExperimentRow));
        schema[nameof(ExperimentRow.Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, images.Features[0].Length);
        return ml.Data.LoadFromEnumerable(rows, schema);
    }
}
