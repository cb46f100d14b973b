using AirMLNet.Pipeline;
using Microsoft.Extensions.Logging;
using TorchSharp;

namespace AirMLNet.Cluster;

/// <summary>
/// The one worker of a silo: asks for a piece, does it, says so, and asks again. It works outside of grains, whose calls must be short.
/// </summary>
internal sealed partial class SiloWorker(
    IGrainFactory grains,
    ILocalSiloDetails silo,
    AirSiloOptions options,
    TimeProvider time,
    ILogger<SiloWorker> log
) : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(0.5),
        Again = TimeSpan.FromSeconds(0.2);

    private readonly CancellationTokenSource _stop = new();
    private readonly string _name = silo.SiloAddress.ToParsableString();
    private readonly DeviceChoice _device = new(options.Gpu);
    private Task _loop = Task.CompletedTask;
    private (string Job, JobWork Work)? _open;

    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(
            nameof(SiloWorker),
            ServiceLifecycleStage.Active,
            _ =>
            {
                // A GPU that is not there is an error now, and not after the first piece.
                Saying(_device.Resolve(_ => { }).ToString());
                _loop = Task.Run(LoopAsync, CancellationToken.None);
                return Task.CompletedTask;
            },
            async _ =>
            {
                await _stop.CancelAsync();
                await _loop;
            }
        );

    public void Dispose() => _stop.Dispose();

    private async Task LoopAsync()
    {
        var queue = grains.GetGrain<IQueueGrain>(0);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var worked = false;
                foreach (var id in await queue.Jobs())
                {
                    var job = grains.GetGrain<IJobGrain>(id);
                    while (!_stop.IsCancellationRequested && await job.Take(_name) is { } piece)
                    {
                        worked = true;
                        await WorkAsync(id, job, piece);
                    }
                }

                if (!worked)
                {
                    Close();
                    await Task.Delay(Idle, time, _stop.Token);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                // A silo has died and its grains are not elsewhere yet, or Redis is away: every call can be repeated.
                Waiting(e.Message);
                await Task.Delay(Again, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        Close();
    }

    private async Task WorkAsync(string id, IJobGrain job, Piece piece)
    {
        var start = time.GetTimestamp();
        string? error = null;
        try
        {
            // A thread of its own: LibTorch's number of threads is the thread's, and the pool's are for Orleans.
            await Task.Factory.StartNew(
                () => Work(id, piece),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default
            );
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            await Tell(() => job.GiveBack(_name, piece.Number, null));
            return;
        }
        catch (Exception e)
        {
            error = e.Message;
            Close();
        }

        if (error is null)
        {
            Finished(piece.Number, id, time.GetElapsedTime(start).TotalSeconds);
            await Tell(() => job.Finish(_name, piece.Number));
        }
        else
        {
            Failed(piece.Number, id, error);
            await Tell(() => job.GiveBack(_name, piece.Number, error));
        }
    }

    private void Work(string id, Piece piece)
    {
        if (options.Threads > 0)
        {
            torch.set_num_threads(options.Threads);
        }

        var job = ClusterJob.FromJson(piece.Job);
        Began(piece.Number, id);
        if (_open?.Job != piece.Job)
        {
            Close();
            _open = (piece.Job, JobWork.Open(job, _device, options.Threads, WaitingForAnswers));
        }

        var work = _open.Value.Work;
        if (piece.Number > job.Pieces)
        {
            work.Join(_stop.Token);
        }
        else
        {
            work.Do(piece.Number, _stop.Token);
        }
    }

    /// <summary>Says what was done until it is heard, or the silo stops: whoever takes the piece then does the same again.</summary>
    private async Task Tell(Func<Task> what)
    {
        while (true)
        {
            try
            {
                await what();
                return;
            }
            catch (Exception e) when (!_stop.IsCancellationRequested)
            {
                Waiting(e.Message);
                await Task.Delay(Again, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception e)
            {
                Waiting(e.Message);
                return;
            }
        }
    }

    private void Close()
    {
        _open?.Work.Dispose();
        _open = null;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "ready, on {Device}")]
    private partial void Saying(string device);

    [LoggerMessage(Level = LogLevel.Information, Message = "began piece {Piece} of job {Job}")]
    private partial void Began(int piece, string job);

    [LoggerMessage(Level = LogLevel.Information, Message = "finished piece {Piece} of job {Job} in {Seconds:0.000} s")]
    private partial void Finished(int piece, string job, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "failed at piece {Piece} of job {Job}: {Reason}")]
    private partial void Failed(int piece, string job, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "waiting for answers: {Reason}")]
    private partial void WaitingForAnswers(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "waiting for the cluster: {Reason}")]
    private partial void Waiting(string reason);
}
