using AirMLNet.Captions;
using AirMLNet.Clip;
using AirMLNet.Features;
using AirMLNet.Options;
using AirMLNet.Pipeline;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;
using AirMLNet.Synthesis;
using AirMLNet.ZeroShot;
using Microsoft.ML.Transforms;

namespace Microsoft.ML;

/// <summary>AirMLNet's transforms, on <see cref="MLContext.Transforms"/>.</summary>
public static class AirTransformsCatalog
{
    /// <summary>Images to CLIP features: see <see cref="ClipFeatureEstimator"/>.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="outputColumnName">Receives a Vector&lt;Single, D&gt; of length 1.</param>
    /// <param name="inputColumnName">Text (image paths) or MLImage; null means the output's name.</param>
    /// <param name="clipFolder">Folder of the CLIP model.</param>
    public static ClipFeatureEstimator ClipFeature(
        this TransformsCatalog catalog,
        string outputColumnName,
        string? inputColumnName,
        string clipFolder
    ) => ClipFeature(catalog, outputColumnName, inputColumnName, new ClipFeatureOptions { ClipFolder = clipFolder });

    /// <summary>Images to CLIP features: see <see cref="ClipFeatureEstimator"/>.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="outputColumnName">Receives a Vector&lt;Single, D&gt; of length 1.</param>
    /// <param name="inputColumnName">Text (image paths) or MLImage; null means the output's name.</param>
    /// <param name="options">Model folder, batch size, workers and more.</param>
    public static ClipFeatureEstimator ClipFeature(
        this TransformsCatalog catalog,
        string outputColumnName,
        string? inputColumnName,
        ClipFeatureOptions options
    ) => new(FriendMembers.Environment(catalog), outputColumnName, inputColumnName, options);

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

    /// <summary>
    /// Zero-shot classification of images, from the images to Score and PredictedLabel: features, then
    /// <see cref="ZeroShotEstimator"/>.
    /// </summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="imageColumnName">Text (image paths) or MLImage.</param>
    /// <param name="clipFolder">Folder of the CLIP model.</param>
    /// <param name="classNames">Two or more class names, each once.</param>
    /// <param name="templates">
    /// Texts with <c>{}</c> for the name, such as <see cref="PromptTemplates.Ensemble"/> or <see cref="PromptTemplates.For(string)"/>; null
    /// for "a photo of a {}."
    /// </param>
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

    /// <summary>
    /// Keys of texts among class names, in their order: what stages that learn from labels take, and what ML.NET's evaluators compare with
    /// PredictedLabel. Texts that are none of the names are missing.
    /// </summary>
    /// <param name="catalog">The conversions, <c>ml.Transforms.Conversion</c>.</param>
    /// <param name="outputColumnName">Receives a Key&lt;UInt32, C&gt; with the class names as KeyValues.</param>
    /// <param name="classNames">Two or more class names, each once, in the order of the stages that use the key.</param>
    /// <param name="inputColumnName">Text; null means the output's name.</param>
    /// <example><code>ml.Transforms.Conversion.MapValueToKey("Label", classNames)</code></example>
    public static ValueToKeyMappingEstimator MapValueToKey(
        this TransformsCatalog.ConversionTransforms catalog,
        string outputColumnName,
        IReadOnlyList<string> classNames,
        string? inputColumnName = null
    ) =>
        catalog.MapValueToKey(
            outputColumnName,
            inputColumnName,
            keyData: FriendMembers.Texts(FriendMembers.Environment(catalog), OptionCheck.ClassNames(classNames, nameof(classNames)))
        );

    /// <summary>Labels for the images that zero-shot CLIP is surest of: see <see cref="PseudoLabelEstimator"/>.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="outputColumnName">Receives the label; …Score and …Confidence are added beside it.</param>
    /// <param name="featureColumnName">CLIP features of the same model.</param>
    /// <param name="options">Model folder, class names, how many per class.</param>
    public static PseudoLabelEstimator PseudoLabel(
        this TransformsCatalog catalog,
        string outputColumnName,
        string featureColumnName,
        PseudoLabelOptions options
    ) => new(FriendMembers.Environment(catalog), outputColumnName, featureColumnName, options);

    /// <summary>Image-side class probabilities from one prototype per class: see <see cref="PrototypeClassifierEstimator"/>.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="outputColumnName">Receives the probabilities.</param>
    /// <param name="featureColumnName">Image features of length 1.</param>
    /// <param name="options">Label column, shots, temperature; null for the defaults.</param>
    public static PrototypeClassifierEstimator PrototypeClassifier(
        this TransformsCatalog catalog,
        string outputColumnName,
        string featureColumnName,
        PrototypeClassifierOptions? options = null
    ) => new(FriendMembers.Environment(catalog), outputColumnName, featureColumnName, options ?? new());

    /// <summary>Synthetic images of every class as rows, for training only: see <see cref="DiffusionSynthesisEstimator"/>.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="options">Model folders, class names, working folder, columns, training and generation.</param>
    /// <exception cref="IOException">The diffusion model's folder is missing, or lacks a component.</exception>
    /// <exception cref="InvalidDataException">It is another kind of model, or its parts do not fit each other.</exception>
    /// <example><code>chain.Append(ml.Transforms.DiffusionSynthesis(options), TransformerScope.TrainTest)</code></example>
    public static DiffusionSynthesisEstimator DiffusionSynthesis(this TransformsCatalog catalog, DiffusionSynthesisOptions options) =>
        new(FriendMembers.Environment(catalog), options);

    /// <summary>Texts about images and their groups, for training only: see <see cref="CaptionSynthesisEstimator"/>.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="imageTextColumnName">Receives the text about the image.</param>
    /// <param name="groupTextColumnName">Receives the text about images of its class.</param>
    /// <param name="imagePathColumnName">Text: the image's file.</param>
    /// <param name="options">Captioner, working folder, questions and groups.</param>
    /// <example><code>chain.Append(ml.Transforms.CaptionSynthesis("ImageText", "GroupText", "ImagePath", options),
    /// TransformerScope.TrainTest)</code></example>
    public static CaptionSynthesisEstimator CaptionSynthesis(
        this TransformsCatalog catalog,
        string imageTextColumnName,
        string groupTextColumnName,
        string imagePathColumnName,
        CaptionSynthesisOptions options
    ) => new(FriendMembers.Environment(catalog), imageTextColumnName, groupTextColumnName, imagePathColumnName, options);

    /// <summary>Labels of captions by their nouns, for training only: see <see cref="NounFilterEstimator"/>.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="outputColumnName">Receives a Vector&lt;Single, C&gt; of 1 and 0 with the class names as SlotNames.</param>
    /// <param name="inputColumnName">Text: captions.</param>
    /// <param name="options">The table of nouns, and which rows are dropped.</param>
    /// <exception cref="ArgumentException">None or several tables are named.</exception>
    /// <exception cref="System.IO.IOException">The table's file is missing.</exception>
    /// <exception cref="System.IO.InvalidDataException">It is damaged.</exception>
    /// <example><code>chain.Append(ml.Transforms.NounFilter("Labels", "Caption", options), TransformerScope.TrainTest)</code></example>
    public static NounFilterEstimator NounFilter(
        this TransformsCatalog catalog,
        string outputColumnName,
        string inputColumnName,
        NounFilterOptions options
    ) => new(FriendMembers.Environment(catalog), outputColumnName, inputColumnName, options);

    /// <summary>Labels of captions by a table of nouns that comes with the library.</summary>
    /// <param name="catalog">The transforms catalog.</param>
    /// <param name="outputColumnName">Receives the labels.</param>
    /// <param name="inputColumnName">Text: captions.</param>
    /// <param name="nouns">The table.</param>
    public static NounFilterEstimator NounFilter(
        this TransformsCatalog catalog,
        string outputColumnName = "Labels",
        string inputColumnName = "Caption",
        NounSet nouns = NounSet.Coco2014
    ) => NounFilter(catalog, outputColumnName, inputColumnName, new NounFilterOptions { Nouns = nouns });
}
