using AirMLNet.Clip;
using AirMLNet.Embedding;
using AirMLNet.Features;
using AirMLNet.Pipeline;

namespace AirMLNet.Cluster;

/// <inheritdoc/>
internal sealed class EmbeddingWork : JobWork
{
    private readonly ImageFolderEncoder _encoder;
    private readonly int _pieces;

    // The encoder takes the model anew for each shard; held here, it stays loaded between them.
    private readonly BackboneLease _model;

    public EmbeddingWork(EmbeddingJob job, DeviceChoice device, int threads)
    {
        _pieces = job.Pieces;
        _encoder = new(
            device.Context(seed: 1),
            new ImageFolderEncoderOptions
            {
                Images = job.Images,
                Output = job.Output,
                ChunkSize = job.ChunkSize,
                Shard = new(1, job.Pieces),
                SkipUnreadable = job.SkipUnreadable,
                Clip = new ClipFeatureOptions
                {
                    ClipFolder = job.Clip,
                    BatchSize = job.BatchSize,
                    Precision = job.Precision,
                    Threads = threads,
                },
            }
        );
        _model = BackboneLease.Take(job.Clip, device.Resolve(_ => { }), new ClipExecution { Precision = job.Precision });
    }

    public override void Do(int piece, CancellationToken cancellation) => _encoder.OfShard(new(piece, _pieces), cancellation).Run();

    public override void Join(CancellationToken cancellation)
    {
        // The only shard of one is the output itself.
        if (_pieces > 1)
        {
            _encoder.Merge();
        }
    }

    public override void Dispose() => _model.Dispose();
}
