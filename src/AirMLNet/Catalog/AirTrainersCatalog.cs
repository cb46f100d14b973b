using AirMLNet.Pipeline;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.ZeroShot;

namespace Microsoft.ML;

/// <summary>AirMLNet's trainers, on <c>ml.MulticlassClassification.Trainers</c>.</summary>
public static class AirTrainersCatalog
{
    /// <summary>Tunes a text or visual prompt on pseudo-labelled images: see <see cref="PromptAdapterEstimator"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Model folder, class names, columns, rounds and training.</param>
    public static PromptAdapterEstimator PromptAdapter(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        PromptAdapterOptions options
    ) => new(FriendMembers.Environment(catalog), options);

    /// <summary>Zero-shot classification of features: see <see cref="ZeroShotEstimator"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Model folder, class names, templates, columns.</param>
    public static ZeroShotEstimator ZeroShot(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        ZeroShotOptions options
    ) => new(FriendMembers.Environment(catalog), options);

    /// <summary>Fine-tunes CLIP against prototypes that are mixed of texts: see <see cref="LatteClipEstimator"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Model folder, class names, working folder, columns, rule and training.</param>
    public static LatteClipEstimator LatteClip(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        LatteClipOptions options
    ) => new(FriendMembers.Environment(catalog), options);

    /// <summary>Labels images by propagation with two copies of CLIP that teach each other: see <see cref="ReClipEstimator"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Model folder, class names, working folder, propagation and training.</param>
    public static ReClipEstimator ReClip(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        ReClipOptions options
    ) => new(FriendMembers.Environment(catalog), options);
}
