using AirMLNet.Options;

namespace AirMLNet.Clip;

/// <summary>How a frozen model is built and run. Values are checked when they are set.</summary>
internal sealed record ClipExecution
{
    /// <summary>The numbers the model computes in. Features come out as float32 whatever it is.</summary>
    public ClipPrecision Precision
    {
        get;
        init => field = OptionCheck.Defined(value);
    }

    /// <summary>The activation of the blocks; null leaves it to the configuration, or to rules (docs/methods.md §1.6).</summary>
    public ClipActivation? Activation { get; init; }
}

/// <summary>The numbers a model computes in.</summary>
public enum ClipPrecision
{
    /// <summary>32 bits: the reference.</summary>
    Float32,

    /// <summary>
    /// 16 bits with the exponent of 32. Half the memory; faster where the processor multiplies such numbers itself, and
    /// slower where it does not.
    /// </summary>
    BFloat16,

    /// <summary>
    /// 16 bits with more digits and less range than <see cref="BFloat16"/>: for GPUs, also those without bfloat16. Refused on a CPU, which
    /// has no kernels for it.
    /// </summary>
    Float16,
}
