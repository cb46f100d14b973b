using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using AirMLNet.Images;
using AirMLNet.Optimisation;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>The training images as latents, and their prompts; everything that the steps have in common, made once.</summary>
internal sealed class LoraExamples : IDisposable
{
    private const int TextBatch = 32;
    private const int CropStream = 21;

    private readonly Tensor _means; // [N·V, C, h, w] on the processor; scaled for the UNet
    private readonly Tensor _deviations; // the same
    private readonly Tensor _sizes; // [N·V, 6], of the original image, its cut, and what is wanted
    private readonly PromptStates? _states; // of P prompts; null where the text encoder is trained
    private readonly Tensor? _ids; // [P, L], then
    private readonly Tensor? _ids2; // [P, L], then, of a second text encoder
    private readonly long[] _promptOf;
    private readonly int _views;

    private LoraExamples(
        (Tensor Means, Tensor Deviations, Tensor Sizes) images,
        (PromptStates? States, Tensor? Ids, Tensor? Ids2) prompts,
        long[] promptOf,
        int views,
        string fingerprint
    )
    {
        (_means, _deviations, _sizes) = images;
        (_states, _ids, _ids2) = prompts;
        (_promptOf, _views, Fingerprint) = (promptOf, views, fingerprint);
    }

    public int Count => _promptOf.Length;

    /// <summary>Tells sets of images and prompts apart.</summary>
    public string Fingerprint { get; }

    /// <summary>What <see cref="Fingerprint"/> would be, without encoding anything.</summary>
    /// <exception cref="UnreadableImageException">An image cannot be read.</exception>
    public static string Identify(IReadOnlyList<LoraExample> examples, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var example in examples)
        {
            cancellation.ThrowIfCancellationRequested();
            Append(hash, example.Load(), example.Prompt);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <exception cref="UnreadableImageException">An image cannot be read.</exception>
    public static LoraExamples Encode(
        StableDiffusionPipeline model,
        IReadOnlyList<LoraExample> examples,
        LoraTrainingOptions options,
        int seed
    )
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        List<Tensor> means = [],
            deviations = [];
        List<float> sizes = [];
        Dictionary<string, long> places = new(StringComparer.Ordinal) { [""] = 0 };
        var promptOf = new long[examples.Count];
        for (var i = 0; i < examples.Count; i++)
        {
            options.CancellationToken.ThrowIfCancellationRequested();
            var image = examples[i].Load();
            Append(hash, image, examples[i].Prompt);
            promptOf[i] = places.TryGetValue(examples[i].Prompt, out var known) ? known : places[examples[i].Prompt] = places.Count;
            var native = (model.NativeHeight, model.NativeWidth);
            foreach (var (cut, top, left, across) in Cuts(image, native, options.Crops, SeededRandom.Create(seed, CropStream, i)))
            {
                foreach (var mirrored in options.HorizontalFlip ? new[] { false, true } : [false])
                {
                    using var inner = NewDisposeScope();
                    var pixels = Pixels(cut, mirrored).to(model.Device); // [1, 3, S, S]
                    using var latents = model.Vae.Encode(pixels);
                    means.Add(latents.Mean.mul(model.Vae.Config.ScalingFactor).cpu().MoveToOuterDisposeScope());
                    var from = mirrored ? across - left - cut.Width : left;
                    sizes.AddRange([image.Height, image.Width, top, from, cut.Height, cut.Width]);
                    deviations.Add(latents.Deviation().mul(model.Vae.Config.ScalingFactor).cpu().MoveToOuterDisposeScope());
                }
            }
        }
        return new(
            (
                cat(means, 0).DetachFromDisposeScope(),
                cat(deviations, 0).DetachFromDisposeScope(),
                tensor(sizes.ToArray(), [means.Count, UNet2DConditionConfig.TimeIds]).DetachFromDisposeScope()
            ),
            Prompts(model, [.. places.Keys], options.Lora.TextEncoderTargets is not null),
            promptOf,
            means.Count / examples.Count,
            Convert.ToHexStringLower(hash.GetHashAndReset())
        );
    }

    /// <summary>Latents drawn from those of the images.</summary>
    /// <param name="members">B images.</param>
    /// <param name="random">Chooses the views.</param>
    /// <param name="noise">[B, C, h, w], for the VAE's own uncertainty.</param>
    /// <returns>
    /// [B, C, h, w], and [B, 6] of their sizes as Stable Diffusion XL is told them, both on the processor.
    /// </returns>
    public (Tensor Latents, Tensor Sizes) Latents(IReadOnlyList<int> members, Random random, Tensor noise)
    {
        using var scope = NewDisposeScope();
        var rows = tensor(members.Select(m => ((long)m * _views) + random.Next(_views)).ToArray());
        return (
            _means.index_select(0, rows).add_(_deviations.index_select(0, rows).mul_(noise)).MoveToOuterDisposeScope(),
            _sizes.index_select(0, rows).MoveToOuterDisposeScope()
        );
    }

    public long[] LatentShape(int batch) => [batch, .. _means.shape[1..]];

    /// <summary>States of prompts; those of a text encoder that is trained carry gradients.</summary>
    /// <param name="model">The model.</param>
    /// <param name="members">B images; −1 for no prompt.</param>
    /// <returns>In the UNet's precision.</returns>
    public PromptStates States(StableDiffusionPipeline model, IEnumerable<int> members)
    {
        using var scope = NewDisposeScope();
        int[] wanted = [.. members.Select(m => m < 0 ? 0 : (int)_promptOf[m])];
        if (_states is not null)
        {
            return _states.Select(wanted).To(model.Precision).MoveToOuterDisposeScope();
        }
        // Each different prompt is encoded once.
        int[] different = [.. wanted.Distinct()];
        var rows = tensor(different.Select(d => (long)d).ToArray(), ScalarType.Int64, device: _ids!.device);
        return model
            .Encode(_ids.index_select(0, rows), _ids2?.index_select(0, rows))
            .Select(wanted.Select(w => Array.IndexOf(different, w)))
            .To(model.Precision)
            .MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _means.Dispose();
        _deviations.Dispose();
        _sizes.Dispose();
        _states?.Dispose();
        _ids?.Dispose();
        _ids2?.Dispose();
    }

    private static (PromptStates?, Tensor?, Tensor?) Prompts(StableDiffusionPipeline model, string[] prompts, bool trained)
    {
        if (trained)
        {
            return (
                null,
                model.Tokenize(prompts).DetachFromDisposeScope(),
                model.Tokenizer2 is null ? null : model.Tokenize(model.Tokenizer2, prompts).DetachFromDisposeScope()
            );
        }
        // An empty prompt is what the model is guided away from: where that is zeros, it is trained so.
        var parts = prompts.Chunk(TextBatch).Select(chunk => model.Encode([.. chunk.Select(p => p.Length == 0 ? null : p)])).ToList();
        return (PromptStates.Join(parts).DetachFromDisposeScope(), null, null);
    }

    /// <summary>Cuts of the model's size: the image is scaled to just cover it (bicubic, as PIL), and what is too long cut; with the place
    /// of the cut.</summary>
    private static IEnumerable<(RgbImage Cut, int Top, int Left, int Width)> Cuts(
        RgbImage image,
        (int Height, int Width) native,
        int crops,
        Random random
    )
    {
        var (down, across) = native;
        // The side that is the shorter one beside the model's becomes the model's.
        var (length, of) = (long)image.Width * down <= (long)image.Height * across ? (across, image.Width) : (down, image.Height);
        var (width, height) = ((int)((long)image.Width * length / of), (int)((long)image.Height * length / of));
        for (var crop = 0; crop < crops; crop++)
        {
            var (left, top) =
                crops == 1
                    ? ((width - across) / 2, (height - down) / 2)
                    : (random.Next(width - across + 1), random.Next(height - down + 1));
            var isWhole = image.Width == across && image.Height == down;
            var cut = isWhole ? image : PilResize.Bicubic(image, width, height, left, top, across, down);
            yield return (cut, top, left, width);
        }
    }

    private static void Append(IncrementalHash hash, RgbImage image, string prompt)
    {
        hash.AppendData(MemoryMarshal.AsBytes<int>([image.Width, image.Height]));
        hash.AppendData(image.Pixels);
        hash.AppendData(Encoding.UTF8.GetBytes(prompt + "\n"));
    }

    private static Tensor Pixels(RgbImage image, bool mirrored)
    {
        using var scope = NewDisposeScope();
        var bytes = tensor(image.Pixels, [1, image.Height, image.Width, 3]).permute(0, 3, 1, 2);
        var pixels = bytes.to_type(ScalarType.Float32).div_(127.5).sub_(1);
        return (mirrored ? pixels.flip(3) : pixels).contiguous().MoveToOuterDisposeScope();
    }
}
