namespace AirMLNet.Verification;

/// <summary>Losses and figures that stand alone, part by part; a part knows the outputs under its own names.</summary>
internal sealed class LossesCase : ICaseKind
{
    // A further part is one more line here.
    private static readonly ILossesPart[] Parts = [new MultiLabelLossesPart(), new TipAdapterPart(), new AveragePrecisionPart()];

    public string Name => "losses";

    public string Form => "io.safetensors with multilabel.in.*, tip.in.* or map.in.*, and expected.json";

    public bool Recognises(CaseFolder folder) =>
        folder.HasIo && folder.Has("expected.json") && Parts.Any(part => folder.Expected(part.Prefix + "in.").Any());

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        foreach (var part in Parts.Where(part => folder.Expected(part.Prefix + "in.").Any()))
        {
            rows.Add(Comparison.Guarded(part.Prefix + "*", () => Whole(part, folder, rows)));
        }
    }

    private static VerificationRow Whole(ILossesPart part, CaseFolder folder, List<VerificationRow> rows)
    {
        var before = rows.Count;
        part.Run(folder, rows);
        var count = rows.Count - before;
        return Comparison.Exact(part.Prefix + "*", count == 0 ? 1 : 0, Math.Max(1, count), $"{count} outputs");
    }
}

/// <summary>One part of the case.</summary>
internal interface ILossesPart
{
    /// <summary>What the names of its tensors begin with.</summary>
    string Prefix { get; }

    /// <summary>Adds a row for every output of the part.</summary>
    void Run(CaseFolder folder, List<VerificationRow> rows);
}
