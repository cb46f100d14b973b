using AirMLNet.Clip;
using AirMLNet.Prompts;
using AirMLNet.Prototypes;
using AirMLNet.PseudoLabels;

namespace AirMLNet.Persistence;

/// <summary>Contents of <c>stage.json</c>.</summary>
internal abstract record StageFile
{
    public int Format { get; init; } = ModelStream.Format;
}

internal sealed record ClipFeatureFile(string Output, string Input, ClipFeatureOptions Options, BackboneReference Backbone) : StageFile;

internal sealed record PseudoLabelFile(string Output, string Features, double Scale, PseudoLabelOptions Options, CandidateRule? Candidates = null) : StageFile;

internal sealed record PrototypeClassifierFile(string Output, string Features, double Scale, IReadOnlyList<string> ClassNames, bool[] Present, PrototypeClassifierOptions Options) : StageFile;

internal sealed record PromptAdapterFile(double Scale, PromptAdapterOptions Options, BackboneReference? Backbone = null) : StageFile;
