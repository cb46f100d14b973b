using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>The states of all different prompts of a generation, and what the UNet makes of those of the present batch.</summary>
internal sealed class PromptFeatures : IDisposable
{
    private const int TextBatch = 32;

    private readonly StableDiffusionPipeline _model;
    private readonly IReadOnlyList<TextToImageRequest> _requests;
    private readonly bool _guided;
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private readonly Tensor _states; // [P, L, D]
    private List<int> _rows = [];
    private UNetConditions? _conditions;

    public PromptFeatures(StableDiffusionPipeline model, IReadOnlyList<TextToImageRequest> requests, bool guided)
    {
        (_model, _requests, _guided) = (model, requests, guided);
        foreach (var request in requests)
        {
            _places.TryAdd(request.Prompt, _places.Count);
            if (guided)
            {
                _places.TryAdd(request.NegativePrompt ?? "", _places.Count);
            }
        }
        using var scope = NewDisposeScope();
        using var off = no_grad();
        _states = cat([.. _places.Keys.Chunk(TextBatch).Select(chunk => model.EncodePrompts(chunk))], 0)
            .to_type(model.Precision)
            .DetachFromDisposeScope();
    }

    /// <summary>The conditions of a batch; those of the batch before where nothing differs.</summary>
    /// <param name="batch">Places of the requests.</param>
    /// <param name="timesteps">Times of all steps.</param>
    public UNetConditions Conditions(List<int> batch, IReadOnlyList<double> timesteps)
    {
        List<int> rows =
        [
            .. _guided ? batch.Select(i => _places[_requests[i].NegativePrompt ?? ""]) : [],
            .. batch.Select(i => _places[_requests[i].Prompt]),
        ];
        if (_conditions is null || !rows.SequenceEqual(_rows))
        {
            _conditions?.Dispose();
            _rows = rows;
            using var scope = NewDisposeScope();
            using var off = no_grad();
            List<int> used = [.. rows.Distinct()];
            var states = _states.index_select(0, tensor(used.Select(u => (long)u).ToArray(), ScalarType.Int64, device: _states.device));
            _conditions = _model.UNet.Prepare(states, [.. rows.Select(r => used.IndexOf(r))], timesteps);
        }
        return _conditions;
    }

    public void Dispose()
    {
        _conditions?.Dispose();
        _states.Dispose();
    }
}
