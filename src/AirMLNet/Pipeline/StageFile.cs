namespace AirMLNet.Pipeline;

/// <summary>Contents of <c>stage.json</c> in a stage's part of a saved model.</summary>
internal abstract record StageFile
{
    /// <summary>Version of the format; a reader refuses a newer one.</summary>
    public int Format { get; init; } = ModelStream.Format;
}
