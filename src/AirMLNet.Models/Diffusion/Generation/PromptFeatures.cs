using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>The states of all different prompts of a generation, and what the UNet makes of those of the present batch.</summary>
internal sealed class PromptFeatures : IDisposable
{
    private const int TextBatch = 32;

    private readonly StableDiffusionPipeline _model;
    private readonly IReadOnlyList<TextToImageRequest> _requests;
    private readonly bool _guided;
    private readonly Dictionary<(bool Given, string Text), int> _places = [];
    private readonly (long Height, long Width) _size;
    private readonly PromptStates _states; // of P different prompts
    private List<int> _rows = [];
    private UNetConditions? _conditions;

    /// <param name="model">The model.</param>
    /// <param name="requests">What is to be made.</param>
    /// <param name="guided">Whether negative prompts are used.</param>
    /// <param name="size">Height and width of the images in pixels.</param>
    public PromptFeatures(
        StableDiffusionPipeline model,
        IReadOnlyList<TextToImageRequest> requests,
        bool guided,
        (long Height, long Width) size
    )
    {
        (_model, _requests, _guided, _size) = (model, requests, guided, size);
        foreach (var request in requests)
        {
            _places.TryAdd(Key(request.Prompt), _places.Count);
            if (guided)
            {
                _places.TryAdd(Key(request.NegativePrompt), _places.Count);
            }
        }
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var parts = _places.Keys.Chunk(TextBatch).Select(c => model.Encode([.. c.Select(k => k.Given ? k.Text : null)])).ToList();
        _states = PromptStates.Join(parts).To(model.Precision).DetachFromDisposeScope();
    }

    /// <summary>The conditions of a batch; those of the batch before where nothing differs.</summary>
    /// <param name="batch">Places of the requests.</param>
    /// <param name="timesteps">Times of all steps.</param>
    public UNetConditions Conditions(List<int> batch, IReadOnlyList<double> timesteps)
    {
        List<int> rows =
        [
            .. _guided ? batch.Select(i => _places[Key(_requests[i].NegativePrompt)]) : [],
            .. batch.Select(i => _places[Key(_requests[i].Prompt)]),
        ];
        if (_conditions is null || !rows.SequenceEqual(_rows))
        {
            _conditions?.Dispose();
            _rows = rows;
            using var scope = NewDisposeScope();
            using var off = no_grad();
            List<int> used = [.. rows.Distinct()];
            var states = _states.Select(used);
            _conditions = _model.UNet.Prepare(
                states.States,
                [.. rows.Select(r => used.IndexOf(r))],
                timesteps,
                states.Added(_size.Height, _size.Width)
            );
        }
        return _conditions;
    }

    public void Dispose()
    {
        _conditions?.Dispose();
        _states.Dispose();
    }

    // Only to a model that zeroes what is not given is no prompt another than an empty one.
    private static (bool Given, string Text) Key(string? prompt) => (prompt is not null, prompt ?? "");
}
