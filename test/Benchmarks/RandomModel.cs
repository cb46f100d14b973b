using AirMLNet.Clip;
using AirMLNet.SmallModels;
using TorchSharp;

namespace AirMLNet.Benchmarks;

/// <summary>A model of mini-clip's architecture with random weights, for a clone whose models/mini-clip is not there.</summary>
internal static class RandomModel
{
    private const int ContextLength = 32;

    public static string Write(string folder)
    {
        if (File.Exists(Path.Combine(folder, "preprocessor_config.json")))
        {
            return folder;
        }

        var vocabulary = BytePairLearner.Learn(["a photo of a cat", "a picture of a dog on the grass"], 8, ContextLength, folder);
        using var generator = new torch.Generator(1);
        using var model = new ClipModel(MiniClipModelFiles.Config(vocabulary, ContextLength), generator);
        MiniClipModelFiles.Write(model, folder);
        return folder;
    }
}
