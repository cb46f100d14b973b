namespace AirMLNet.Data;

/// <summary>One image of a data view: what <c>LoadFromEnumerable</c> needs.</summary>
internal sealed class ImageRow
{
    /// <summary>Path of the image file.</summary>
    public string ImagePath { get; set; } = "";

    /// <summary>Name of the class, or empty where it is not known.</summary>
    public string Label { get; set; } = "";
}
