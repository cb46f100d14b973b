using AirMLNet.Options;

namespace AirMLNet.Diffusion;

/// <summary>What A starts from; B starts from 0, so that the model starts as it is.</summary>
public enum LoraInitialization
{
    /// <summary>A normal distribution of deviation 1/r, as PEFT's "gaussian".</summary>
    Gaussian,

    /// <summary>Kaiming's uniform distribution with a = √5, PEFT's default: ±1/√in.</summary>
    KaimingUniform,
}

/// <summary>
/// Which layers LoRA (Hu et al. 2021) adapts, and how (<c>docs/methods.md</c> §7.4). Values are checked when they are set.
/// </summary>
public sealed record LoraOptions
{
    /// <summary>r, 1..1024.</summary>
    public int Rank
    {
        get;
        init => field = OptionCheck.Range(value, 1, 1024);
    } = 16;

    /// <summary>α, above 0 to 10,000; null: r. The update is scaled by α / r.</summary>
    public double? Alpha
    {
        get;
        init => field = OptionCheck.RangeOrNull(value, 1e-6, 10_000);
    }

    /// <summary>What A starts from.</summary>
    public LoraInitialization Initialization
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = LoraInitialization.Gaussian;

    /// <summary>Ends of the names of the UNet's layers to adapt, whole parts of a name, such as <c>to_q</c>; one or more.</summary>
    public IReadOnlyList<string> UNetTargets
    {
        get;
        init => field = OptionCheck.NamesOrNull(value) ?? throw new ArgumentNullException(nameof(value));
    } = new ValueList<string>(["to_q", "to_k", "to_v", "to_out.0"]);

    /// <summary>
    /// The same for the text encoder, such as <c>q_proj</c>, <c>k_proj</c>, <c>v_proj</c> and <c>out_proj</c>; null leaves it as it is.
    /// </summary>
    public IReadOnlyList<string>? TextEncoderTargets
    {
        get;
        init => field = OptionCheck.NamesOrNull(value);
    }
}
