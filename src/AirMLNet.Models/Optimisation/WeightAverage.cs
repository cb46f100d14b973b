using TorchSharp.Modules;
using static TorchSharp.torch;

namespace AirMLNet.Optimisation;

/// <summary>
/// The exponential moving average of a model's weights (Polyak averaging), which a diffusion model samples better with than
/// with its last weights. Early steps count more, so that the initial weights are forgotten soon.
/// </summary>
internal sealed class WeightAverage : IDisposable
{
    private readonly List<(string Name, Parameter Parameter)> _parameters;
    private readonly Dictionary<string, Tensor> _average = new(StringComparer.Ordinal);
    private readonly double _decay;
    private int _steps;

    /// <param name="model">The model; its weights are where the average starts.</param>
    /// <param name="decay">Share of the average that stays in a step, in the long run, 0 to 1.</param>
    public WeightAverage(nn.Module model, double decay)
    {
        _decay = decay;
        using var off = no_grad();
        _parameters = [.. model.named_parameters().Select(p => (p.name, p.parameter))];
        foreach (var (name, parameter) in _parameters)
        {
            _average[name] = parameter.detach().clone().DetachFromDisposeScope();
        }
    }

    /// <summary>The averaged weights by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Weights => _average;

    /// <summary>Takes in the weights after a step.</summary>
    public void Update()
    {
        using var off = no_grad();
        var decay = Math.Min(_decay, (1.0 + _steps) / (10 + _steps));
        _steps++;
        foreach (var (name, parameter) in _parameters)
        {
            _average[name].mul_(decay).add_(parameter, alpha: 1 - decay);
        }
    }

    /// <summary>Goes on from saved averages.</summary>
    public void Restore(IReadOnlyDictionary<string, Tensor> saved, int steps)
    {
        using var off = no_grad();
        _steps = steps;
        foreach (var (name, average) in _average)
        {
            average.copy_(saved[name]);
        }
    }

    /// <summary>Puts the averages into the model.</summary>
    public void Apply()
    {
        using var off = no_grad();
        foreach (var (name, parameter) in _parameters)
        {
            parameter.copy_(_average[name]);
        }
    }

    public void Dispose()
    {
        foreach (var average in _average.Values)
        {
            average.Dispose();
        }
    }
}
