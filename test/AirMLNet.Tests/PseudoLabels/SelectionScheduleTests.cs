using AirMLNet.PseudoLabels;

namespace AirMLNet.Tests.PseudoLabels;

[TestClass]
public sealed class SelectionScheduleTests
{
    [TestMethod]
    [DataRow(1, 10)]
    [DataRow(2, 20)]
    [DataRow(10, 100)]
    public void Grip_GrowsToTheWholePool(int round, int expected) // n = 1003/10 = 100; K = t·100/10
        => Assert.AreEqual(expected, SelectionSchedule.PerClass(PseudoLabelStrategy.Grip, round, 10, 1003, 10, 16));

    [TestMethod]
    public void Grip_NeverAsksForNone()
        => Assert.AreEqual(1, SelectionSchedule.PerClass(PseudoLabelStrategy.Grip, 1, 10, 30, 10, 16));

    [TestMethod]
    public void Fpl_IsFixed()
        => Assert.AreEqual(16, SelectionSchedule.PerClass(PseudoLabelStrategy.Fpl, 3, 10, 1000, 10, 16));
}
