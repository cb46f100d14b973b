using AirMLNet.Images;
using AirMLNet.Pipeline;
using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>Decoded images as ML.NET has them in columns.</summary>
public static class MLImageExtensions
{
    /// <summary>
    /// A copy as an <see cref="MLImage"/>, opaque and of format Bgra32, which the caller disposes. Every stage that reads images takes
    /// such a column in place of one of paths, also in a loaded model.
    /// </summary>
    /// <param name="image">An image, as <see cref="ImageFile"/> decodes it.</param>
    public static MLImage ToMLImage(this RgbImage image) => MLImages.FromRgb(image);
}
