using AirMLNet.Clip;
using Microsoft.Extensions.AI;

namespace AirMLNet.Extensions.AI;

/// <summary>
/// Embeddings of CLIP: vectors of length 1 in the space that texts and images share, so that their dot product is a cosine. Safe for
/// concurrent use. All generators of one model folder, on one device and in one precision, share one set of weights.
/// </summary>
/// <typeparam name="TInput">What is embedded.</typeparam>
public abstract class ClipEmbeddingGenerator<TInput> : IEmbeddingGenerator<TInput, Embedding<float>>
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _turns;
    private readonly ClipBackbone _backbone;
    private readonly int _batchSize;
    private int _requests;
    private bool _disposed;

    private protected ClipEmbeddingGenerator(ClipBackbone backbone, ClipEmbeddingOptions options, int batchSize)
    {
        _backbone = backbone;
        _batchSize = batchSize;
        _turns = new SemaphoreSlim(options.Parallel);
        Metadata = new EmbeddingGeneratorMetadata("AirMLNet", null, backbone.Name, backbone.FeatureDimension);
    }

    /// <summary>The provider "AirMLNet", the model's name (that of its folder) and the length of an embedding.</summary>
    public EmbeddingGeneratorMetadata Metadata { get; }

    /// <summary>
    /// Embeds texts or images, in batches. Of the options it uses <c>ModelId</c> and <c>Dimensions</c>, which must be the model's where
    /// they are given.
    /// </summary>
    /// <param name="values">N texts or images.</param>
    /// <param name="options">May be null.</param>
    /// <param name="cancellationToken">Looked at before each batch and, between images, while one is decoded.</param>
    /// <returns>N embeddings of length 1 in the order of the values. For texts, <c>Usage</c> counts their tokens.</returns>
    /// <exception cref="ArgumentException">A value is null, or the options ask for another model or length.</exception>
    /// <exception cref="AirMLNet.Images.UnreadableImageException">A value is not a whole image, or too large; the message names it.
    /// </exception>
    /// <exception cref="OperationCanceledException">The request was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The generator is disposed.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<TInput> values,
        EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(values);
        Check(options);
        TInput[] all = [.. values];
        if (Array.FindIndex(all, value => value is null) is var missing and >= 0)
        {
            throw new ArgumentException($"values[{missing}] is null.", nameof(values));
        }

        Enter();
        try
        {
            return await Encode(all, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>
    /// This generator, its <see cref="EmbeddingGeneratorMetadata"/>, or the <see cref="ClipBackbone"/>, which is there until the
    /// generator is disposed; null for anything else.
    /// </summary>
    /// <param name="serviceType">The type that is asked for.</param>
    /// <param name="serviceKey">Null; there is nothing under a key.</param>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? Metadata
            : serviceType == typeof(ClipBackbone)
                ? Volatile.Read(ref _disposed) ? null
                    : _backbone
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Refuses further requests, and gives the model back when those that are under way have ended.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            if (_requests == 0)
            {
                Free();
            }
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>The model; there while a request is under way.</summary>
    private protected ClipBackbone Backbone => _backbone;

    /// <summary>Features of one batch.</summary>
    /// <param name="batch">B values.</param>
    /// <param name="first">The number of the first of them in its request.</param>
    /// <param name="cancellation">The request's.</param>
    /// <returns>[B, D], rows of length 1, and the tokens that were read, where there are any.</returns>
    private protected abstract (float[] Features, int? Tokens) Encode(
        ArraySegment<TInput> batch,
        int first,
        CancellationToken cancellation
    );

    private async Task<GeneratedEmbeddings<Embedding<float>>> Encode(TInput[] all, CancellationToken cancellation)
    {
        var made = new GeneratedEmbeddings<Embedding<float>>(all.Length);
        var dimension = _backbone.FeatureDimension;
        cancellation.ThrowIfCancellationRequested();
        for (var first = 0; first < all.Length; first += _batchSize)
        {
            var (start, batch) = (first, new ArraySegment<TInput>(all, first, Math.Min(_batchSize, all.Length - first)));
            (float[] Features, int? Tokens) encoded;
            // Decoding as well, so that the pixels of a few batches exist however many requests wait.
            await _turns.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                encoded = await Task.Run(() => Encode(batch, start, cancellation), cancellation).ConfigureAwait(false);
            }
            finally
            {
                _turns.Release();
            }

            var now = DateTimeOffset.UtcNow;
            for (var i = 0; i < batch.Count; i++)
            {
                made.Add(
                    new Embedding<float>(encoded.Features.AsSpan(i * dimension, dimension).ToArray())
                    {
                        CreatedAt = now,
                        ModelId = _backbone.Name,
                    }
                );
            }

            if (encoded.Tokens is { } tokens)
            {
                made.Usage ??= new UsageDetails { InputTokenCount = 0, TotalTokenCount = 0 };
                made.Usage.InputTokenCount += tokens;
                made.Usage.TotalTokenCount += tokens;
            }
        }

        return made;
    }

    private void Check(EmbeddingGenerationOptions? options)
    {
        if (options?.ModelId is { } model && model != _backbone.Name)
        {
            throw new ArgumentException($"ModelId = '{model}'; this generator's model is '{_backbone.Name}'.", nameof(options));
        }

        if (options?.Dimensions is { } dimensions && dimensions != _backbone.FeatureDimension)
        {
            throw new ArgumentException(
                $"Dimensions = {dimensions}; embeddings of {_backbone.Name} have {_backbone.FeatureDimension}.",
                nameof(options)
            );
        }
    }

    private void Enter()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _requests++;
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_requests == 0 && _disposed)
            {
                Free();
            }
        }
    }

    private void Free()
    {
        _backbone.Release();
        _turns.Dispose();
    }
}
