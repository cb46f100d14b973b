using AirMLNet.Pipeline;

namespace AirMLNet.Tests.Pipeline;

[TestClass]
public sealed class PackedSlotsTests
{
    [TestMethod]
    public void WhatIsNotSkipped_MovesTogether_AndItsResultsGoBack()
    {
        int[] values = [1, 1, 2, 2, 3, 3, 4, 4];
        var slots = PackedSlots.Pack(values.AsSpan(), 2, [true, false, true, false]);
        CollectionAssert.AreEqual(new[] { 1, 3 }, slots);
        CollectionAssert.AreEqual(new[] { 2, 2, 4, 4 }, values[..4]);
        int[] results = [0, 0, 0, 0];
        PackedSlots.Spread<int>([20, 40], 1, slots, results);
        CollectionAssert.AreEqual(new[] { 0, 20, 0, 40 }, results);
    }
}
