using System.IO.Compression;
using AirMLNet.Features;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Pipeline;

[TestClass]
public sealed class BackboneReferenceTests
{
    /// <summary>A model that says it is another must not take its place for later.</summary>
    [TestMethod]
    public void WhatAnEmbeddedModelWronglySaysItIs_IsNotKeptForTheModelThatIsIt()
    {
        using var f = new StageFixture(4, ownModel: true);
        var honest = Path.Combine(f.Root, "honest.zip");
        using (
            var model = f
                .Context.Transforms.ClipFeature(
                    "Features",
                    "ImagePath",
                    new ClipFeatureOptions { ClipFolder = f.ClipFolder, EmbedBackbone = true }
                )
                .Fit(f.Data)
        )
        {
            f.Context.Model.Save(model, f.Data.Schema, honest);
        }

        var liar = Path.Combine(f.Root, "liar.zip");
        File.Copy(honest, liar);
        using (var zip = ZipFile.Open(liar, ZipArchiveMode.Update))
        {
            // The largest is the weights.
            var entry = zip.Entries.Where(e => e.Name.StartsWith("backbone.", StringComparison.Ordinal)).MaxBy(e => e.Length)!;
            using var stream = entry.Open();
            stream.Position = stream.Length - 1;
            var last = stream.ReadByte();
            stream.Position = stream.Length - 1;
            stream.WriteByte((byte)(last ^ 1));
        }

        var before = Environment.GetEnvironmentVariable("AIRMLNET_HOME");
        var home = Path.Combine(f.Root, "home");
        Environment.SetEnvironmentVariable("AIRMLNET_HOME", home);
        try
        {
            var e = Assert.ThrowsExactly<InvalidOperationException>(() => new MLContext().Model.LoadAdapted(liar, out _));
            Assert.Contains("is damaged: its weights have SHA-256", e.Message);
            Assert.IsEmpty(Directory.GetFiles(home, "*", SearchOption.AllDirectories));

            Load();
            // What was damaged on the disk meanwhile is unpacked anew.
            var config = Directory.GetFiles(home, "config.json", SearchOption.AllDirectories).Single();
            File.WriteAllText(config, "{");
            Load();
            Assert.AreNotEqual("{", File.ReadAllText(config));
        }
        finally
        {
            Environment.SetEnvironmentVariable("AIRMLNET_HOME", before);
        }

        void Load() => ((IDisposable)new MLContext().Model.LoadAdapted(honest, out _)).Dispose();
    }
}
