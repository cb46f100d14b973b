using System.Diagnostics;
using AirMLNet.Clip;
using AirMLNet.Layers;
using static TorchSharp.torch;

namespace AirMLNet.SmallModels;

/// <summary>
/// Makes a CLIP of a published ResNet-18 that is not changed (Zhai et al. 2022, "LiT"): first a projection and a text tower learn to meet
/// from captions that look like web text, then the image side is fixed and a new text tower learns from captions that hardly ever use the
/// classes' own names, as mini-clip's does. The features of the photos are kept, so that an interrupted run goes on.
/// </summary>
internal sealed class ResNetClipTrainer(MiniClipOptions options, string cacheFolder)
{
    private const int ContextLength = 32;
    private const int Merges = 700;

    /// <summary>The settings of the committed <c>models/resnet-clip</c>.</summary>
    /// <param name="dataFolder">As of <see cref="MiniClipOptions.DataFolder"/>.</param>
    /// <param name="outputFolder">As of <see cref="MiniClipOptions.OutputFolder"/>.</param>
    public static MiniClipOptions Defaults(string dataFolder, string outputFolder) =>
        new()
        {
            DataFolder = dataFolder,
            OutputFolder = outputFolder,
            Photos = 30_000,
            Epochs = 2,
            BatchSize = 128,
            NameShare = 0.06,
            TextNameShare = 0.01,
            // Names that mean mostly something else, in pairs: labelling oneself does not get out of such a mistake, as it does where every
            // name is a little vague (GRIP then reaches the linear probe alone, and nothing is left to show).
            AmbiguousNameShare = 0.8,
            AmbiguousClasses = [3, 5, 1, 9], // cat, dog, automobile, truck
            TextEpochs = 2,
            WrongShare = 0.1,
        };

    /// <summary>Trains, writes the model folder with its card, and measures it.</summary>
    /// <exception cref="IOException">The data folder lacks a file or the output folder cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the features that are done stay.</exception>
    public MiniClipResult Train()
    {
        using var data = Cifar10.Open(options.DataFolder);
        var seconds = Fit(data);
        var result = MiniClipEvaluation.Measure(options.OutputFolder, data, seconds);
        ResNetClipFiles.WriteCard(options, result);
        return result;
    }

    /// <summary>Writes the model folder without measuring it; returns the seconds this run took.</summary>
    internal double Fit(Cifar10 data)
    {
        Directory.CreateDirectory(options.OutputFolder);
        using var threads = new ThreadCount(options.Threads > 0 ? options.Threads : Environment.ProcessorCount);
        using var scope = NewDisposeScope();
        var clock = Stopwatch.StartNew();
        var captions = new CaptionCorpus(options.NameShare, options.WrongShare, options.Seed);
        var corpus = Enumerable
            .Range(0, options.Photos)
            .SelectMany(i =>
            {
                var label = data.GetLabel(Cifar10Split.Train, i);
                return new[] { captions.Title(i, label), captions.Description(i, label) };
            });
        var vocabulary = BytePairLearner.Learn(corpus, Merges, ContextLength, options.OutputFolder);
        using var generator = new Generator((ulong)options.Seed);
        using var joint = new ClipModel(ResNetClipFiles.Config(vocabulary, ContextLength), generator);
        ResNet18Package.Fill(ResNet18Package.Network, joint);
        var pooled = Pooled(joint, data); // [N, 512]
        var projection = ((ClipTimmTower)joint.ResNet!).Projection;
        Tensor Project(Tensor rows) => nn.functional.normalize(projection.Project(rows), dim: 1);

        var stage = new MiniClipTextStage(options, data, ClipTokenizer.Load(options.OutputFolder));
        stage.Optimise(
            joint,
            [
                .. joint
                    .named_parameters()
                    .Where(p => !p.name.StartsWith(ResNet18Package.Trunk, StringComparison.Ordinal))
                    .Select(p => p.parameter),
            ],
            captions,
            options.Epochs,
            rows => Project(pooled.index_select(0, rows))
        );
        Tensor features;
        using (no_grad())
        {
            features = Project(pooled); // [N, E]
        }

        using var model = stage.Train(joint, features);
        ResNetClipFiles.Write(model, options.OutputFolder);
        return clock.Elapsed.TotalSeconds;
    }

    private Tensor Pooled(ClipModel model, Cifar10 data)
    {
        using var features = new ResNetFeatures(model);
        return features.Photos(data, Cifar10Split.Train, 0, options.Photos, cacheFolder, cancellation: options.CancellationToken);
    }
}
