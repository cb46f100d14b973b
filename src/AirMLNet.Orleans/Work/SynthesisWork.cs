using AirMLNet.Data;
using AirMLNet.Diffusion;
using AirMLNet.Files;
using AirMLNet.Pipeline;
using AirMLNet.Synthesis;

namespace AirMLNet.Cluster;

/// <inheritdoc/>
internal sealed class SynthesisWork : JobWork
{
    private readonly SynthesisJob _job;
    private readonly StableDiffusionPipeline _model;
    private readonly ImageSynthesizerOptions _options;

    public SynthesisWork(SynthesisJob job, DeviceChoice device)
    {
        _job = job;
        var prompts = Prompts(job);
        _model = StableDiffusionPipeline.Load(job.Diffusion, device.Resolve(_ => { }));
        if (job.Lora is not null)
        {
            _model.LoadLora(job.Lora, 1);
        }

        _options = new()
        {
            Output = job.Output,
            Prompts = prompts,
            ImagesPerPrompt = job.ImagesPerPrompt,
            Seed = job.Seed,
            NegativePrompt = job.NegativePrompt,
            GroupSize = job.BatchSize,
            Settings = Generator().Settings(job.Lora),
        };
    }

    public override void Do(int piece, CancellationToken cancellation) =>
        new ImageSynthesizer(Generator(), _options with { Shard = new(piece, _job.Pieces), CancellationToken = cancellation }).Run();

    public override void Join(CancellationToken cancellation) =>
        new ImageSynthesizer(Generator(), _options with { CancellationToken = cancellation }).Run();

    public override void Dispose() => _model.Dispose();

    private StableDiffusionGenerator Generator() =>
        new(
            _model,
            new()
            {
                Steps = _job.Steps,
                Guidance = _job.Guidance,
                BatchSize = _job.BatchSize,
            }
        );

    private static List<SynthesisPrompt> Prompts(SynthesisJob job) =>
        (job.ClassesFile, job.PromptsFile) switch
        {
            ({ } classes, null) => [.. ClassNames.Load(classes).Select(name => SynthesisPrompt.OfClass(name, job.Domain))],
            (null, { } prompts) =>
            [
                .. TextFile.ReadLines(prompts).Where(l => l.Trim().Length > 0).Select(l => new SynthesisPrompt(l.Trim())),
            ],
            _ => throw new InvalidDataException(
                $"The job names {(job.ClassesFile is null ? "neither" : "both")} of {nameof(job.ClassesFile)} and "
                    + $"{nameof(job.PromptsFile)}; "
                    + "expected one."
            ),
        };
}
