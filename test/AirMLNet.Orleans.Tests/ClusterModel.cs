namespace AirMLNet.Cluster.Tests;

/// <summary>
/// How long a job takes on a cluster: a simulation by events, with the product's own <see cref="PieceLedger"/> on a clock of its own. A
/// silo
/// that works makes <see cref="PerSilo"/> images a second, as long as all together do not make more than <see cref="Shared"/>.
/// </summary>
internal sealed record ClusterModel
{
    public required int Silos { get; init; }

    public required int Pieces { get; init; }

    public required double ImagesPerPiece { get; init; }

    /// <summary>Images a second of a silo alone: the slower of its decoding and its model.</summary>
    public required double PerSilo { get; init; }

    /// <summary>Images a second of what all silos share: storage, network, a captioner, the processors of one machine.</summary>
    public double Shared { get; init; } = double.PositiveInfinity;

    /// <summary>
    /// Seconds of a piece in which no image is made: asking for it, looking at what is to be done, saying that it is done.
    /// </summary>
    public double Overhead { get; init; }

    /// <summary>Seconds in which the last piece joins the others.</summary>
    public double Join { get; init; }

    /// <summary>Seconds until the others know that a silo has died.</summary>
    public double Stall { get; init; } = 4.5;

    /// <summary>Seconds after which an idle silo asks again.</summary>
    public double Idle { get; init; } = 0.5;

    /// <summary>When which silo dies, from 0.</summary>
    public IReadOnlyList<(double At, int Silo)> Deaths { get; init; } = [];

    /// <summary>When another silo joins.</summary>
    public IReadOnlyList<double> Joins { get; init; } = [];

    /// <summary>Runs it.</summary>
    /// <returns>Seconds until all is done, and the pieces of each silo.</returns>
    public (double Seconds, IReadOnlyDictionary<string, int> DoneBy, int Returned) Run()
    {
        var job = new EmbeddingJob
        {
            Images = "/images",
            Clip = "/clip",
            Output = "/features.safetensors",
            Pieces = Pieces,
        };
        var state = PieceLedger.Begin(job);
        var time = new HandTime();
        var start = time.Now;
        var ledger = new PieceLedger(state, job, time);
        List<Silo> silos = [.. Enumerable.Range(0, Silos).Select(i => new Silo($"{i}"))];
        var joins = new Queue<double>(Joins.Order());
        var deaths = new Queue<(double At, int Silo)>(Deaths.OrderBy(d => d.At));
        for (var now = 0.0; ; )
        {
            time.Now = start.AddSeconds(now);
            foreach (var silo in silos.Where(s => s.DiedAt is null))
            {
                Turn(silo, ledger, now, silos);
            }

            if (ledger.IsComplete)
            {
                return (now, state.DoneBy, state.Returned);
            }

            var working = silos.Count(s => s is { DiedAt: null, Images: > 0 } && s.Until <= now);
            var rate = Math.Min(PerSilo, Shared / Math.Max(working, 1));
            var next = silos
                .Where(s => s.DiedAt is null)
                .Select(s => s.Until > now ? s.Until : now + (s.Images / rate))
                .Append(joins.TryPeek(out var join) ? join : double.PositiveInfinity)
                .Append(deaths.TryPeek(out var death) ? death.At : double.PositiveInfinity)
                .Min();
            foreach (var silo in silos.Where(s => s is { DiedAt: null, Images: > 0 } && s.Until <= now))
            {
                var left = silo.Images - ((next - now) * rate);
                silo.Images = left < 1e-9 * ImagesPerPiece ? 0 : left;
            }

            now = next;
            if (joins.Count > 0 && now >= join)
            {
                joins.Dequeue();
                silos.Add(new($"{silos.Count}"));
            }

            if (deaths.Count > 0 && now >= death.At)
            {
                deaths.Dequeue();
                silos[death.Silo].DiedAt = now;
            }
        }
    }

    private void Turn(Silo silo, PieceLedger ledger, double now, List<Silo> silos)
    {
        if (silo.Until > now || silo.Images > 0)
        {
            return;
        }

        if (silo.Piece is { } done)
        {
            ledger.Finish(silo.Name, done);
            silo.Piece = null;
        }

        ledger.Free(name =>
            silos[int.Parse(name, System.Globalization.CultureInfo.InvariantCulture)].DiedAt is { } at && now >= at + Stall
        );
        silo.Piece = ledger.Take(silo.Name, out _);
        var joining = silo.Piece > Pieces;
        silo.Images = silo.Piece is null || joining ? 0 : ImagesPerPiece;
        silo.Until = now + (silo.Piece is null ? Idle : Overhead + (joining ? Join : 0));
        if (silo.Piece is not null && silo.Until <= now && silo.Images == 0)
        {
            silo.Until = Math.BitIncrement(now); // a piece that takes no time
        }
    }

    private sealed class Silo(string name)
    {
        public string Name => name;

        public int? Piece { get; set; }

        /// <summary>Images of the piece that are not made yet.</summary>
        public double Images { get; set; }

        /// <summary>Busy with what is no image until then, or idle.</summary>
        public double Until { get; set; }

        public double? DiedAt { get; set; }
    }
}
