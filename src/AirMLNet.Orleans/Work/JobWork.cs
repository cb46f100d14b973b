using AirMLNet.Pipeline;

namespace AirMLNet.Cluster;

/// <summary>Does the pieces of one job, with the model loaded once. One thread at a time.</summary>
internal abstract class JobWork : IDisposable
{
    /// <summary>Loads what the job needs.</summary>
    /// <param name="job">The job.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="threads">Threads of LibTorch; 0 leaves them.</param>
    /// <param name="warn">Hears of long waits for others.</param>
    public static JobWork Open(ClusterJob job, DeviceChoice device, int threads, Action<string> warn) =>
        job switch
        {
            EmbeddingJob embedding => new EmbeddingWork(embedding, device, threads),
            SynthesisJob synthesis => new SynthesisWork(synthesis, device),
            DescriptionJob description => new DescriptionWork(description, device, warn),
            _ => throw new ArgumentException($"{job.GetType().Name} is not a job that this version knows.", nameof(job)),
        };

    /// <summary>Does a piece.</summary>
    /// <param name="piece">1 up to the number of pieces.</param>
    /// <param name="cancellation">Ends the work; what is whole stays.</param>
    public abstract void Do(int piece, CancellationToken cancellation);

    /// <summary>Joins what the pieces wrote.</summary>
    public abstract void Join(CancellationToken cancellation);

    public abstract void Dispose();
}
