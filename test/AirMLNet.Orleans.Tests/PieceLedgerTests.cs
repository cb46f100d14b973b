namespace AirMLNet.Cluster.Tests;

/// <summary>Who does which piece, without a cluster.</summary>
[TestClass]
public sealed class PieceLedgerTests
{
    private static readonly EmbeddingJob Job = new()
    {
        Images = "/images",
        Clip = "/clip",
        Output = "/out.npy",
        Pieces = 3,
        Attempts = 2,
    };

    private readonly HandTime _time = new();

    [TestMethod]
    public void ASiloHasOnePieceAtATime_AndTheJoinComesLast()
    {
        var ledger = Begin(out _);
        Assert.AreEqual(1, ledger.Take("a", out var changed));
        Assert.IsTrue(changed);
        Assert.AreEqual(1, ledger.Take("a", out changed)); // the answer was lost on its way
        Assert.IsFalse(changed);
        Assert.AreEqual(2, ledger.Take("b", out _));
        Assert.AreEqual(3, ledger.Take("c", out _));
        Assert.IsNull(ledger.Take("d", out _));
        ledger.Finish("a", 1);
        ledger.Finish("b", 2);
        Assert.IsNull(ledger.Take("a", out _)); // 4 joins, and 3 is not done
        ledger.Finish("c", 3);
        Assert.AreEqual(4, ledger.Take("b", out _));
        Assert.IsFalse(ledger.IsComplete);
        ledger.Finish("b", 4);
        Assert.IsTrue(ledger.IsComplete);
        Assert.IsNull(ledger.Take("a", out _));
    }

    [TestMethod]
    public void WhatADeadSiloHeld_IsHandedOutAtOnce_AndCountsOnce()
    {
        var ledger = Begin(out var state);
        ledger.Take("a", out _);
        ledger.Take("b", out _);
        Assert.IsTrue(ledger.Free(silo => silo == "a"));
        Assert.IsFalse(ledger.Free(silo => silo == "a"));
        Assert.AreEqual(1, ledger.Take("c", out _));
        Assert.IsTrue(ledger.Finish("a", 1)); // it was not dead after all, or had finished before it died
        Assert.IsTrue(ledger.Finish("c", 1));
        Assert.IsFalse(ledger.Finish("c", 1));
        Assert.AreEqual(1, ledger.Done);
        Assert.AreEqual(1, state.DoneBy.Values.Sum());
        Assert.AreEqual(1, state.Returned);
    }

    [TestMethod]
    public void APieceThatFails_Waits_ThenTheJobIsGivenUp_AndGoesOnWithWhatIsLeft()
    {
        var ledger = Begin(out var state);
        ledger.Take("a", out _);
        ledger.GiveBack("a", 1, "the disk is full");
        Assert.AreEqual(2, ledger.Take("a", out _));
        ledger.Finish("a", 2);
        Assert.AreEqual(3, ledger.Take("a", out _));
        ledger.Finish("a", 3);
        Assert.IsNull(ledger.Take("a", out _));
        _time.Now += TimeSpan.FromSeconds(1);
        Assert.AreEqual(1, ledger.Take("a", out _));
        ledger.Free(_ => true); // it died of it
        Assert.AreEqual("piece 1 of 4 failed 2 times, the last time on a: the silo died", state.Failure);
        Assert.IsNull(ledger.Take("b", out _));
        ledger.GoOn();
        Assert.AreEqual(1, ledger.Take("b", out _));
        Assert.AreEqual(2, ledger.Done);
    }

    [TestMethod]
    public void TheReason_IsPartOfASentence()
    {
        var ledger = Begin(out var state);
        for (var i = 0; i < 2; i++)
        {
            Assert.AreEqual(1, ledger.Take("a", out _));
            ledger.GiveBack("a", 1, "There is no model.");
            _time.Now += TimeSpan.FromSeconds(2);
        }

        Assert.AreEqual("piece 1 of 4 failed 2 times, the last time on a: There is no model", state.Failure);
    }

    [TestMethod]
    public void ASiloThatStops_GivesItsPieceBackWithoutBlame()
    {
        var ledger = Begin(out var state);
        for (var i = 0; i < 5; i++)
        {
            Assert.AreEqual(1, ledger.Take("a", out _));
            Assert.IsTrue(ledger.GiveBack("a", 1, null));
        }

        Assert.IsFalse(ledger.GiveBack("a", 1, "late"));
        Assert.IsNull(state.Failure);
        Assert.AreEqual(5, state.Returned);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ledger.Finish("a", 5));
    }

    [TestMethod]
    public void TheState_ReadFromRedis_GoesOn()
    {
        var ledger = Begin(out var state);
        ledger.Take("a", out _);
        ledger.Take("b", out _);
        ledger.Finish("a", 1);
        ledger.GiveBack("b", 2, "no");
        var json = new StateJson();
        var read = json.Deserialize<JobState>(json.Serialize(state));
        var after = new PieceLedger(read, ClusterJob.FromJson(read.Job!), _time);
        Assert.AreEqual(1, after.Done);
        Assert.AreEqual(3, after.Take("a", out _));
        Assert.IsNull(after.Take("b", out _));
        Assert.AreEqual(1, read.Troubles[2].Attempts);
        CollectionAssert.AreEqual(new Dictionary<string, int> { ["a"] = 1 }, read.DoneBy);
    }

    private PieceLedger Begin(out JobState state)
    {
        state = PieceLedger.Begin(Job);
        return new(state, Job, _time);
    }
}
