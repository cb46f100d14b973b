using AirMLNet.Clip;
using AirMLNet.Testing;
using AirMLNet.Weights;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Clip;

/// <summary>The text tower alone, as diffusion models use it; its numbers are checked by a reference case.</summary>
[TestClass]
public sealed class ClipTextModelTests
{
    private static readonly ClipTextConfig Config = new()
    {
        HiddenSize = 16,
        IntermediateSize = 24,
        Layers = 2,
        Heads = 2,
        ContextLength = 9,
        VocabularySize = 40,
        Activation = ClipActivation.Gelu,
        StartToken = 38,
        EndToken = 39,
        PadToken = 39,
    };

    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void AModelIsReadAsItIsWritten()
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var generator = new Generator(1);
        using var model = new ClipTextModel(Config, generator);
        model.Save(_folder, ScalarType.Float32);
        using var again = ClipTextModel.Load(_folder);

        Assert.AreEqual(Config, again.Config);
        var ids = tensor(new long[] { 38, 5, 39, 39, 38, 7, 8, 39 }, [2, 4]);
        Assert.AreEqual(0f, (model.Encode(ids) - again.Encode(ids)).abs().max().item<float>());
        Assert.IsTrue(File.ReadAllText(Path.Combine(_folder, "config.json")).Contains("\"CLIPTextModel\"", StringComparison.Ordinal));
    }

    /// <summary>As CLIPTextModel of transformers takes a whole CLIP: what else it holds is left.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AWholeModelsFolderIsReadAsItsTextEncoder(bool projected)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        using var whole = new ClipModel(ClipModelTests.Small);
        whole.Save(_folder, ScalarType.Float32);

        using var text = ClipTextModel.Load(_folder, projected: projected);

        var ids = tensor(new long[] { 28, 5, 29, 29, 28, 7, 8, 29 }, [2, 4]);
        Assert.AreEqual(0f, (whole.Text.EncodeAll(ids) - text.Encode(ids)).abs().max().item<float>());
        Assert.AreEqual(projected ? 12 : null, text.Config.ProjectionDim);
        if (projected)
        {
            Assert.IsTrue(text.Projection!.weight.allclose(whole.TextProjection.weight));
        }
        using var extra = new ClipTextModel(Config with { ProjectionDim = 12 }, new Generator(1));
        extra.Save(_folder["projected"], ScalarType.Float32);
        using var plain = ClipTextModel.Load(_folder["projected"]);
        Assert.IsNull(plain.Projection);
    }

    /// <summary>Names without the tower's, or with a wrapper's before them.</summary>
    [TestMethod]
    [DataRow("text_model.", "")]
    [DataRow("", "_orig_mod.")]
    public void TheTowersNamesMayStandAloneOrBehindAWrapper(string off, string before)
    {
        using var scope = NewDisposeScope();
        using var off2 = no_grad();
        using var generator = new Generator(1);
        using var model = new ClipTextModel(Config, generator);
        model.Save(_folder, ScalarType.Float32);
        Safetensors.Write(
            _folder["model.safetensors"],
            model
                .state_dict()
                .ToDictionary(p => before + (off.Length > 0 ? p.Key.Replace(off, "", StringComparison.Ordinal) : p.Key), p => p.Value)
        );
        using var again = ClipTextModel.Load(_folder);
        var ids = tensor(new long[] { 38, 5, 39, 39 }, [1, 4]);
        Assert.AreEqual(0f, (model.Encode(ids) - again.Encode(ids)).abs().max().item<float>());
    }

    [TestMethod]
    public void TheSameSeedGivesTheSameWeights_TheProjectionsToo()
    {
        using var scope = NewDisposeScope();
        using Generator first = new(1),
            second = new(1);
        using var one = new ClipTextModel(Config with { ProjectionDim = 12 }, first);
        // What memory held before is not to be seen: this fills what the next model may get.
        ones(1 << 16).mul_(float.NaN).Dispose();
        using var two = new ClipTextModel(Config with { ProjectionDim = 12 }, second);
        foreach (var ((name, a), (_, b)) in one.named_parameters().Zip(two.named_parameters()))
        {
            Assert.IsTrue(a.allclose(b, 0, 0), name);
        }

        Assert.IsGreaterThan(0.01f, one.Projection!.weight.std().item<float>());
    }

    [TestMethod]
    public void GradientsReachEveryWeight()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var model = new ClipTextModel(Config, generator);
        model.Encode(tensor(new long[] { 38, 5, 39 }, [1, 3])).square().sum().backward();
        foreach (var (name, parameter) in model.named_parameters())
        {
            Assert.IsNotNull(parameter.grad, name);
        }
    }

    [TestMethod]
    public void WhatDoesNotFitIsNamed()
    {
        using var generator = new Generator(1);
        using var model = new ClipTextModel(Config, generator);
        Assert.Contains(
            "L at most 9",
            Assert.ThrowsExactly<ArgumentException>(() => model.Encode(zeros([1, 10], ScalarType.Int64))).Message
        );
        model.Save(_folder, ScalarType.Float16);
        var config = Path.Combine(_folder, "config.json");
        var text = File.ReadAllText(config);
        File.WriteAllText(config, text.Replace("\"clip_text_model\"", "\"bert\"", StringComparison.Ordinal));
        Assert.Contains("model_type is \"bert\"", Assert.ThrowsExactly<InvalidDataException>(() => ClipTextModel.Load(_folder)).Message);
        File.WriteAllText(config, text.Replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", StringComparison.Ordinal));
        Assert.Contains(
            "left over: text_model.encoder.layers.1.",
            Assert.ThrowsExactly<InvalidDataException>(() => ClipTextModel.Load(_folder)).Message
        );
    }
}
