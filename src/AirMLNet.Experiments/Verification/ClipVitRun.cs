using System.Globalization;
using System.Text.RegularExpressions;
using AirMLNet.Clip;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>One model on the inputs of one case; results are computed when first asked for and shared by the rows.</summary>
internal sealed partial class ClipVitRun : IDisposable
{
    private readonly ClipModel _model;
    private readonly CaseFolder _folder;
    private readonly Dictionary<string, Tensor> _known = new(StringComparer.Ordinal);
    private readonly DisposeScope _scope = NewDisposeScope();
    private Dictionary<string, Tensor>? _gradients;

    public ClipVitRun(ClipModel model, CaseFolder folder)
    {
        _model = model;
        _folder = folder;
    }

    /// <summary>Compares out.{name}, which is the model's output {output}.</summary>
    public VerificationRow Output(string name, string output, string label)
    {
        using var off = no_grad();
        var want = Io("out." + name, ScalarType.Float32);
        if (Compute(output, want) is not { } got)
        {
            return Comparison.Failed("out." + name + label, "this output is not known");
        }
        return Comparison.Output("out." + name + label, got, want, _folder.Tolerance);
    }

    /// <summary>Compares grad.{name}: of the contrastive loss, by a parameter (Hugging Face name) or by an input.</summary>
    public VerificationRow Gradient(string name, string label)
    {
        _gradients ??= Backward();
        return _gradients.TryGetValue(name, out var got)
            ? Comparison.Gradient("grad." + name + label, got, Io("grad." + name, ScalarType.Float32))
            : Comparison.Failed("grad." + name + label, "the model has no such parameter or input");
    }

    public void Dispose() => _scope.Dispose();

    private Tensor? Compute(string output, Tensor want) =>
        output switch
        {
            "image_features" => Image(),
            "text_features" => Text(),
            "image_features_normalized" => ClipModel.Normalise(Image()),
            "text_features_normalized" => ClipModel.Normalise(Text()),
            "logits_per_image" => Logits(Image(), Text()),
            "logits_per_text" => Logits(Image(), Text()).t(),
            "loss" => Loss(Image(), Text()),
            _ when output.StartsWith("vision.", StringComparison.Ordinal) => State(
                "vision",
                output["vision.".Length..],
                want,
                Documented(ImagePattern(), 0)
            ),
            _ when output.StartsWith("text.", StringComparison.Ordinal) => State(
                "text",
                output["text.".Length..],
                want,
                Documented(TextPattern(), 1)
            ),
            _ => null,
        };

    private Tensor Image() => Once("image", () => _model.EncodeImage(Io("in.pixel_values", ScalarType.Float32)));

    private Tensor Text() => Once("text", () => _model.EncodeText(Io("in.input_ids", ScalarType.Int64)));

    private Tensor Logits(Tensor image, Tensor text) =>
        ClipModel.Normalise(image).matmul(ClipModel.Normalise(text).t()).mul(_model.logit_scale.exp());

    private Tensor Loss(Tensor image, Tensor text) =>
        ContrastiveLoss.Of(ClipModel.Normalise(image), ClipModel.Normalise(text), _model.logit_scale.exp());

    private Tensor? State(string tower, string what, Tensor want, long sample)
    {
        var key = tower + "." + what;
        if (!_known.ContainsKey(key))
        {
            var states =
                tower == "vision"
                    ? _model.Vision.HiddenStates(Io("in.pixel_values", ScalarType.Float32))
                    : _model.Text.HiddenStates(Io("in.input_ids", ScalarType.Int64));
            for (var i = 0; i < states.States.Count; i++)
            {
                _known[$"{tower}.hidden_states.{i}"] = states.States[i];
            }
            _known[tower + ".last_hidden_state"] = states.Last;
            _known[tower + ".pooler_output"] = states.Pooled;
        }
        if (!_known.TryGetValue(key, out var all))
        {
            return null;
        }
        // Cases keep one sample of the hidden states to stay small.
        return want.dim() > 0 && want.size(0) == all.size(0) ? all : all.narrow(0, Math.Min(sample, all.size(0) - 1), 1);
    }

    private Dictionary<string, Tensor> Backward()
    {
        var pixels = Io("in.pixel_values", ScalarType.Float32).requires_grad_(true);
        var ids = Io("in.input_ids", ScalarType.Int64);
        Loss(_model.EncodeImage(pixels), _model.EncodeText(ids)).backward();
        Dictionary<string, Tensor> gradients = new(StringComparer.Ordinal);
        foreach (var (name, parameter) in _model.named_parameters())
        {
            if (parameter.grad is { } gradient)
            {
                gradients[name] = gradient.clone();
            }
        }
        gradients["in.pixel_values"] = pixels.grad!.clone();

        // Once more from the token embeddings, as prompt tuning enters the model.
        var embeddings = (
            _folder.Io.Entries.ContainsKey("in.token_embeddings")
                ? Io("in.token_embeddings", ScalarType.Float32)
                : _model.Text.EmbedTokens(ids).detach()
        ).requires_grad_(true);
        Loss(_model.EncodeImage(pixels), _model.EncodeTextEmbeddings(embeddings, _model.Text.EndPositions(ids))).backward();
        gradients["in.token_embeddings"] = embeddings.grad!.clone();
        return gradients;
    }

    private Tensor Once(string key, Func<Tensor> compute)
    {
        if (!_known.TryGetValue(key, out var tensor))
        {
            _known[key] = tensor = compute();
        }
        return tensor;
    }

    private Tensor Io(string name, ScalarType type) => _folder.Tensor(name, type);

    /// <summary>The sample whose hidden states the case documents ("image 0", "text row 1"), else the usual one.</summary>
    private long Documented(Regex pattern, long usual)
    {
        var match = pattern.Match(_folder.Case["outputs"]?.ToJsonString() ?? "");
        return match.Success ? long.Parse(match.Groups["n"].Value, CultureInfo.InvariantCulture) : usual;
    }

    [GeneratedRegex(@"\bimage (?<n>\d{1,6})\b", RegexOptions.ExplicitCapture)]
    private static partial Regex ImagePattern();

    [GeneratedRegex(@"\btext row (?<n>\d{1,6})\b", RegexOptions.ExplicitCapture)]
    private static partial Regex TextPattern();
}
