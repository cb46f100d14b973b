using AirMLNet.Prototypes;

namespace AirMLNet.Tests.Prototypes;

[TestClass]
public sealed class ClassPrototypesTests
{
    [TestMethod]
    public void Choose_TakesTheMostConfident_ThenTheFirst()
    {
        var chosen = ClassPrototypes.Choose([0, 0, 1, -1, 0], 2, 2, [0.5f, 0.9f, 0.1f, 1f, 0.9f]);
        CollectionAssert.AreEqual(new[] { 1, 4 }, chosen[0]);
        CollectionAssert.AreEqual(new[] { 2 }, chosen[1]);
    }

    [TestMethod]
    public void Choose_TakesPreferredImagesFirst() =>
        CollectionAssert.AreEqual(new[] { 2, 1 }, ClassPrototypes.Choose([0, 0, 0], 1, 2, [0.5f, 0.9f, 0.1f], [false, false, true])[0]);

    [TestMethod]
    public void Choose_LeavesAClassWithoutImagesEmpty() => Assert.IsEmpty(ClassPrototypes.Choose([0, 0], 2, 1)[1]);

    [TestMethod]
    public void Means_AreOfLengthOne_AndAbsentWithoutImages()
    {
        float[] features = [1, 0, 0, 1, 0, 1]; // three images in two dimensions
        var means = ClassPrototypes.Means(
            features,
            2,
            [
                [0, 1],
                [],
            ],
            out var present
        );
        var half = MathF.Sqrt(0.5f);
        Assert.AreEqual(half, means[0], 1e-6f);
        Assert.AreEqual(half, means[1], 1e-6f);
        CollectionAssert.AreEqual(new[] { true, false }, present);
    }
}
