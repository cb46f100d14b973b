using AirMLNet.Files;

namespace AirMLNet.Reports;

/// <summary>Where the model of a report is from.</summary>
/// <param name="ModelFile">The saved model; null for one that is only in memory.</param>
internal sealed record ReportOrigin(string? ModelFile)
{
    public string? Name => ModelFile is null ? null : Path.GetFileName(ModelFile);

    public string? Sha256 => ModelFile is null ? null : FileHash.Sha256(ModelFile);

    public AdaptationCard? Card => ModelFile is null ? null : AdaptationCard.Read(ModelFile);
}
