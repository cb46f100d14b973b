using System.Globalization;
using AirMLNet.Clip;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>One ResNet model on the inputs of one case. Outputs whose name ends in _big are those of the larger images.</summary>
internal sealed class ClipResNetRun(ClipModel model, CaseFolder folder) : IDisposable
{
    private const string Big = "_big";
    private readonly DisposeScope _scope = NewDisposeScope();
    private Dictionary<string, Tensor>? _gradients;

    /// <summary>Compares out.{name}.</summary>
    public VerificationRow Output(string name, string label)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var want = Io("out." + name, ScalarType.Float32);
        var big = name.EndsWith(Big, StringComparison.Ordinal);
        var pixels = Io(big ? "in.pixel_values_big" : "in.pixel_values", ScalarType.Float32);
        return Compute(big ? name[..^Big.Length] : name, pixels) is { } got
            ? Comparison.Output("out." + name + label, Samples(got, want), want, folder.Tolerance)
            : Comparison.Failed("out." + name + label, "this output is not known");
    }

    /// <summary>Compares grad.{name}: of out.scalar, by a parameter.</summary>
    public VerificationRow Gradient(string name, string label)
    {
        _gradients ??= Backward();
        return _gradients.TryGetValue(name, out var got)
            ? Comparison.Gradient("grad." + name + label, got, Io("grad." + name, ScalarType.Float32))
            : Comparison.Failed("grad." + name + label, "the model has no such parameter");
    }

    public void Dispose() => _scope.Dispose();

    private Tensor? Compute(string output, Tensor pixels)
    {
        var tower = model.ResNet!;
        return output switch
        {
            "image_features" => model.EncodeImage(pixels),
            "image_features_normalized" => ClipModel.Normalise(model.EncodeImage(pixels)),
            "text_features" => Text(),
            "text_features_normalized" => ClipModel.Normalise(Text()),
            "logits_per_image" => Logits(pixels),
            "logits_per_text" => Logits(pixels).t(),
            "scalar" => Scalar(pixels),
            "stem" => tower.Stages(pixels)[0],
            "layer1" => tower.Stages(pixels)[1],
            "layer2" => tower.Stages(pixels)[2],
            "layer3" => tower.Stages(pixels)[3],
            "layer4" => tower.Map(pixels),
            "tai.dense" => model.EncodeDense(pixels, ClipPositions.None).Local,
            "tai.global_nopos" => model.EncodeDense(pixels, ClipPositions.None).Global,
            "tai.global_pos_bicubic" => model.EncodeDense(pixels, ClipPositions.BicubicByFactor).Global,
            "tai.map_pos_bicubic" => AllQueries(pixels, ClipPositions.BicubicByFactor),
            "denseclip.global" => model.EncodeDense(pixels, ClipPositions.Bilinear).Global,
            "denseclip.map" => AllQueries(pixels, ClipPositions.Bilinear),
            "tai.logits_global" => Cosine(model.EncodeDense(pixels, ClipPositions.None).Global, "in.tai.text_features")
                .mul(Argument("logit_scale", 4)),
            "tai.logits_spatial" => Cosine(model.EncodeDense(pixels, ClipPositions.None).Local, "in.tai.text_features_local"),
            "tai.logits_local" => LocalLogits(pixels),
            _ => null,
        };
    }

    private Tensor Text() => model.EncodeText(Io("in.input_ids", ScalarType.Int64));

    private Tensor Logits(Tensor pixels) =>
        ClipModel.Normalise(model.EncodeImage(pixels)).matmul(ClipModel.Normalise(Text()).t()).mul(model.logit_scale.exp());

    private Tensor Scalar(Tensor pixels)
    {
        var features = model.EncodeImage(pixels);
        return features.mul(linspace(-1, 1, features.size(1), ScalarType.Float32)).sum();
    }

    private Tensor AllQueries(Tensor pixels, ClipPositions positions)
    {
        var map = model.ResNet!.Map(pixels);
        var all = model.ResNet.PoolAll(map, positions);
        return all.narrow(1, 1, all.size(1) - 1).transpose(1, 2).reshape(map.size(0), -1, map.size(2), map.size(3));
    }

    private Tensor Cosine(Tensor features, string texts) =>
        ClipModel.Normalise(features).matmul(ClipModel.Normalise(Io(texts, ScalarType.Float32)).t());

    // Σ over places of scale·cos, weighted by the softmax over places (docs/methods.md §6.2).
    private Tensor LocalLogits(Tensor pixels)
    {
        var cosines = Cosine(model.EncodeDense(pixels, ClipPositions.None).Local, "in.tai.text_features_local"); // [B, P, C]
        var weights = cosines.mul(Argument("spatial_scale", 50)).softmax(1);
        return cosines.mul(Argument("logit_scale", 4)).mul(weights).sum(1);
    }

    private double Argument(string name, double usual) =>
        folder.Case["tai_args"]?[name] is { } value ? Convert.ToDouble(value.ToString(), CultureInfo.InvariantCulture) : usual;

    private Dictionary<string, Tensor> Backward()
    {
        Scalar(Io("in.pixel_values", ScalarType.Float32)).backward();
        Dictionary<string, Tensor> gradients = new(StringComparer.Ordinal);
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (parameter.grad is { } gradient)
            {
                gradients[name] = gradient.clone();
            }
        }
        return gradients;
    }

    // Cases keep the first sample of large maps only.
    private static Tensor Samples(Tensor got, Tensor want) =>
        want.dim() > 0 && got.dim() == want.dim() && want.size(0) < got.size(0) ? got.narrow(0, 0, want.size(0)) : got;

    private Tensor Io(string name, ScalarType type) =>
        folder.Io.Entries.ContainsKey(name) ? folder.Tensor(name, type) : throw new InvalidDataException($"io.safetensors has no {name}");
}
