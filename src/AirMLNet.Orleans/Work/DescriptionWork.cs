using System.Globalization;
using System.Text;
using System.Text.Json;
using AirMLNet.Captions;
using AirMLNet.Data;
using AirMLNet.Files;
using AirMLNet.Pipeline;

namespace AirMLNet.Cluster;

/// <inheritdoc/>
internal sealed class DescriptionWork : JobWork
{
    private readonly DescriptionJob _job;
    private readonly ICaptioner _captioner;
    private readonly string[] _paths;
    private readonly Action<string> _warn;

    public DescriptionWork(DescriptionJob job, DeviceChoice device, Action<string> warn)
    {
        _job = job;
        _warn = warn;
        _paths = [.. ImageFolder.Open(job.Images, labelsFromSubfolders: false).Entries.Select(e => e.Path)];
        _captioner = new CaptionerChoice
        {
            Folder = job.Llava,
            Server = job.Server,
            Model = job.Model,
            ApiKeyEnv = job.ApiKeyEnv,
        }.Open("", device.Resolve(_ => { }));
    }

    public override void Do(int piece, CancellationToken cancellation)
    {
        var paths = _paths[new Shard(piece, _job.Pieces).RangeOf(_paths.Length)];
        var options = new CaptionSynthesisOptions
        {
            Captioner = _captioner,
            WorkFolder = _job.WorkFolder,
            Domain = _job.Domain,
            NameClass = false,
            ParallelCalls = _job.ParallelCalls,
            CancellationToken = cancellation,
        };
        var items = new CaptionRows(paths, [.. paths.Select(_ => -1)], [], options).OfImages(kept: true);
        var job = CaptionJob.Of(options, nameof(DescriptionJob), () => { }, _warn);
        var texts = Task.Run(() => job.RunAsync(items), cancellation).GetAwaiter().GetResult().Texts;
        AtomicFile.Write(
            Part(piece),
            stream =>
            {
                for (var i = 0; i < paths.Length; i++)
                {
                    var name = ImageFolder.NameOf(_job.Images, paths[i]);
                    JsonSerializer.Serialize(stream, new Line(name, texts[i].Length > 0 ? texts[i] : null), LineJson);
                    stream.WriteByte((byte)'\n');
                }
            }
        );
    }

    public override void Join(CancellationToken cancellation) =>
        AtomicFile.Write(
            _job.Output,
            stream =>
            {
                var next = 0;
                for (var piece = 1; piece <= _job.Pieces; piece++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    foreach (var line in File.ReadLines(Part(piece)))
                    {
                        // Where images came or went between two pieces, one would be there twice or not at all.
                        var image = JsonSerializer.Deserialize<Line>(line, LineJson)!.Image;
                        var expected = next < _paths.Length ? ImageFolder.NameOf(_job.Images, _paths[next]) : "none";
                        next += image == expected ? 1 : throw Changed($"{Part(piece)} has '{image}' where '{expected}' was expected");
                        stream.Write(Encoding.UTF8.GetBytes(line + "\n"));
                    }
                }

                if (next < _paths.Length)
                {
                    throw Changed($"the parts have {next} of {_paths.Length} images");
                }
            }
        );

    private static InvalidDataException Changed(string what) =>
        new($"{what}: images came or went meanwhile; submit the job with another number of pieces, which takes the texts that are there");

    public override void Dispose() => (_captioner as IDisposable)?.Dispose();

    private static JsonSerializerOptions LineJson { get; } =
        new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    private string Part(int piece) =>
        string.Create(CultureInfo.InvariantCulture, $"{_job.Output}.shard-{piece:00000}-of-{_job.Pieces:00000}");

    private sealed record Line(string Image, string? Text);
}
