using AirMLNet.Weights;

namespace AirMLNet.Llava;

/// <summary>
/// The two layouts of LLaVA-NeXT checkpoints: that of transformers until 2025, whose names the modules have
/// (<c>language_model.model.…</c>), and that since, which transformers also reads (<c>model.language_model.…</c>, <c>lm_head.…</c>).
/// </summary>
internal sealed class LlavaWeightNames
{
    private readonly bool _isNew,
        _isFlat;

    private LlavaWeightNames(bool isNew, bool isFlat) => (_isNew, _isFlat) = (isNew, isFlat);

    /// <summary>Tells the layout of a file from the names in it.</summary>
    /// <exception cref="InvalidDataException">They are those of no LLaVA-NeXT.</exception>
    public static LlavaWeightNames Detect(WeightFiles files)
    {
        bool Has(string start) => files.Names.Any(n => n.StartsWith(start, StringComparison.Ordinal));
        var isNew = Has("model.language_model.");
        if (!isNew && !Has("language_model.model."))
        {
            throw new InvalidDataException(
                $"{files.Description} holds no LLaVA-NeXT: neither \"language_model.model.…\" nor \"model.language_model.…\" is among its "
                    + $"{files.Names.Count} tensors"
                    + (files.Names.Count == 0 ? "." : $" ({string.Join(", ", files.Names.Order(StringComparer.Ordinal).Take(4))}, …).")
            );
        }

        var tower = (isNew ? "model." : "") + "vision_tower.";
        return new(isNew, Has(tower) && !Has(tower + "vision_model."));
    }

    /// <summary>The place of a parameter in a file.</summary>
    public WeightSource Locate(string parameter)
    {
        var name = _isFlat ? parameter.Replace("vision_tower.vision_model.", "vision_tower.", StringComparison.Ordinal) : parameter;
        if (!_isNew)
        {
            return new(name);
        }

        const string Decoder = "language_model.model.",
            Head = "language_model.lm_head.";
        return new(
            name.StartsWith(Decoder, StringComparison.Ordinal) ? "model.language_model." + name[Decoder.Length..]
            : name.StartsWith(Head, StringComparison.Ordinal) ? "lm_head." + name[Head.Length..]
            : "model." + name
        );
    }

    /// <summary>Whether a tensor of a file is one that checkpoints carry and no model needs.</summary>
    public static bool IsIgnored(string name) =>
        name.EndsWith(".position_ids", StringComparison.Ordinal) || name.EndsWith(".inv_freq", StringComparison.Ordinal);
}
