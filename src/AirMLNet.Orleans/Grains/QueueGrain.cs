namespace AirMLNet.Cluster;

/// <inheritdoc cref="IQueueGrain"/>
internal sealed class QueueGrain([PersistentState("queue", StateJson.Storage)] IPersistentState<QueueState> kept) : Grain, IQueueGrain
{
    public Task Add(string job) => kept.State.Jobs.Contains(job) ? Task.CompletedTask : Keep([.. kept.State.Jobs, job]);

    public Task Remove(string job) => kept.State.Jobs.Contains(job) ? Keep([.. kept.State.Jobs.Where(j => j != job)]) : Task.CompletedTask;

    public Task<string[]> Jobs() => Task.FromResult(kept.State.Jobs);

    private async Task Keep(string[] jobs)
    {
        var before = kept.State;
        kept.State = new() { Jobs = jobs };
        try
        {
            await kept.WriteStateAsync();
        }
        catch
        {
            kept.State = before;
            DeactivateOnIdle();
            throw;
        }
    }
}

/// <summary>The names of the jobs that are not done, in the order in which they came.</summary>
internal sealed class QueueState
{
    public string[] Jobs { get; set; } = [];
}
