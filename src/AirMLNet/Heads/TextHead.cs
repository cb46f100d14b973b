using AirMLNet.Clip;
using TorchSharp;

namespace AirMLNet.Heads;

/// <summary>
/// The zero-shot classifier of a model for class names in templates. The stages of one chain ask for the same one, so the last
/// few are kept: the text encoder, which takes minutes for a thousand classes in eighty templates, runs once for all of them.
/// </summary>
internal static class TextHead
{
    private const int MostKept = 8; // a thousand classes of 768 numbers are 3 MB
    private static readonly Lock Gate = new();
    private static readonly LinkedList<Entry> Recent = new(); // the one used last comes first

    /// <summary>Called with the folder of a model whose text encoder runs; for tests.</summary>
    internal static Action<string>? Encoding { get; set; }

    /// <param name="backbone">The model.</param>
    /// <param name="classNames">C names.</param>
    /// <param name="templates">One or more templates; a class vector is the mean over them.</param>
    /// <param name="cancellation">Checked before each batch of texts.</param>
    /// <param name="warn">Told of texts that are cut, when they are encoded: once for all stages of a chain.</param>
    public static CosineHead Of(
        ClipBackbone backbone,
        IReadOnlyList<string> classNames,
        IReadOnlyList<string> templates,
        CancellationToken cancellation = default,
        Action<string>? warn = null
    )
    {
        while (true)
        {
            var entry = Find(backbone, classNames, templates, cancellation, warn);
            try
            {
                return entry.Head.Value;
            }
            catch (Exception e)
            {
                lock (Gate)
                {
                    Recent.Remove(entry); // another try may succeed
                }

                // Whoever began it was cancelled, and this one waited for it: it begins anew.
                if (e is not OperationCanceledException || cancellation.IsCancellationRequested)
                {
                    throw;
                }
            }
        }
    }

    private static Entry Find(
        ClipBackbone backbone,
        IReadOnlyList<string> classNames,
        IReadOnlyList<string> templates,
        CancellationToken cancellation,
        Action<string>? warn
    )
    {
        var key = new Key(
            backbone.Folder,
            backbone.WeightsSha256,
            backbone.Device.ToString(),
            backbone.Execution,
            backbone.Model.Config,
            backbone.Tokenizer.Sha256,
            torch.get_num_threads(),
            string.Join('\n', [.. classNames, "", .. templates])
        );
        lock (Gate)
        {
            if (Recent.FirstOrDefault(e => e.Key == key) is { } known)
            {
                Recent.Remove(known);
                return Recent.AddFirst(known).Value;
            }

            if (Recent.Count == MostKept)
            {
                Recent.RemoveLast();
            }

            return Recent.AddFirst(new Entry(key, new(() => Encode(backbone, classNames, templates, cancellation, warn)))).Value;
        }
    }

    private static CosineHead Encode(
        ClipBackbone backbone,
        IReadOnlyList<string> classNames,
        IReadOnlyList<string> templates,
        CancellationToken cancellation,
        Action<string>? warn
    )
    {
        Encoding?.Invoke(backbone.Folder);
        if (warn is not null && backbone.Tokenizer.Cuts(ZeroShotClassifier.Texts(classNames, templates)) is { } cut)
        {
            warn(cut);
        }
        return new(ZeroShotClassifier.ClassVectors(backbone, classNames, templates, cancellation), classNames.Count, backbone.LogitScale);
    }

    /// <summary>All that class vectors depend on, to the last bit.</summary>
    private sealed record Key(
        string Folder,
        string WeightsSha256,
        string Device,
        ClipExecution Execution,
        ClipConfig Config,
        string Tokenizer,
        int Threads,
        string Texts
    );

    private sealed record Entry(Key Key, Lazy<CosineHead> Head);
}
