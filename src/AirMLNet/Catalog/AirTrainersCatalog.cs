using AirMLNet.Pipeline;
using AirMLNet.Prompts;

namespace Microsoft.ML;

/// <summary>AirMLNet's trainers, on <c>ml.MulticlassClassification.Trainers</c>.</summary>
public static class AirTrainersCatalog
{
    /// <summary>Tunes a shared text prompt on pseudo-labelled features: see <see cref="PromptAdapterEstimator"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Model folder, class names, columns, rounds and training.</param>
    public static PromptAdapterEstimator PromptAdapter(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        PromptAdapterOptions options
    ) => new(FriendMembers.Environment(catalog), options);
}
