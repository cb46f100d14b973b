namespace Microsoft.ML.Data;

/// <summary>A model that gives each class a score.</summary>
internal interface IMulticlassModel : ICanSaveModel
{
    int FeatureCount { get; }

    int ClassCount { get; }

    /// <summary>Scores one row.</summary>
    /// <param name="features">[FeatureCount].</param>
    /// <param name="scores">[ClassCount].</param>
    void Score(in VBuffer<float> features, Span<float> scores);
}
