using AirMLNet.Clip;
using AirMLNet.Features;
using AirMLNet.Pipeline;
using AirMLNet.ZeroShot;

namespace Microsoft.ML;

/// <summary>Zero-shot classification and text features.</summary>
public static class ClipCatalog
{
    /// <summary>
    /// Zero-shot classification of images, from the images to Score and PredictedLabel: features, then
    /// <see cref="ZeroShotEstimator"/>.
    /// </summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="imageColumnName">Text (image paths) or MLImage.</param>
    /// <param name="clipFolder">Folder of the CLIP model.</param>
    /// <param name="classNames">Two or more class names, each once.</param>
    /// <param name="templates">Texts with <c>{}</c> for the name, such as <see cref="PromptTemplates.Ensemble"/> or <see cref="PromptTemplates.For"/>; null for "a photo of a {}."</param>
    public static IEstimator<Data.TransformerChain<ZeroShotTransformer>> ZeroShot(
        this TransformsCatalog catalog,
        string imageColumnName,
        string clipFolder,
        IReadOnlyList<string> classNames,
        IReadOnlyList<string>? templates = null
    )
    {
        var options = new ZeroShotOptions
        {
            ClipFolder = clipFolder,
            ClassNames = classNames,
            Templates = templates ?? PromptTemplates.Single,
        };
        return catalog
            .ClipFeature(options.FeatureColumn, imageColumnName, clipFolder)
            .Append(new ZeroShotEstimator(FriendMembers.Environment(catalog), options));
    }

    /// <summary>Zero-shot classification of features: see <see cref="ZeroShotEstimator"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Model folder, class names, templates, columns.</param>
    public static ZeroShotEstimator ZeroShot(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        ZeroShotOptions options
    ) => new(FriendMembers.Environment(catalog), options);

    /// <summary>Texts to CLIP features: see <see cref="ClipTextFeatureEstimator"/>.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="outputColumnName">Receives a Vector&lt;Single, D&gt; of length 1.</param>
    /// <param name="inputColumnName">Text; null means the output's name.</param>
    /// <param name="clipFolder">Folder of the CLIP model.</param>
    public static ClipTextFeatureEstimator ClipTextFeature(
        this TransformsCatalog catalog,
        string outputColumnName,
        string? inputColumnName,
        string clipFolder
    ) => ClipTextFeature(catalog, outputColumnName, inputColumnName, new ClipTextFeatureOptions { ClipFolder = clipFolder });

    /// <summary>Texts to CLIP features: see <see cref="ClipTextFeatureEstimator"/>.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="outputColumnName">Receives a Vector&lt;Single, D&gt; of length 1.</param>
    /// <param name="inputColumnName">Text; null means the output's name.</param>
    /// <param name="options">Model folder, batch size and more.</param>
    public static ClipTextFeatureEstimator ClipTextFeature(
        this TransformsCatalog catalog,
        string outputColumnName,
        string? inputColumnName,
        ClipTextFeatureOptions options
    ) => new(FriendMembers.Environment(catalog), outputColumnName, inputColumnName, options);
}
