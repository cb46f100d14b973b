namespace AirMLNet.Cluster;

/// <summary>Submits jobs to a cluster, and follows them.</summary>
/// <param name="client">A connected client; see <see cref="ClusterHosting"/>.</param>
public sealed class AirCluster(IClusterClient client)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// Submits a job. The same job twice is one job; one that was given up goes on with what is not done.
    /// </summary>
    /// <param name="job">The work.</param>
    /// <param name="anew">Does a job again that is done.</param>
    /// <param name="cancellation">Ends the waiting for an answer.</param>
    /// <exception cref="OperationCanceledException">Cancelled; whether the job was submitted is not known.</exception>
    public Task<JobStatus> SubmitAsync(ClusterJob job, bool anew = false, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(job);
        var json = job.ToJson();
        // Once begun anew, a call that is repeated must not begin it once more: the job is then at work, and anew does nothing.
        return Ask(() => Grain(job.Id()).Submit(json, anew), cancellation);
    }

    /// <summary>How far a job is.</summary>
    /// <param name="id">Its name; see <see cref="ClusterJob.Id"/>.</param>
    /// <param name="cancellation">Ends the waiting for an answer.</param>
    /// <exception cref="KeyNotFoundException">There is no such job.</exception>
    public async Task<JobStatus> StatusAsync(string id, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        var status = await Ask(() => Grain(id).Status(), cancellation).ConfigureAwait(false);
        return status.Pieces > 0 ? status : throw new KeyNotFoundException($"The cluster has no job {id}.");
    }

    /// <summary>Submits a job and waits until it is done. Silos may die and join meanwhile.</summary>
    /// <param name="job">The work.</param>
    /// <param name="progress">Hears of every change.</param>
    /// <param name="cancellation">Ends the waiting; the job goes on.</param>
    /// <exception cref="InvalidOperationException">The job was given up; the message says why.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the job goes on.</exception>
    public async Task<JobStatus> RunAsync(ClusterJob job, IProgress<JobStatus>? progress = null, CancellationToken cancellation = default)
    {
        var status = await SubmitAsync(job, cancellation: cancellation).ConfigureAwait(false);
        var before = -1;
        while (true)
        {
            if (status.Done != before)
            {
                before = status.Done;
                progress?.Report(status);
            }

            if (status.IsComplete)
            {
                return status;
            }

            if (status.Failure is not null)
            {
                throw new InvalidOperationException($"Job {status.Id} was given up: {status.Failure}.");
            }

            await Task.Delay(Look, cancellation).ConfigureAwait(false);
            status = await StatusAsync(status.Id, cancellation).ConfigureAwait(false);
        }
    }

    private IJobGrain Grain(string id) => client.GetGrain<IJobGrain>(id);

    // A call that meets a dying silo is repeated: all of them can be.
    private static async Task<JobStatus> Ask(Func<Task<JobStatus>> what, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return await what().WaitAsync(cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is TimeoutException or Orleans.Runtime.OrleansException)
            {
                await Task.Delay(Look, cancellation).ConfigureAwait(false);
            }
        }
    }
}
