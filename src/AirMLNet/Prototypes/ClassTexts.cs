using AirMLNet.Clip;
using static TorchSharp.torch;

namespace AirMLNet.Prototypes;

/// <summary>Token ids of texts, for towers that are trained.</summary>
internal static class ClassTexts
{
    /// <summary>The templates of each class.</summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="classNames">C names.</param>
    /// <param name="templates">T templates.</param>
    /// <param name="device">Where the ids go.</param>
    /// <param name="warn">Told of texts that are cut.</param>
    /// <returns>[C, T, L] int64.</returns>
    public static Tensor Ids(
        ClipTokenizer tokenizer,
        IReadOnlyList<string> classNames,
        IReadOnlyList<string> templates,
        Device device,
        Action<string> warn
    )
    {
        var texts = ZeroShotClassifier.Texts(classNames, templates);
        if (tokenizer.Cuts(texts) is { } cut)
        {
            warn(cut);
        }
        return tensor(Ids(tokenizer, texts), [classNames.Count, templates.Count, tokenizer.ContextLength], device: device);
    }

    /// <summary>Texts one after the other; one too long for the context is cut, as everywhere.</summary>
    public static long[] Ids(ClipTokenizer tokenizer, IReadOnlyList<string> texts)
    {
        var length = tokenizer.ContextLength;
        var ids = new long[texts.Count * length];
        for (var i = 0; i < texts.Count; i++)
        {
            tokenizer.Tokenize(texts[i], ids.AsSpan(i * length, length));
        }
        return ids;
    }
}
