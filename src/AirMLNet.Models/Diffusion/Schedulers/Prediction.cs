using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>What a model's output says of the clean sample and of the noise, by the prediction type.</summary>
internal static class Prediction
{
    /// <summary>The clean sample, clipped where the settings say so.</summary>
    /// <param name="config">The settings.</param>
    /// <param name="output">The model's output.</param>
    /// <param name="sample">√ᾱ·x + √(1−ᾱ)·ε.</param>
    /// <param name="bar">ᾱ.</param>
    public static Tensor Clean(SchedulerConfig config, Tensor output, Tensor sample, double bar)
    {
        var (signal, deviation) = (Math.Sqrt(bar), Math.Sqrt(1 - bar));
        var clean = config.PredictionType switch
        {
            "epsilon" => sample.sub(output.mul(deviation)).mul(1 / signal),
            "sample" => output,
            _ => sample.mul(signal).sub(output.mul(deviation)),
        };
        return config.ClipSample ? clean.clamp(-config.ClipSampleRange, config.ClipSampleRange) : clean;
    }

    /// <summary>The noise; arguments as of <see cref="Clean"/>.</summary>
    public static Tensor Noise(SchedulerConfig config, Tensor output, Tensor sample, double bar)
    {
        var (signal, deviation) = (Math.Sqrt(bar), Math.Sqrt(1 - bar));
        return config.PredictionType switch
        {
            "epsilon" => output,
            "sample" => sample.sub(output.mul(signal)).mul(1 / deviation),
            _ => output.mul(signal).add(sample.mul(deviation)),
        };
    }
}
