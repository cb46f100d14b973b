using System.Globalization;
using System.Text.RegularExpressions;
using AirMLNet.Images;
using AirMLNet.Llava;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>LLaVA-NeXT: tiles of images, packed features, logits and greedy tokens, for each image of the case.</summary>
internal sealed partial class LlavaNextCase : ICaseKind
{
    public string Name => "LLaVA-NeXT";

    public string Form => "config.json of model_type \"llava_next\" beside weights*.safetensors and io.safetensors with img0.in.*";

    public bool Recognises(CaseFolder folder) => folder.HasIo && folder.Weights.Count > 0 && folder.ModelType is "llava_next";

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = LlavaNextModel.Load(folder.Path, folder.Device);
        var images = folder
            .Io.Entries.Keys.Select(k => ImageName().Match(k))
            .Where(m => m.Success)
            .Select(m => m.Groups["image"].Value)
            .Distinct(StringComparer.Ordinal)
            .OrderBy(n => int.TryParse(n.AsSpan(3), CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue)
            .ThenBy(n => n, StringComparer.Ordinal);
        foreach (var image in images)
        {
            var run = new LlavaNextRun(model, folder, image + ".");
            if (folder.Io.Entries.ContainsKey(image + ".in.pixel_values"))
            {
                rows.AddRange(run.Pixels());
            }

            rows.AddRange(
                folder.Expected(image + ".out.").Select(name => Comparison.Guarded($"{image}.out.{name}", () => run.Output(name)))
            );
        }
    }

    [GeneratedRegex(@"^(?<image>.*?)\.(in|out)\.", RegexOptions.ExplicitCapture)]
    private static partial Regex ImageName();
}

/// <summary>One image, or a batch of images, of a case.</summary>
internal sealed class LlavaNextRun
{
    private readonly LlavaNextModel _model;
    private readonly CaseFolder _folder;
    private readonly string _prefix;
    private readonly (int Height, int Width)[] _sizes;
    private readonly LlavaRounding _rounding;

    public LlavaNextRun(LlavaNextModel model, CaseFolder folder, string prefix)
    {
        (_model, _folder, _prefix) = (model, folder, prefix);
        var sizes = In("image_sizes", ScalarType.Int64).cpu().reshape(-1, 2).data<long>().ToArray(); // [B, 2]
        _sizes = [.. Enumerable.Range(0, sizes.Length / 2).Select(i => ((int)sizes[2 * i], (int)sizes[(2 * i) + 1]))];
        // A case does not say whose rounding it was made with; the number of its image tokens, or its pixels, may tell.
        _rounding = Matches(LlavaRounding.Current) ? LlavaRounding.Current : LlavaRounding.Until2024;
    }

    /// <summary>Compares the image processor's result; where the rounding of another year fits better, says so.</summary>
    public IEnumerable<VerificationRow> Pixels()
    {
        var name = _prefix + "in.pixel_values";
        if (!Has("in.image_u8"))
        {
            yield break;
        }

        // A level of 8 bits, in the units of the normalised pixels.
        var row = Pixels(name, _rounding);
        var other = _rounding == LlavaRounding.Current ? LlavaRounding.Until2024 : LlavaRounding.Current;
        if (!row.Pass && Pixels(name, other) is { Pass: true } fits)
        {
            row = fits with { Note = other == LlavaRounding.Current ? "with today's padding" : "with the padding of until 2024" };
        }

        yield return row;
    }

    /// <summary>Compares out.{name}.</summary>
    public VerificationRow Output(string name)
    {
        using var scope = NewDisposeScope();
        var label = $"{_prefix}out.{name}";
        var want = _folder.Tensor(label, name == "generated_ids" ? ScalarType.Int64 : ScalarType.Float32);
        var got = name switch
        {
            "vision_selected" => _model.Places(Tiles()),
            "projected" => _model.Project(_model.Places(Tiles())),
            "packed_image_features" => Packed(),
            "logits_last" => Last(_model.Language.Logits(_model.Language.Forward(Prompt(), padding: Padding())), want.size(-2)),
            "text_only_logits" => _model.Language.Logits(
                _model.Language.Forward(_model.Language.Embed(In("text_only_ids", ScalarType.Int64)))
            ),
            "generated_ids" => LlavaGreedy.Continue(_model.Language, Prompt(), Padding(), [], (int)want.size(-1)).reshape(want.shape),
            _ => null,
        };
        return got is null ? Comparison.Failed(label, "this output is not known")
            : name == "generated_ids" ? LatteClipRun.Integers(label, got, want)
            : Comparison.Output(label, got, want, _folder.Tolerance);
    }

    private VerificationRow Pixels(string name, LlavaRounding rounding) =>
        Comparison.Guarded(
            name,
            () =>
            {
                using var scope = NewDisposeScope();
                var want = _folder.Tensor(name, ScalarType.Float32).cpu(); // [B, tiles, 3, S, S]
                var processor = LlavaImageProcessor.Load(_folder.Path, _model.Config, rounding);
                var got = zeros_like(want); // images with fewer tiles are filled up with 0
                for (var i = 0; i < _sizes.Length; i++)
                {
                    var (pixels, tiles) = processor.Process(Image(i));
                    got[i].narrow(0, 0, tiles).copy_(Layers.Tensors.Of(pixels, [tiles, 3, processor.Size, processor.Size]));
                }

                var different = got.sub(want).abs().gt(1e-3).sum().item<long>();
                var row = Comparison.Output(name, got, want, (0.016, 0));
                return row with { Note = row.Note ?? (different == 0 ? "equal" : $"{different} of {want.numel()} values differ") };
            }
        );

    private RgbImage Image(int index)
    {
        var name = _prefix + "in.image_u8";
        var shape = _folder.Io.Entries[name].Shape; // [H, W, 3], or with B before
        var (height, width) = ((int)shape[^3], (int)shape[^2]);
        var length = 3 * height * width;
        return new(width, height, _folder.Io.GetBytes(name).Slice(shape.Length == 4 ? index * length : 0, length).ToArray());
    }

    // [B·tiles, 3, S, S].
    private Tensor Tiles()
    {
        var pixels = In("pixel_values", ScalarType.Float32);
        return pixels.dim() == 5 ? pixels.flatten(0, 1) : pixels;
    }

    // [tokens, W], those of all images one after the other.
    private Tensor Packed() => Packed(_rounding);

    private Tensor Packed(LlavaRounding rounding)
    {
        var projected = _model.Project(_model.Places(Tiles()));
        var tiles = projected.size(0) / _sizes.Length;
        return cat([.. _sizes.Select((s, i) => _model.Pack(projected.narrow(0, i * tiles, tiles), s.Height, s.Width, rounding))], 0);
    }

    // [B, L, W].
    private Tensor Prompt()
    {
        var ids = In("input_ids", ScalarType.Int64);
        return _model.Merge(ids.flatten(), Packed()).view(ids.size(0), ids.size(1), -1);
    }

    private Tensor? Padding()
    {
        if (!Has("in.attention_mask"))
        {
            return null;
        }

        var mask = In("attention_mask", ScalarType.Int64);
        return mask.sub(1).neg().sum(1);
    }

    private bool Matches(LlavaRounding rounding)
    {
        if (!Has("in.input_ids") || _model.Config.ImageTokenIndex is not { } token)
        {
            return true;
        }

        using var scope = NewDisposeScope();
        return In("input_ids", ScalarType.Int64).eq(token).sum().item<long>() == Packed(rounding).size(0);
    }

    private static Tensor Last(Tensor logits, long count) => logits.narrow(1, logits.size(1) - count, count);

    private bool Has(string name) => _folder.Io.Entries.ContainsKey(_prefix + name);

    private Tensor In(string name, ScalarType type) => _folder.Tensor($"{_prefix}in.{name}", type);
}
