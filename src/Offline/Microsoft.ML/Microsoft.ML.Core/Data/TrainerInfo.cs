namespace Microsoft.ML;

/// <summary>What a trainer would like to be given.</summary>
public sealed class TrainerInfo
{
    internal TrainerInfo(bool needNormalization, bool wantCaching)
    {
        NeedNormalization = needNormalization;
        WantCaching = wantCaching;
    }

    /// <summary>Whether features of very different scales make the result worse.</summary>
    public bool NeedNormalization { get; }

    /// <summary>Whether the data are read more than once.</summary>
    public bool WantCaching { get; }
}
