namespace AirMLNet.Cluster.Tests;

/// <summary>The simulation, where the answer can be worked out by hand.</summary>
[TestClass]
public sealed class ClusterModelTests
{
    private static readonly ClusterModel Plain = new()
    {
        Silos = 1,
        Pieces = 12,
        ImagesPerPiece = 10,
        PerSilo = 5,
    };

    [TestMethod]
    [DataRow(1, 24.0)]
    [DataRow(2, 12.0)]
    [DataRow(3, 8.0)]
    [DataRow(5, 6.0)] // 12 pieces are three turns of five
    public void SilosThatShareNothing_DivideTheTime(int silos, double seconds) =>
        Assert.AreEqual(seconds, (Plain with { Silos = silos }).Run().Seconds, 1e-6);

    [TestMethod]
    public void WhatIsShared_BoundsAllTogether()
    {
        Assert.AreEqual(12, (Plain with { Silos = 6, Shared = 10 }).Run().Seconds, 1e-6);
        Assert.AreEqual(24, (Plain with { Silos = 1, Shared = 10 }).Run().Seconds, 1e-6);
    }

    [TestMethod]
    public void OverheadAndJoin_AreAdded() =>
        Assert.AreEqual(12 + (6 * 0.5) + 0.5 + 3, (Plain with { Silos = 2, Overhead = 0.5, Join = 3 }).Run().Seconds, 1e-6);

    /// <summary>Silo 1 dies a second into its second piece; silo 0 does the other eight and that one.</summary>
    [TestMethod]
    public void ASiloThatDies_CostsThePieceItHeld()
    {
        var (seconds, doneBy, returned) = (Plain with { Silos = 2, Deaths = [(3, 1)] }).Run();
        Assert.AreEqual((12 - 1) * 2, seconds, 1e-6);
        Assert.AreEqual(1, returned);
        Assert.AreEqual(1, doneBy["1"]);
        Assert.AreEqual(12, doneBy["0"]); // eleven, and the join
    }

    /// <summary>The last piece is lost: the survivor has nothing to do until it knows.</summary>
    [TestMethod]
    public void ADeathAtTheEnd_StallsAllOfIt()
    {
        var seconds = (Plain with { Silos = 2, Pieces = 2, Deaths = [(1.9, 1)] }).Run().Seconds;
        Assert.IsGreaterThanOrEqualTo(1.9 + 4.5 + 2, seconds);
        Assert.IsLessThanOrEqualTo(1.9 + 4.5 + 0.5 + 2, seconds);
    }

    [TestMethod]
    public void ASiloThatJoins_TakesItsShare()
    {
        var (seconds, doneBy, _) = (Plain with { Silos = 2, Joins = [4] }).Run();
        Assert.AreEqual(4 + 6, seconds, 1e-6); // eight pieces are left: three turns of three
        Assert.AreEqual(3, doneBy["2"], 1);
    }
}
