using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AirMLNet.Optimisation;
using AirMLNet.Options;
using AirMLNet.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace AirMLNet.Diffusion;

/// <summary>
/// Fine-tunes a diffusion model on images with prompts by LoRA (AiR, Eq. 4; <c>docs/methods.md</c> §4.1): E‖ε − ε_θ(z_t, t, prompt)‖², with
/// the adapters alone trained, in float32, on a UNet of the model's precision. Latents and the states of prompts are computed
/// once. Goes on from its checkpoint; the same images, options and seed give the same file on the same device and thread
/// count, interrupted or not.
/// </summary>
/// <param name="model">The model, which stays the caller's; its adapters, if any, are taken off.</param>
/// <param name="options">How; the defaults when null.</param>
public sealed class LoraTrainer(StableDiffusionPipeline model, LoraTrainingOptions? options = null)
{
    /// <summary>Name of the file that is written.</summary>
    public const string FileName = "pytorch_lora_weights.safetensors";

    private const string SettingsKey = "airmlnet.settings";
    private const string SecondsKey = "airmlnet.seconds";
    private const int InitStream = 22,
        OrderStream = 23,
        StepStream = 24,
        JudgeStream = 25;
    private const int Judged = 64;

    private readonly LoraTrainingOptions _options = options ?? new();

    /// <summary>Trains, or goes on training, and leaves the adapters on the model.</summary>
    /// <param name="examples">One or more images with prompts.</param>
    /// <param name="folder">Where the file goes, and the checkpoint while it is not finished. A file that the same training has written is
    /// taken as it is.</param>
    /// <param name="seed">Seed of everything random.</param>
    /// <exception cref="ArgumentException">There are no images, the precision cannot be trained in, or a target names no layer.</exception>
    /// <exception cref="AirMLNet.Images.UnreadableImageException">An image cannot be read; nothing has been written.</exception>
    /// <exception cref="InvalidOperationException">The folder holds a file or a checkpoint of another training, or the model has no
    /// tokenizer.</exception>
    /// <exception cref="ArithmeticException">Loss or gradient became something that is not a number; the checkpoint before stays. The
    /// message names the step.</exception>
    /// <exception cref="IOException">A file cannot be written; the checkpoint before stays.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the last checkpoint stays.</exception>
    public LoraTrainingResult Train(IReadOnlyList<LoraExample> examples, string folder, int seed)
    {
        ArgumentNullException.ThrowIfNull(examples);
        if (examples.Count == 0)
        {
            throw new ArgumentException("There are no images to train on.", nameof(examples));
        }
        if (model.Precision == ScalarType.Float16)
        {
            // Its gradients underflow without a scaled loss; bfloat16 costs the same and has the range.
            throw new ArgumentException("LoRA is not trained in Float16; load the model in BFloat16 or Float32.", nameof(model));
        }
        model.UnloadLora();
        var file = Path.Combine(folder, FileName);
        // Encoding images takes the VAE minutes, which a file that is there does not need.
        if (File.Exists(file))
        {
            var before = Finished(file, Settings(LoraExamples.Identify(examples, _options.CancellationToken), seed));
            DeleteCheckpoint(folder); // a run that was cut in its last moment leaves one
            model.LoadLora(file);
            return new(file, null, null, before);
        }
        using var data = LoraExamples.Encode(model, examples, _options, seed);
        var settings = Settings(data.Fingerprint, seed);
        using var generator = new Generator((ulong)SeededRandom.Create(seed, InitStream, 0).Next());
        var adapters = LoraAdapters.Create(model.UNet, model.TextEncoder, _options.Lora, generator, model.TextEncoder2);
        model.UseLora(adapters);
        try
        {
            var lossBefore = Judge(data, seed);
            var seconds = Run(data, adapters, settings, folder, seed);
            adapters.Save(
                file,
                metadata: new Dictionary<string, string>
                {
                    [SettingsKey] = settings,
                    [SecondsKey] = seconds.ToString("R", CultureInfo.InvariantCulture),
                }
            );
            DeleteCheckpoint(folder);
            return new(file, lossBefore, Judge(data, seed), seconds);
        }
        catch
        {
            model.UnloadLora();
            throw;
        }
    }

    private double Run(LoraExamples data, LoraAdapters adapters, string settings, string folder, int seed)
    {
        var checkpoint = Path.Combine(folder, "checkpoint");
        var weights = adapters.Parameters.ToDictionary(p => p.Key, p => (Tensor)p.Value, StringComparer.Ordinal);
        List<Parameter> parameters = [.. adapters.Parameters.Select(p => p.Value)];
        using var frozen = new FrozenWeights([
            model.UNet,
            model.TextEncoder,
            .. model.TextEncoder2 is null ? Array.Empty<nn.Module>() : [model.TextEncoder2],
        ]);
        using var optimizer = optim.AdamW(
            parameters,
            lr: _options.LearningRate,
            beta1: _options.Beta1,
            beta2: _options.Beta2,
            weight_decay: _options.WeightDecay
        );
        var (start, before) = TrainingCheckpoint.Load(checkpoint, settings, weights, optimizer);
        var saved = start;
        var clock = Stopwatch.StartNew();
        for (var step = start; step < _options.Steps; step++)
        {
            _options.CancellationToken.ThrowIfCancellationRequested();
            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = _options.RateAt(step);
            }
            using (NewDisposeScope())
            {
                optimizer.zero_grad();
                var loss = Finite("loss", Backward(data, step, seed), step, saved, checkpoint);
                // Before the step: adapters that are not numbers must not get into a checkpoint.
                Finite(
                    "gradient",
                    nn.utils.clip_grad_norm_(parameters, _options.GradientClip > 0 ? _options.GradientClip : double.PositiveInfinity),
                    step,
                    saved,
                    checkpoint
                );
                optimizer.step();
                _options.Progress?.Report(
                    new(
                        "LoraTrainer",
                        "training",
                        step + 1,
                        _options.Steps,
                        loss,
                        (step + 1 - start) * _options.BatchSize / clock.Elapsed.TotalSeconds
                    )
                );
            }
            if ((step + 1) % _options.CheckpointEvery == 0 && step + 1 < _options.Steps)
            {
                TrainingCheckpoint.Save(checkpoint, settings, weights, optimizer, step + 1, before + clock.Elapsed.TotalSeconds);
                saved = step + 1;
            }
        }
        using (NewDisposeScope()) // zero_grad looks at each gradient, and leaves what it looked through to the enclosing scope
        {
            optimizer.zero_grad();
        }
        return before + clock.Elapsed.TotalSeconds;
    }

    /// <summary>Adds the gradients of a step's images; returns their mean loss.</summary>
    private double Backward(LoraExamples data, int step, int seed)
    {
        var random = SeededRandom.Create(seed, StepStream, step);
        var members = Members(data.Count, step, seed);
        // Everything is drawn for the whole step, so that it does not depend on the parts it is worked on in.
        var drawn = Draw(data, members, random);
        List<int> prompted = [.. members.Select(m => random.NextDouble() < _options.PromptDropout ? -1 : m)];
        var part = (members.Count + _options.AccumulationSteps - 1) / Math.Min(_options.AccumulationSteps, members.Count);
        double total = 0;
        for (var from = 0; from < members.Count; from += part)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(part, members.Count - from);
            var loss = Loss(data, drawn.Narrow(from, count), prompted.GetRange(from, count)).mul((double)count / members.Count);
            loss.backward();
            total += loss.item<float>();
        }
        return total;
    }

    private Draws Draw(LoraExamples data, List<int> members, Random random)
    {
        using var generator = new Generator((ulong)random.Next());
        var shape = data.LatentShape(members.Count);
        var (latents, sizes) = data.Latents(members, random, randn(shape, ScalarType.Float32, generator: generator)); // [B, C, h, w]
        var noise = randn(shape, ScalarType.Float32, generator: generator);
        var times = tensor(members.Select(_ => (long)random.Next(model.Scheduler.Config.NumTrainTimesteps)).ToArray()); // [B]
        return new(latents.to(model.Device), noise.to(model.Device), times.to(model.Device), sizes.to(model.Device));
    }

    private Tensor Loss(LoraExamples data, Draws drawn, IEnumerable<int> prompted)
    {
        var (latents, noise, times, sizes) = drawn;
        var noisy = model.Scheduler.AddNoise(latents, noise, times);
        var states = data.States(model, prompted);
        var added = states.Pooled is null ? null : new AddedCondition(states.Pooled, sizes);
        var predicted = model.UNet.Forward(noisy.to_type(model.Precision), times, states.States, added);
        return F.mse_loss(predicted.to_type(ScalarType.Float32), model.Scheduler.Target(latents, noise, times));
    }

    /// <summary>The mean loss on draws that are the same before and after.</summary>
    private double Judge(LoraExamples data, int seed)
    {
        using var off = no_grad();
        List<int> members =
        [
            .. Enumerable.Range(0, Math.Min(Judged, data.Count)).Select(i => (int)((long)i * data.Count / Math.Min(Judged, data.Count))),
        ];
        double sum = 0;
        foreach (var (batch, number) in members.Chunk(_options.BatchSize).Select((b, n) => (b, n)))
        {
            using var scope = NewDisposeScope();
            var drawn = Draw(data, [.. batch], SeededRandom.Create(seed, JudgeStream, number));
            sum += batch.Length * Loss(data, drawn, batch).item<float>();
        }
        return sum / members.Count;
    }

    /// <summary>The images of a step: all of them in an order of each epoch's own, epoch after epoch.</summary>
    private List<int> Members(int count, int step, int seed)
    {
        List<int> members = [];
        for (var i = (long)step * _options.BatchSize; i < (long)(step + 1) * _options.BatchSize; )
        {
            var order = Enumerable.Range(0, count).ToArray();
            SeededRandom.Create(seed, OrderStream, (int)(i / count)).Shuffle(order);
            var take = (int)Math.Min(((i / count) + 1) * count - i, ((long)(step + 1) * _options.BatchSize) - i);
            members.AddRange(order.Skip((int)(i % count)).Take(take));
            i += take;
        }
        return members;
    }

    private string Settings(string images, int seed)
    {
        // How often a checkpoint is written does not matter to what comes out.
        var text =
            OptionsJson.Write(_options with { CheckpointEvery = 1 })
            + model.Fingerprint()
            + model.Precision
            + images
            + seed.ToString(CultureInfo.InvariantCulture);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>The seconds that the finished training of a file took.</summary>
    /// <exception cref="InvalidOperationException">It had other settings.</exception>
    private static double Finished(string file, string settings)
    {
        using var there = SafetensorsFile.Open(file);
        return there.Metadata.GetValueOrDefault(SettingsKey) == settings
            ? double.Parse(there.Metadata.GetValueOrDefault(SecondsKey) ?? "0", CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"{file} was made with other images or settings; choose another folder, or delete it.");
    }

    private static void DeleteCheckpoint(string folder)
    {
        foreach (var name in new[] { "checkpoint", "checkpoint.old", "checkpoint.new" })
        {
            if (Path.Combine(folder, name) is var old && Directory.Exists(old))
            {
                Directory.Delete(old, recursive: true);
            }
        }
    }

    private static double Finite(string what, double value, int step, int saved, string checkpoint) =>
        double.IsFinite(value)
            ? value
            : throw new ArithmeticException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The {what} is {value} in step {step + 1}; "
                        + $"{(saved > 0 ? $"the checkpoint of step {saved} stays in {checkpoint}" : "there is no checkpoint yet")}. A "
                        + $"lower learning rate may help."
                )
            );

    /// <summary>What is drawn for a batch: latents and noise [B, C, h, w], times [B], and the images' sizes [B, 6].</summary>
    private sealed record Draws(Tensor Latents, Tensor Noise, Tensor Times, Tensor Sizes)
    {
        public Draws Narrow(long from, long count) =>
            new(Latents.narrow(0, from, count), Noise.narrow(0, from, count), Times.narrow(0, from, count), Sizes.narrow(0, from, count));
    }

    /// <summary>Models whose own weights want no gradient while this lasts.</summary>
    private sealed class FrozenWeights : IDisposable
    {
        private readonly List<Parameter> _trainable;

        public FrozenWeights(params nn.Module[] models)
        {
            _trainable = [.. models.SelectMany(m => m.parameters()).Where(p => p.requires_grad)];
            _trainable.ForEach(p => p.requires_grad = false);
        }

        public void Dispose() => _trainable.ForEach(p => p.requires_grad = true);
    }
}
