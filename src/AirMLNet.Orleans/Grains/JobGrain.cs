namespace AirMLNet.Cluster;

/// <inheritdoc cref="IJobGrain"/>
internal sealed class JobGrain(
    [PersistentState("job", StateJson.Storage)] IPersistentState<JobState> kept,
    IClusterMembershipService members,
    ILocalSiloDetails silo,
    TimeProvider time
) : Grain, IJobGrain
{
    private PieceLedger? _ledger;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        Open();
        return Task.CompletedTask;
    }

    public async Task<JobStatus> Submit(string json, bool anew)
    {
        if (_ledger is null || (anew && _ledger.IsComplete))
        {
            kept.State = PieceLedger.Begin(ClusterJob.FromJson(json));
            Open();
            await Keep();
        }
        else if (kept.State.Failure is not null)
        {
            _ledger.GoOn();
            await Keep();
        }

        if (!_ledger!.IsComplete)
        {
            await GrainFactory.GetGrain<IQueueGrain>(0).Add(this.GetPrimaryKeyString());
        }

        return await Status();
    }

    public async Task<Piece?> Take(string silo)
    {
        if (_ledger is not { } ledger)
        {
            return null;
        }

        await Refresh();
        var freed = ledger.Free(holder => holder != silo && IsGone(holder));
        var piece = ledger.Take(silo, out var taken);
        if (freed || taken)
        {
            await Keep();
        }

        if (ledger.IsComplete || kept.State.Failure is not null)
        {
            await LeaveQueue();
        }

        return piece is { } number ? new(kept.State.Job!, number) : null;
    }

    public async Task Finish(string silo, int piece)
    {
        if (_ledger is { } ledger && ledger.Finish(silo, piece))
        {
            await Keep();
        }

        if (_ledger is { IsComplete: true })
        {
            await LeaveQueue();
        }
    }

    public async Task GiveBack(string silo, int piece, string? error)
    {
        if (_ledger is { } ledger && ledger.GiveBack(silo, piece, error))
        {
            await Keep();
        }
    }

    public Task<JobStatus> Status() =>
        Task.FromResult(
            new JobStatus
            {
                Id = this.GetPrimaryKeyString(),
                Pieces = _ledger?.Pieces ?? 0,
                Done = _ledger?.Done ?? -1, // there is no such job: it is not complete
                DoneBy = new Dictionary<string, int>(kept.State.DoneBy),
                Held = new Dictionary<string, int>(kept.State.Held),
                Returned = kept.State.Returned,
                Failure = kept.State.Failure,
                Keeper = silo.SiloAddress.ToParsableString(),
            }
        );

    private void Open() => _ledger = kept.State.Job is { } json ? new(kept.State, ClusterJob.FromJson(json), time) : null;

    /// <summary>Writes the state. What could not be written is forgotten with this activation, so that nobody sees it.</summary>
    private async Task Keep()
    {
        try
        {
            await kept.WriteStateAsync();
        }
        catch
        {
            DeactivateOnIdle();
            _ledger = null;
            throw;
        }
    }

    // A silo that this one has not heard of may have joined a moment ago.
    private async Task Refresh()
    {
        if (kept.State.Held.Keys.Any(h => StatusOf(h) == SiloStatus.None))
        {
            await members.Refresh();
        }
    }

    private bool IsGone(string holder) => StatusOf(holder) is SiloStatus.Dead or SiloStatus.None;

    private SiloStatus StatusOf(string holder) => members.CurrentSnapshot.GetSiloStatus(SiloAddress.FromParsableString(holder));

    private Task LeaveQueue() => GrainFactory.GetGrain<IQueueGrain>(0).Remove(this.GetPrimaryKeyString());
}
