using AirMLNet.Diffusion;
using static TorchSharp.torch;

namespace AirMLNet.Verification;

/// <summary>A whole diffusion model: text states, guided predictions and latents of every step, and the images.</summary>
internal sealed class StableDiffusionCase : ICaseKind
{
    public string Name => "Stable Diffusion";

    public string Form => "io.safetensors with in.latents beside a model_index.json";

    public bool Recognises(CaseFolder folder) =>
        folder.Has("model_index.json") && folder.HasIo && folder.Io.Entries.ContainsKey("in.latents");

    public void Run(CaseFolder folder, List<VerificationRow> rows)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var model = StableDiffusionPipeline.Load(folder.Path, folder.Device);
        var run = new StableDiffusionCaseRun(folder, model);
        foreach (var name in folder.Expected("out."))
        {
            rows.Add(Comparison.Guarded("out." + name, () => Compare(folder, name, run.Output(name))));
        }
        for (var i = 0; folder.Has($"expected_{i}.png"); i++)
        {
            var file = $"expected_{i}.png";
            var index = i;
            rows.Add(Comparison.Guarded(file, () => Picture(folder, file, run.Output("image01")!.narrow(0, index, 1))));
        }
    }

    private static VerificationRow Compare(CaseFolder folder, string name, Tensor? got)
    {
        if (got is null)
        {
            return Comparison.Failed("out." + name, "this output is not known");
        }
        var want = folder.Tensor("out." + name, ScalarType.Float32);
        if (name.EndsWith("image_u8", StringComparison.Ordinal))
        {
            return Comparison.Output("out." + name, got, want, (1, 0)); // errors accumulate: a level is allowed
        }
        // Some references show no step before the first that moves on.
        if (name.EndsWith("latents", StringComparison.Ordinal) && got.dim() == want.dim() && got.size(0) > want.size(0))
        {
            got = got.narrow(0, got.size(0) - want.size(0), want.size(0));
        }
        var last = name.Split('.')[^1];
        var abs = last switch
        {
            "latents" or "noise_pred_cfg" or "initial_latents" => Number(folder, "latents_abs"),
            "image01" => Number(folder, "image01_abs"),
            "decoded" => 2 * Number(folder, "image01_abs"), // a picture is half of it
            _ => null,
        };
        return Comparison.Output("out." + name, got, want, abs is { } a ? (a, folder.Tolerance.Rel) : folder.Tolerance);
    }

    private static VerificationRow Picture(CaseFolder folder, string file, Tensor picture)
    {
        var (got, want) = (StableDiffusionPipeline.ToImages(picture)[0], Images.ImageFile.Load(folder.File(file)));
        return got.Pixels.Length != want.Pixels.Length
            ? Comparison.Failed(file, $"{got.Width} x {got.Height}, expected {want.Width} x {want.Height}")
            : Comparison.Exact(file, got.Pixels.Zip(want.Pixels).Count(p => Math.Abs(p.First - p.Second) > 1), got.Pixels.Length, null);
    }

    private static double? Number(CaseFolder folder, string key) => (double?)folder.Case["tolerance"]?[key];
}
