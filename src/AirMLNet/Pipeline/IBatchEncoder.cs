namespace AirMLNet.Pipeline;

/// <summary>
/// Computes a stage's columns for many rows at a time during one pass over the data. <see cref="NewBatch"/>,
/// <see cref="IBatch.Read"/> and <see cref="IBatch.Run"/> are called on the thread that consumes the rows,
/// <see cref="IBatch.Prepare"/> on any thread.
/// </summary>
internal interface IBatchEncoder : IDisposable
{
    /// <summary>Rows per batch.</summary>
    int BatchSize { get; }

    /// <summary>Rows that may be prepared at the same time.</summary>
    int Workers { get; }

    CancellationToken Cancellation { get; }

    IBatch NewBatch();
}

/// <summary>The slots of one batch, used again and again.</summary>
internal interface IBatch
{
    /// <summary>Takes what is needed from the current input row into slot <paramref name="slot"/>.</summary>
    /// <param name="slot">0 .. batch size − 1.</param>
    /// <param name="row">Number of the row in this pass, from 0.</param>
    void Read(int slot, long row);

    /// <summary>Does the part of the work that needs no other row, such as decoding and resizing.</summary>
    void Prepare(int slot);

    /// <summary>Does the rest for slots 0 .. <paramref name="count"/> − 1, leaving out the slots that failed before.</summary>
    void Run(int count, ReadOnlySpan<bool> failed);

    /// <summary>Getters of the added columns; each reads the slot that <paramref name="current"/> names. Null where not wanted.</summary>
    Delegate?[] Getters(Func<int> current);
}
