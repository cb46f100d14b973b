using AirMLNet.Pipeline;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Pipeline;

/// <summary>The cursor that reads ahead in batches, with work that the tests watch: <c>Sum</c> is 10 times the number of the row.</summary>
[TestClass]
public sealed class BatchedRowCursorTests
{
    /// <summary>The batch given out and two being prepared.</summary>
    private const int Depth = 3;

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(5)]
    [DataRow(8)]
    [DataRow(29)]
    public void RowsComeInOrder_AtEveryPlaceOfABatchsEnd(int rows)
    {
        var work = new WatchedEncoder(batchSize: 4, workers: 3);
        using var cursor = Open(work, rows);
        (var sum, var number) = Getters(cursor);
        for (var i = 0; i < rows; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            Assert.AreEqual(i, cursor.Position);
            Assert.AreEqual(10 * i, Value(sum));
            Assert.AreEqual(i, Value(number));
        }

        Assert.IsFalse(cursor.MoveNext());
        Assert.IsFalse(cursor.MoveNext());
        CollectionAssert.AreEqual(Enumerable.Range(0, rows).Chunk(4).Select(batch => batch.Length).ToArray(), work.Runs.ToArray());
    }

    [TestMethod]
    public void Ids_AreThoseOfTheInput()
    {
        var work = new WatchedEncoder(4, 2);
        var view = View(11);
        using var cursor = Open(work, view);
        using var input = view.GetRowCursor(view.Schema);
        (var found, var expected) = (cursor.GetIdGetter(), input.GetIdGetter());
        while (input.MoveNext())
        {
            Assert.IsTrue(cursor.MoveNext());
            DataViewRowId a = default,
                b = default;
            found(ref a);
            expected(ref b);
            Assert.AreEqual(b, a);
            Assert.AreEqual(input.Batch, cursor.Batch);
        }
    }

    [TestMethod]
    public void NothingIsReadBeforeTheFirstMove_AndNoMoreThanTheBatchesHoldAfterIt()
    {
        var work = new WatchedEncoder(batchSize: 4, workers: 2);
        using var cursor = Open(work, 1000);
        Assert.IsEmpty(work.Read);
        for (var i = 0; i < 1000; i++)
        {
            cursor.MoveNext();
            // At most three batches lie between what is given out and what is read.
            Assert.IsLessThanOrEqualTo((i / 4 + Depth) * 4, work.Read.Count);
        }

        Assert.AreEqual(Depth, work.Batches);
    }

    [TestMethod]
    public void ARun_WaitsUntilItsBatchIsAskedFor()
    {
        var work = new WatchedEncoder(4, 2);
        using var cursor = Open(work, 20);
        for (var i = 0; i < 20; i++)
        {
            cursor.MoveNext();
            Assert.HasCount(i / 4 + 1, work.Runs);
        }
    }

    [TestMethod]
    public void AtMostSoManyWorkers_PrepareAtOnce()
    {
        foreach (var workers in new[] { 1, 2 })
        {
            // Two batches are prepared at once, each by so many workers.
            var work = new WatchedEncoder(8, workers) { Preparation = _ => Thread.Sleep(2) };
            using var cursor = Open(work, 40);
            while (cursor.MoveNext()) { }

            Assert.IsLessThanOrEqualTo(workers, work.MostAtOnceInABatch, $"Workers = {workers}");
            Assert.HasCount(40, work.Prepared);
        }
    }

    [TestMethod]
    public void AnErrorOfARow_IsThrownByItsGetter_AndLeavesTheOtherRowsAlone()
    {
        var work = new WatchedEncoder(4, 2)
        {
            Preparation = row => throw (row is 2 or 9 ? new InvalidDataException($"row {row}") : new Skip()),
            Reading = row => throw (row == 5 ? new InvalidDataException("row 5") : new Skip()),
        };
        using var cursor = Open(work, 12);
        (var sum, var number) = Getters(cursor);
        for (var i = 0; i < 12; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            if (i is 2 or 5 or 9)
            {
                Assert.AreEqual($"row {i}", Assert.ThrowsExactly<InvalidDataException>(() => Value(sum)).Message);
                Assert.AreEqual($"row {i}", Assert.ThrowsExactly<InvalidDataException>(() => Value(sum)).Message);
            }
            else
            {
                Assert.AreEqual(10 * i, Value(sum));
            }

            Assert.AreEqual(i, Value(number));
        }

        CollectionAssert.AreEquivalent(new[] { 2, 5, 9 }, work.LeftOut);
        CollectionAssert.DoesNotContain(work.Prepared.ToArray(), 5);
    }

    [TestMethod]
    public void AnErrorOfTheInput_ComesAfterTheRowsBeforeIt()
    {
        var work = new WatchedEncoder(4, 2);
        var rows = Enumerable.Range(0, 20).Select(i => i < 6 ? new NumberRow { Number = i } : throw new IOException("the disk is gone"));
        var view = new MLContext().Data.LoadFromEnumerable(rows);
        using var cursor = Open(work, view);
        (var sum, _) = Getters(cursor);
        for (var i = 0; i < 6; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            Assert.AreEqual(10 * i, Value(sum));
        }

        Assert.AreEqual("the disk is gone", Assert.ThrowsExactly<IOException>(() => cursor.MoveNext()).Message);
        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void AnErrorOfTheWholeBatch_IsThrownByTheMove_AndEndsTheCursor()
    {
        var work = new WatchedEncoder(4, 2)
        {
            Running = batch => throw (batch == 1 ? new ArithmeticException("not a number") : new Skip()),
        };
        using var cursor = Open(work, 12);
        for (var i = 0; i < 4; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
        }

        Assert.ThrowsExactly<ArithmeticException>(() => cursor.MoveNext());
        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void OnlyColumnsThatWereAskedFor_AreActive()
    {
        var work = new WatchedEncoder(4, 2);
        var view = View(5);
        var stage = new Stage(view.Schema);
        using var cursor = new BatchedRowCursor(stage, view.GetRowCursor(view.Schema), [view.Schema["Number"]], work);
        Assert.IsTrue(cursor.IsColumnActive(stage.OutputSchema["Number"]));
        Assert.IsFalse(cursor.IsColumnActive(stage.OutputSchema["Text"]));
        Assert.IsTrue(cursor.IsColumnActive(stage.OutputSchema["Sum"]));
        Assert.IsFalse(cursor.IsColumnActive(stage.OutputSchema["Unwanted"]));
        Assert.Contains(
            "'Text' is not active",
            Assert
                .ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<ReadOnlyMemory<char>>(stage.OutputSchema["Text"]))
                .Message
        );
        Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<int>(stage.OutputSchema["Unwanted"]));
        Assert.Contains(
            "it cannot be read as",
            Assert.ThrowsExactly<InvalidOperationException>(() => cursor.GetGetter<float>(stage.OutputSchema["Number"])).Message
        );
    }

    [TestMethod]
    public void BeforeTheFirstRow_AndAfterTheLast_ThereIsNoValue()
    {
        using var cursor = Open(new WatchedEncoder(4, 2), 1);
        (var sum, var number) = Getters(cursor);
        Assert.Contains("MoveNext", Assert.ThrowsExactly<InvalidOperationException>(() => Value(sum)).Message);
        Assert.AreEqual(-1, cursor.Position);
        cursor.MoveNext();
        cursor.MoveNext();
        Assert.Contains("MoveNext", Assert.ThrowsExactly<InvalidOperationException>(() => Value(number)).Message);
        Assert.AreEqual(-1, cursor.Position);
    }

    [TestMethod]
    public void AVectorThatAReaderChanges_IsWholeForTheNextReader()
    {
        using var cursor = Open(new WatchedEncoder(4, 2), 3);
        var getter = cursor.GetGetter<VBuffer<float>>(cursor.Schema["Vector"]);
        cursor.MoveNext();
        VBuffer<float> first = default,
            second = default;
        getter(ref first);
        VBufferEditor.CreateFromBuffer(ref first).Values[0] = -1;
        getter(ref second);
        Assert.AreEqual(0f, second.GetValues()[0]);
    }

    [TestMethod]
    public void Cancelling_StopsTheNextBatch()
    {
        using var cancel = new CancellationTokenSource();
        var work = new WatchedEncoder(4, 2) { Cancellation = cancel.Token };
        using var cursor = Open(work, 1000);
        for (var i = 0; i < 4; i++)
        {
            cursor.MoveNext();
        }

        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => cursor.MoveNext());
        Assert.IsLessThanOrEqualTo(Depth * 4, work.Read.Count);
        Assert.HasCount(1, work.Runs);
    }

    [TestMethod]
    public void DisposedInTheMiddle_ItWaitsForTheWorkers_AndReleasesItsWork()
    {
        using var gate = new ManualResetEventSlim();
        var running = 0;
        var work = new WatchedEncoder(4, 1)
        {
            Preparation = row =>
            {
                if (row >= 4)
                {
                    Interlocked.Increment(ref running);
                    gate.Wait();
                    Thread.Sleep(20);
                    Interlocked.Decrement(ref running);
                }
            },
        };
        var cursor = Open(work, 1000);
        cursor.MoveNext(); // the second and the third batch are being prepared, and wait at the gate
        Assert.IsFalse(work.Disposed);
        SpinWait.SpinUntil(() => Volatile.Read(ref running) > 0, TimeSpan.FromSeconds(30));
        gate.Set();
        cursor.Dispose();
        Assert.AreEqual(0, Volatile.Read(ref running));
        Assert.IsTrue(work.Disposed);
        Assert.IsLessThan(Depth * 4, work.Prepared.Count, "rows that nobody waits for were prepared");
        Assert.IsFalse(cursor.MoveNext());
        cursor.Dispose();
    }

    private static IDataView View(int rows) =>
        new MLContext().Data.LoadFromEnumerable(
            Enumerable
                .Range(0, rows)
                .Select(i => new NumberRow
                {
                    Number = i,
                    Text = $"row {i}",
                    Vector = [i, -i],
                })
                .ToArray()
        );

    private static BatchedRowCursor Open(WatchedEncoder work, int rows) => Open(work, View(rows));

    private static BatchedRowCursor Open(WatchedEncoder work, IDataView view)
    {
        var input = view.GetRowCursor(view.Schema);
        work.Input = input.GetGetter<int>(view.Schema["Number"]);
        return new(new Stage(view.Schema), input, view.Schema, work);
    }

    private static (ValueGetter<int> Sum, ValueGetter<int> Number) Getters(BatchedRowCursor cursor) =>
        (cursor.GetGetter<int>(cursor.Schema["Sum"]), cursor.GetGetter<int>(cursor.Schema["Number"]));

    private static int Value(ValueGetter<int> getter)
    {
        var value = -1;
        getter(ref value);
        return value;
    }
}
