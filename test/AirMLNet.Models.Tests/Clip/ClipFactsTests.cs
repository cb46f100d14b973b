using AirMLNet.Clip;
using AirMLNet.Testing;

namespace AirMLNet.Tests.Clip;

/// <summary>Caches and saved models are keyed by it: what changes a feature changes it, and nothing else does.</summary>
[TestClass]
public sealed class ClipFactsTests
{
    private readonly TemporaryFolder _root = new();

    [TestCleanup]
    public void Delete() => _root.Dispose();

    [TestMethod]
    [DataRow("config.json", "\"num_attention_heads\": 2", "\"num_attention_heads\": 4", true)]
    [DataRow("config.json", "\"layer_norm_eps\": 1E-05", "\"layer_norm_eps\": 0.001", true)]
    [DataRow("config.json", "\"logit_scale_init_value\": 2.6592", "\"logit_scale_init_value\": 3", false)]
    [DataRow("preprocessor_config.json", "0.4", "0.3", true)]
    public void TheHash_IsOfWhatDecidesAFeature(string file, string before, string after, bool decides)
    {
        var folder = TinyClip.Create(_root["clip"]);
        var first = Hash(folder);
        var path = Path.Combine(folder, file);
        var text = File.ReadAllText(path);
        Assert.Contains(before, text);
        File.WriteAllText(path, text.Replace(before, after, StringComparison.Ordinal));
        Assert.AreEqual(decides, first != Hash(folder));
    }

    private static string Hash(string folder)
    {
        var backbone = ClipBackbone.Acquire(folder);
        try
        {
            // The same without loading the weights.
            Assert.AreEqual(ClipFacts.Key(backbone), ClipFacts.Key(folder));
            return ClipFacts.Hash(backbone);
        }
        finally
        {
            backbone.Release();
        }
    }
}
