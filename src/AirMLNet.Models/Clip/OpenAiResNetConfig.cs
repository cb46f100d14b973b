namespace AirMLNet.Clip;

/// <summary>The arguments of the constructor of OpenAI's class, the only other form in which a ResNet is described.</summary>
internal sealed record OpenAiResNetConfig
{
    public required int EmbedDim { get; init; }
    public int ImageResolution { get; init; } = 224;
    public required IReadOnlyList<int> VisionLayers { get; init; }
    public required int VisionWidth { get; init; }
    public int? AttnpoolHeads { get; init; }
    public int ContextLength { get; init; } = 77;
    public int VocabSize { get; init; } = 49408;
    public required int TransformerWidth { get; init; }
    public required int TransformerHeads { get; init; }
    public required int TransformerLayers { get; init; }

    public ClipConfig ToClip(string path)
    {
        var tower = ClipResNetConfig.Of(path, VisionWidth, VisionLayers).Tower(ImageResolution);
        return new ClipConfig
        {
            ActivationStated = false,
            ProjectionDim = EmbedDim,
            Vision = tower with { Heads = AttnpoolHeads ?? tower.Heads },
            Text = new ClipTextConfig
            {
                HiddenSize = TransformerWidth,
                IntermediateSize = 4 * TransformerWidth,
                Layers = TransformerLayers,
                Heads = TransformerHeads,
                ContextLength = ContextLength,
                VocabularySize = VocabSize,
            },
        };
    }
}
