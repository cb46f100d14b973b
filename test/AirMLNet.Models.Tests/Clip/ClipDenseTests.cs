using AirMLNet.Clip;
using AirMLNet.Testing;
using AirMLNet.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClipDenseTests
{
    private static readonly string Golden = TestData.Path("golden/clip-vit-tiny");
    private DisposeScope? _scope;

    [TestInitialize]
    public void Create() => _scope = NewDisposeScope();

    [TestCleanup]
    public void Delete() => _scope!.Dispose();

    [TestMethod]
    public void At_the_trained_size_they_are_the_reference_states_projected()
    {
        using var model = Load();
        using var io = SafetensorsFile.Open(Path.Combine(Golden, "io.safetensors"));
        using var off = no_grad();

        using var dense = model.EncodeDense(io.GetTensor("in.pixel_values"));

        ClipModelTests.AssertClose(io.GetTensor("out.image_features"), dense.Global, 1e-4);
        Assert.AreEqual((4L, 4L), (dense.Height, dense.Width));
        // The reference keeps the states of image 0 before the last normalisation.
        var states = model.Vision.PostNorm.Forward(io.GetTensor("out.vision.last_hidden_state"));
        var want = model.VisualProjection.Project(states.narrow(1, 1, 16));
        ClipModelTests.AssertClose(want, dense.Local.narrow(0, 0, 1), 1e-4);
        ClipModelTests.AssertClose(dense.Local[1, 6], dense.Map[1, TensorIndex.Colon, 1, 2], 0); // row 1, column 2
    }

    [TestMethod]
    public void Other_sizes_interpolate_the_positions()
    {
        using var model = Load();
        using var off = no_grad();
        using var generator = new Generator(1);
        var pixels = randn([2, 3, 96, 48], generator: generator);

        using var dense = model.EncodeDense(pixels);

        Assert.AreEqual((6L, 3L), (dense.Height, dense.Width));
        CollectionAssert.AreEqual(new long[] { 2, 18, 64 }, dense.Local.shape);
        using var bilinear = model.EncodeDense(pixels, ClipPositions.Bilinear);
        Assert.IsGreaterThan(1e-4f, dense.Local.sub(bilinear.Local).abs().max().item<float>());
    }

    [TestMethod]
    public void Equal_positions_stay_equal_on_another_grid()
    {
        var row = arange(4, ScalarType.Float32).view(1, 4);
        var positions = cat([full([1, 4], 9f), row.expand(9, 4)], 0); // [1 + 3², 4]
        foreach (var kind in new[] { ClipPositions.Bicubic, ClipPositions.Bilinear, ClipPositions.BicubicByFactor })
        {
            var resized = ClipPositionGrid.Resize(positions, 3, 5, 2, kind);
            ClipModelTests.AssertClose(cat([full([1, 4], 9f), row.expand(10, 4)], 0), resized, 1e-5);
        }
    }

    [TestMethod]
    public void Sizes_and_positions_that_do_not_fit_are_refused()
    {
        using var model = Load();
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.EncodeDense(zeros([1, 3, 60, 64]))).Message,
            "multiples of 16"
        );
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => model.EncodeDense(zeros([1, 3, 64, 64]), ClipPositions.None)).Message,
            "left out"
        );
    }

    private static ClipModel Load()
    {
        using var files = WeightFiles.Open(Path.Combine(Golden, "weights.safetensors"));
        return ClipModel.Load(ClipConfig.Load(Golden), files, null);
    }
}
