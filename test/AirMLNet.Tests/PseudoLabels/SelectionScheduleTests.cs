using AirMLNet.PseudoLabels;

namespace AirMLNet.Tests.PseudoLabels;

[TestClass]
public sealed class SelectionScheduleTests
{
    [TestMethod]
    [DataRow(1, 10)]
    [DataRow(2, 20)]
    [DataRow(10, 100)]
    public void Grip_GrowsToTheWholePool(
        int round,
        int expected
    ) // n = 1003/10 = 100; K = t·100/10
        => Assert.AreEqual(expected, SelectionSchedule.PerClass(PseudoLabelStrategy.Grip, round, 10, 1003, 10, 16));

    [TestMethod]
    public void Grip_NeverAsksForNone() => Assert.AreEqual(1, SelectionSchedule.PerClass(PseudoLabelStrategy.Grip, 1, 10, 30, 10, 16));

    [TestMethod]
    public void All_IsTheWholePool() => Assert.AreEqual(1003, SelectionSchedule.PerClass(PseudoLabelStrategy.All, 1, 1, 1003, 10, 16));

    [TestMethod]
    public void Fpl_IsFixed() => Assert.AreEqual(16, SelectionSchedule.PerClass(PseudoLabelStrategy.Fpl, 3, 10, 1000, 10, 16));

    [TestMethod]
    public void Grip_OverTenRounds_IsTheListedSequence()
    {
        // 4,000 unlabelled images of 4 unseen classes (TRZSL): n = 400, K_t = 100·t. 2,040 images, 102 classes: n = 204, K_t = 2·t.
        CollectionAssert.AreEqual(Enumerable.Range(1, 10).Select(t => 100 * t).ToArray(), Schedule(4000, 4));
        CollectionAssert.AreEqual(Enumerable.Range(1, 10).Select(t => 2 * t).ToArray(), Schedule(2040, 102));
        // 1,999 images, 7 classes: n = 199 and ⌊199·t/7⌋, which ends below ⌊1999/7⌋ = 285.
        CollectionAssert.AreEqual(new[] { 28, 56, 85, 113, 142, 170, 199, 227, 255, 284 }, Schedule(1999, 7));

        static int[] Schedule(int pool, int classes) =>
            [.. Enumerable.Range(1, 10).Select(t => SelectionSchedule.PerClass(PseudoLabelStrategy.Grip, t, 10, pool, classes, 16))];
    }
}
