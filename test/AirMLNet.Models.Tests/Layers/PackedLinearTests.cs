using System.Runtime.Intrinsics.X86;
using AirMLNet.Clip;
using AirMLNet.Layers;
using AirMLNet.Testing;
using AirMLNet.Tests.Clip;
using TorchSharp;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Layers;

[TestClass]
public sealed class PackedLinearTests
{
    private const long Inputs = 512;
    private const long Outputs = 640;

    [TestMethod]
    public void TheOperatorsAreThereWhereTheyWereTried()
    {
        // After a new version of TorchSharp: try the operators' names and arguments, then raise the version beside their code.
        Assert.AreEqual(Avx2.X64.IsSupported, OneDnnOperators.Available);
    }

    [TestMethod]
    [DataRow(ScalarType.Float32, true, 1.0, 1.0, 1e-5)]
    [DataRow(ScalarType.Float32, false, 1.0, 1.0, 1e-5)]
    [DataRow(ScalarType.Float32, true, 1.702, 1.702, 1e-5)]
    [DataRow(ScalarType.Float32, true, 0.5, 1.0, 1e-5)]
    [DataRow(ScalarType.BFloat16, true, 1.702, 1.702, 2e-2)]
    public void AFrozenLayerGivesTheSameNumbers(ScalarType type, bool bias, double alpha, double beta, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var layer = Layer(type, bias);
        var x = Noise(2, 3, 7, Inputs).to_type(type);
        Tensor Of() => alpha == 1 && beta == 1 ? layer.Forward(x) : layer.Forward(x, alpha, beta);

        var plain = Of();
        layer.Freeze();
        var packed = Of();

        CollectionAssert.AreEqual(new[] { 3, 7, Outputs }, packed.shape);
        Assert.AreEqual(type, packed.dtype);
        Assert.AreEqual(0, Difference(plain, packed), tolerance * plain.abs().max().to_type(ScalarType.Float32).item<float>());
        if (OneDnnOperators.Available && type == ScalarType.Float32)
        {
            Assert.AreNotEqual(0, Difference(plain, packed), "the frozen layer did not take its packed weights");
        }
    }

    [TestMethod]
    [DataRow(ScalarType.Float32)]
    [DataRow(ScalarType.BFloat16)]
    public void ARowDependsNeitherOnItsBatchNorOnThreads(ScalarType type)
    {
        if (!OneDnnOperators.Available)
        {
            Assert.Inconclusive("The operators are for x64 with AVX2.");
        }
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var layer = Layer(type, bias: true);
        layer.Freeze();
        var x = Noise(3, 130, Inputs).to_type(type);
        var all = layer.Forward(x);
        foreach (var threads in new[] { 1, 2 })
        {
            using var count = new ThreadCount(threads);
            foreach (var rows in new[] { 1, 2, 7, 16, 50, 77, 129 })
            {
                Assert.AreEqual(
                    0,
                    Difference(all.narrow(0, 1, rows), layer.Forward(x.narrow(0, 1, rows))),
                    $"{rows} rows, {threads} threads"
                );
            }
        }
    }

    [TestMethod]
    public void GradientsFlowAsBefore()
    {
        using var scope = NewDisposeScope();
        using var layer = Layer(ScalarType.Float32, bias: true);
        var plain = Gradient();
        layer.Freeze();
        using (no_grad())
        {
            _ = layer.Forward(Noise(4, 5, Inputs)); // packs
        }
        Assert.AreEqual(0, Difference(plain, Gradient()));

        Tensor Gradient()
        {
            var x = Noise(4, 5, Inputs).requires_grad_();
            layer.Forward(x).square().sum().backward();
            return x.grad!;
        }
    }

    [TestMethod]
    public void AnAdapterIsAddedToPackedWeights()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var layer = Layer(ScalarType.Float32, bias: true);
        using var adapter = new LoraAdapter(new(Noise(5, 4, Inputs)), new(Noise(6, Outputs, 4)), 0.5);
        layer.Adapter = adapter;
        var x = Noise(7, 3, Inputs);
        var plain = layer.Forward(x, 2, 1);
        layer.Freeze();
        Assert.AreEqual(0, Difference(plain, layer.Forward(x, 2, 1)), 1e-5 * plain.abs().max().item<float>());
    }

    [TestMethod]
    public void NothingIsKeptOfALayerThatIsDisposed()
    {
        using var off = no_grad();
        Use(); // what the process keeps is made first
        var before = LiveTensors.Count;
        Use();
        Assert.AreEqual(before, LiveTensors.Count);

        static void Use()
        {
            using var scope = NewDisposeScope();
            using var layer = Layer(ScalarType.Float32, bias: true);
            layer.Freeze();
            _ = layer.Forward(Noise(8, 3, Inputs));
            _ = layer.Forward(Noise(8, 3, Inputs), 2, 1); // of other factors than it was packed with
        }
    }

    [TestMethod]
    public void ManyThreadsPackOnce()
    {
        using var scope = NewDisposeScope();
        using var layer = Layer(ScalarType.Float32, bias: true);
        layer.Freeze();
        var x = Noise(9, 3, Inputs);
        var results = new Tensor[8];
        Parallel.For(
            0,
            results.Length,
            i =>
            {
                using var none = no_grad();
                results[i] = layer.Forward(x);
            }
        );
        foreach (var result in results)
        {
            Assert.AreEqual(0, Difference(results[0], result));
        }
        foreach (var result in results)
        {
            result.Dispose();
        }
    }

    [TestMethod]
    public void WhatIsSmallOrOfAnotherTypeIsLeft()
    {
        using var scope = NewDisposeScope();
        Assert.IsNull(PackedLinear.Of(zeros(128, 512), null, 1, 1));
        Assert.IsNull(PackedLinear.Of(zeros(512, 512, ScalarType.Float64), null, 1, 1));
    }

    [TestMethod]
    public void ABackboneOfWideTowersGivesTheFeaturesOfItsModel()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var config = ClipModelTests.Small with { Vision = ClipModelTests.Small.Vision with { HiddenSize = 512, IntermediateSize = 1024 } };
        using (var generator = new Generator(10))
        using (var model = new ClipModel(config, generator))
        {
            model.Save(folder, ScalarType.Float32);
        }
        File.WriteAllText(folder["preprocessor_config.json"], """{ "size": 12, "crop_size": 12 }""");
        var pixels = Noise(11, 2, 3, config.Vision.ImageSize, config.Vision.ImageSize);
        using var plain = ClipModel.Load(folder);
        var wanted = ClipModel.Normalise(plain.EncodeImage(pixels));

        var backbone = ClipBackbone.Acquire(folder);
        try
        {
            var features = new float[2 * config.ProjectionDim];
            backbone.EncodeImages(pixels.data<float>().ToArray(), 2, features);
            Assert.AreEqual(0, Difference(wanted, tensor(features).view(2, -1)), 1e-5);
        }
        finally
        {
            backbone.Release();
        }
    }

    private static LinearLayer Layer(ScalarType type, bool bias)
    {
        var layer = new LinearLayer(Inputs, Outputs, bias);
        using var off = no_grad();
        using var scope = NewDisposeScope();
        _ = layer.weight.copy_(Noise(0, Outputs, Inputs));
        _ = layer.bias?.copy_(Noise(1, Outputs));
        _ = layer.to(type);
        foreach (var parameter in layer.parameters())
        {
            parameter.requires_grad = false;
        }
        return layer;
    }

    private static Tensor Noise(ulong seed, params long[] shape)
    {
        using var generator = new Generator(seed);
        return randn(shape, generator: generator);
    }

    private static double Difference(Tensor a, Tensor b) =>
        a.to_type(ScalarType.Float32).sub(b.to_type(ScalarType.Float32)).abs().max().item<float>();
}
