using AirMLNet.Evaluation;
using TorchSharp;

namespace AirMLNet.Tests.Evaluation;

[TestClass]
public sealed class LinearProbeTests
{
    [TestMethod]
    public void Separable_classes_are_told_apart_and_permuted_labels_are_not()
    {
        using var scope = torch.NewDisposeScope();
        using var generator = new torch.Generator(3);
        var labels = torch.arange(0, 300, dtype: torch.ScalarType.Int64).remainder(3); // [300]
        var centers = torch.tensor(new float[] { 4, 0, 0, 0, 4, 0, 0, 0, 4 }, [3, 3]); // [3, 3]
        var features = centers.index_select(0, labels) + torch.randn([300, 3], generator: generator); // [300, 3]
        Assert.IsGreaterThan(0.95, LinearProbe.Accuracy(features, labels, features, labels, 3));

        var elsewhere = torch.randint(0, 3, [300], dtype: torch.ScalarType.Int64, generator: generator);
        Assert.IsLessThan(0.6, LinearProbe.Accuracy(features, elsewhere, features, labels, 3));
    }
}
