using AirMLNet.Images;
using static TorchSharp.torch;

namespace AirMLNet.Diffusion;

/// <summary>One call of <see cref="StableDiffusionPipeline.Generate"/>.</summary>
internal sealed class StableDiffusionRun
{
    private readonly StableDiffusionPipeline _model;
    private readonly IReadOnlyList<TextToImageRequest> _requests;
    private readonly StableDiffusionOptions _options;
    private readonly CancellationToken _cancellation;
    private readonly NoiseScheduler _scheduler;
    private readonly long[] _shape; // of one image's latents, [1, C, h, w]

    public StableDiffusionRun(
        StableDiffusionPipeline model,
        IReadOnlyList<TextToImageRequest> requests,
        StableDiffusionOptions options,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(requests);
        (_model, _requests, _options, _cancellation) = (model, requests, options, cancellation);
        var step = model.Vae.Config.Downscaling;
        int Latents(int pixels, string option) =>
            pixels % step == 0
                ? pixels / step
                : throw new ArgumentException($"{option} = {pixels}; expected a multiple of {step}.", option);
        _shape =
        [
            1,
            model.UNet.Config.InChannels,
            Latents(options.Height ?? model.NativeHeight, nameof(options.Height)),
            Latents(options.Width ?? model.NativeWidth, nameof(options.Width)),
        ];
        _scheduler =
            options.Scheduler is { } kind && kind != model.Scheduler.Config.Kind
                ? NoiseScheduler.Load(Path.Combine(model.Folder, "scheduler", "scheduler_config.json"), kind)
                : model.Scheduler;
    }

    private bool Guided => _options.Guidance > 1;

    public IEnumerable<RgbImage> Images()
    {
        foreach (var pictures in Pictures())
        {
            IReadOnlyList<RgbImage> images;
            using (pictures)
            {
                images = StableDiffusionPipeline.ToImages(pictures);
            }
            foreach (var image in images)
            {
                yield return image;
            }
        }
    }

    /// <summary>The pictures of each batch, [B, 3, H, W] in 0..1, the caller's.</summary>
    public IEnumerable<Tensor> Pictures()
    {
        if (_requests.Count == 0)
        {
            yield break;
        }
        // What prompts have in common is computed once for all batches.
        var pixels = _model.Vae.Config.Downscaling;
        using var features = new PromptFeatures(_model, _requests, Guided, (_shape[2] * pixels, _shape[3] * pixels));
        for (var from = 0; from < _requests.Count; from += _options.BatchSize)
        {
            var batch = Enumerable.Range(from, Math.Min(_options.BatchSize, _requests.Count - from)).ToList();
            yield return Batch(batch, features, from);
        }
    }

    private Tensor Batch(List<int> batch, PromptFeatures features, int done)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        // One generator per image: what an image gets does not depend on those beside it.
        var generators = batch.Select(i => new Generator((ulong)(uint)_requests[i].Seed)).ToList();
        try
        {
            Tensor Noise() => cat([.. generators.Select(g => randn(_shape, ScalarType.Float32, generator: g))], 0).to(_model.Device);
            using var run = _scheduler.Start(_options.Steps, _options.Eta);
            var conditions = features.Conditions(batch, run.Timesteps);
            var latents = Denoise(
                run,
                Noise().mul(run.InitialNoiseScale),
                conditions,
                Noise,
                (step, _) =>
                {
                    Report(done, batch.Count, step + 1, run.Timesteps.Count);
                    _cancellation.ThrowIfCancellationRequested();
                }
            );
            if (!latents.isfinite().all().item<bool>())
            {
                throw new ArithmeticException(
                    $"The model gave values that are not numbers (computed in {_model.Precision}); "
                        + $"{(_model.Precision == ScalarType.Float32 ? "its weights are damaged" : "try Float32")}."
                );
            }
            var pictures = _model.Decode(latents).DetachFromDisposeScope();
            Report(done, batch.Count, run.Timesteps.Count + 1, run.Timesteps.Count);
            return pictures;
        }
        finally
        {
            generators.ForEach(g => g.Dispose());
        }
    }

    private void Report(int done, int batch, int step, int steps)
    {
        var images = batch == 1 ? $"image {done + 1}" : $"images {done + 1} to {done + batch}";
        var at = step > steps ? "decoded" : $"step {step} of {steps}";
        _options.Progress?.Report(
            new(
                "StableDiffusion",
                $"{images} of {_requests.Count}, {at}",
                (done * (steps + 1L)) + ((long)batch * step),
                _requests.Count * (steps + 1L)
            )
        );
    }

    /// <summary>Goes all steps.</summary>
    /// <param name="run">The scheduler's run.</param>
    /// <param name="latents">[B, C, h, w], the start; taken over and disposed.</param>
    /// <param name="conditions">For B rows, or 2B with guidance: those without prompt first.</param>
    /// <param name="noise">Fresh noise, where the scheduler draws some.</param>
    /// <param name="observe">Sees the latents after each step.</param>
    /// <returns>[B, C, h, w].</returns>
    private Tensor Denoise(SchedulerRun run, Tensor latents, UNetConditions conditions, Func<Tensor> noise, Action<int, Tensor> observe) =>
        Denoise(_model, run, latents, conditions, _options, noise, (step, _, sample) => observe(step, sample));

    /// <summary>
    /// Classifier-free guidance, without + weight · (with − without), and then a share of it rescaled to the deviation of the prediction
    /// with the prompt (Lin et al. 2023).
    /// </summary>
    private static Tensor Guide(Tensor without, Tensor with, StableDiffusionOptions options)
    {
        var guided = without.add(with.sub(without).mul_(options.Guidance));
        if (options.GuidanceRescale == 0)
        {
            return guided;
        }
        long[] all = [.. Enumerable.Range(1, (int)with.dim() - 1)];
        var rescaled = guided.mul(with.std(all, unbiased: true, keepdim: true).div(guided.std(all, unbiased: true, keepdim: true)));
        return rescaled.mul(options.GuidanceRescale).add(guided.mul(1 - options.GuidanceRescale));
    }

    /// <summary>As the other; <paramref name="observe"/> sees the guided prediction too.</summary>
    internal static Tensor Denoise(
        StableDiffusionPipeline model,
        SchedulerRun run,
        Tensor latents,
        UNetConditions conditions,
        StableDiffusionOptions options,
        Func<Tensor> noise,
        Action<int, Tensor, Tensor> observe
    )
    {
        using var off = no_grad();
        using var all = NewDisposeScope();
        for (var i = 0; i < run.Timesteps.Count; i++)
        {
            using var scope = NewDisposeScope();
            var input = run.Scale(latents, i).to_type(model.Precision);
            var output = model.UNet.Forward(input, i, conditions).to_type(ScalarType.Float32);
            var batch = latents.size(0);
            if (conditions.Batch > batch)
            {
                output = Guide(output.narrow(0, 0, batch), output.narrow(0, batch, batch), options);
            }
            var next = run.Step(output, i, latents, noise);
            observe(i, output, next);
            latents.Dispose();
            latents = next.MoveToOuterDisposeScope();
        }
        return latents.MoveToOuterDisposeScope();
    }
}
