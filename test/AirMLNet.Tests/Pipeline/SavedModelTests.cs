using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using AirMLNet.Features;
using AirMLNet.Files;
using AirMLNet.Testing;
using Microsoft.ML;

namespace AirMLNet.Tests.Pipeline;

[TestClass]
[DoNotParallelize] // some tests set AIRMLNET_HOME for the whole process
public sealed class SavedModelTests
{
    [TestMethod]
    public void AFreshProcess_GivesTheSameScores_BitForBit()
    {
        using var f = new StageFixture();
        var model = f.Chain().Fit(f.Data);
        var path = Path.Combine(f.Root, "model.zip");
        f.Context.Model.Save(model, f.Data.Schema, path);
        var expected = ChildProcess.Scores(new MLContext(), model, f.Rows.Select(r => r.ImagePath));

        (var code, var found, var error) = ChildProcess.Run([path, .. f.Rows.Select(r => r.ImagePath)]);
        Assert.AreEqual(0, code, error);
        Assert.AreEqual(expected, found);
    }

    [TestMethod]
    public void AMissingBackbone_IsNamedWithItsHash_AndFoundInAirmlnetHome()
    {
        using var f = new StageFixture(4, ownModel: true);
        var path = SaveFeatures(f, embed: false);
        var moved = Path.Combine(f.Root, "home", "tiny-clip");
        Directory.CreateDirectory(Path.Combine(f.Root, "home"));
        Directory.Move(f.ClipFolder, moved);
        var e = Assert.ThrowsExactly<FileNotFoundException>(() => new MLContext().Model.LoadAdapted(path, out _));
        Assert.Contains("tiny-clip", e.Message);
        Assert.Contains(FileHash.Sha256(Path.Combine(moved, "model.safetensors")), e.Message);
        Assert.Contains("AIRMLNET_HOME", e.Message);
        WithHome(Path.Combine(f.Root, "home"), () => Dispose(new MLContext().Model.Load(path, out _)));
    }

    /// <summary>What it says to do must help: ML.NET's own method does not look beside the zip.</summary>
    [TestMethod]
    public void AMissingBackbone_IsToBeLoadedByTheMethodThatLooksBesideTheZip()
    {
        using var f = new StageFixture(4, ownModel: true);
        var path = SaveFeatures(f, embed: false);
        Directory.Delete(f.ClipFolder, recursive: true);
        var own = Assert.ThrowsExactly<FileNotFoundException>(() => new MLContext().Model.LoadAdapted(path, out _));
        Assert.DoesNotContain("LoadAdapted", own.Message);
        var theirs = Assert.Throws<Exception>(() => new MLContext().Model.Load(path, out _));
        Assert.Contains("and load it with ml.Model.LoadAdapted", theirs.GetBaseException().Message);
    }

    [TestMethod]
    public void OtherWeights_AreRefused()
    {
        using var f = new StageFixture(4, ownModel: true);
        var path = SaveFeatures(f, embed: false);
        TinyClip.Create(f.ClipFolder, seed: 2);
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => new MLContext().Model.LoadAdapted(path, out _));
        Assert.Contains("found other weights in", e.Message);
    }

    [TestMethod]
    public void OtherPreprocessing_IsRefused()
    {
        using var f = new StageFixture(4, ownModel: true);
        var path = SaveFeatures(f, embed: false);
        var settings = Path.Combine(f.ClipFolder, "preprocessor_config.json");
        File.WriteAllText(settings, File.ReadAllText(settings).Replace("0.48145466", "0.5", StringComparison.Ordinal));
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => new MLContext().Model.LoadAdapted(path, out _));
        Assert.Contains("the settings that it was fitted with", e.Message);

        // Models saved before these were kept load as they did.
        ChangeJson(path, json => System.Text.RegularExpressions.Regex.Replace(json, ",\\s*\"settings\": \"[^\"]*\"", ""));
        Dispose(new MLContext().Model.LoadAdapted(path, out _));
    }

    [TestMethod]
    [DataRow("vision_config", "num_attention_heads", "4")]
    [DataRow("text_config", "layer_norm_eps", "0.001")]
    public void AnotherConfiguration_IsRefused(string tower, string key, string value)
    {
        using var f = new StageFixture(4, ownModel: true);
        var path = SaveFeatures(f, embed: false);
        ChangeConfiguration(f, tower, key, value);
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => new MLContext().Model.LoadAdapted(path, out _));
        Assert.Contains("the settings that it was fitted with", e.Message);
        Assert.Contains($"now has others ({tower}.{key} {value})", e.Message);

        // Models saved before it was kept load as they did.
        ChangeJson(path, json => System.Text.RegularExpressions.Regex.Replace(json, ",\\s*\"configuration\": \"[^\r\n]*\"", ""));
        Dispose(new MLContext().Model.LoadAdapted(path, out _));
    }

    /// <summary>A stage that reads texts knows its tokenizer; one that reads images does not ask for it.</summary>
    [TestMethod]
    public void AnotherTokenizer_IsRefusedByStagesThatReadTexts()
    {
        using var f = new StageFixture(4, ownModel: true);
        var images = Path.Combine(f.Root, "images.zip");
        File.Move(SaveFeatures(f, embed: false), images);
        var texts = Path.Combine(f.Root, "texts.zip");
        var ml = new MLContext(1);
        var data = ml.Data.LoadFromEnumerable([new { Text = "a red ship" }]);
        using (
            var fitted = ml
                .Transforms.ClipTextFeature("Features", "Text", new ClipTextFeatureOptions { ClipFolder = f.ClipFolder })
                .Fit(data)
        )
        {
            ml.Model.Save(fitted, data.Schema, texts);
        }
        Dispose(new MLContext().Model.LoadAdapted(texts, out _));

        var merges = Path.Combine(f.ClipFolder, "merges.txt");
        File.WriteAllText(merges, File.ReadAllText(merges).Replace("re d</w>", "", StringComparison.Ordinal));

        var e = Assert.ThrowsExactly<InvalidOperationException>(() => new MLContext().Model.LoadAdapted(texts, out _));
        Assert.Contains("with the tokenizer that it was fitted with", e.Message);
        Assert.Contains(f.ClipFolder, e.Message);
        Dispose(new MLContext().Model.LoadAdapted(images, out _));
        // Models saved before it was kept load as they did.
        ChangeJson(texts, json => System.Text.RegularExpressions.Regex.Replace(json, ",\\s*\"tokenizer\": \"[^\"]*\"", ""));
        Dispose(new MLContext().Model.LoadAdapted(texts, out _));
    }

    [TestMethod]
    public void WhatNoFeatureDependsOn_MayChangeInTheConfiguration()
    {
        using var f = new StageFixture(4, ownModel: true);
        var path = SaveFeatures(f, embed: false);
        ChangeConfiguration(f, null, "logit_scale_init_value", "3");
        ChangeConfiguration(f, "text_config", "pad_token_id", "0");
        ChangeConfiguration(f, "text_config", "eos_token_id", "2");
        Dispose(new MLContext().Model.LoadAdapted(path, out _));
    }

    [TestMethod]
    public void EmbeddedModelsOfOneWeightsAndTwoConfigurations_LieApart()
    {
        using var f = new StageFixture(4, ownModel: true);
        var first = SaveFeatures(f, embed: true);
        var kept = Path.Combine(f.Root, "first.zip");
        File.Move(first, kept);
        ChangeConfiguration(f, "vision_config", "num_attention_heads", "4");
        var second = SaveFeatures(f, embed: true);
        WithHome(
            Path.Combine(f.Root, "home"),
            () =>
            {
                Dispose(new MLContext().Model.LoadAdapted(kept, out _));
                Dispose(new MLContext().Model.LoadAdapted(second, out _));
                Assert.HasCount(2, Directory.GetDirectories(Path.Combine(f.Root, "home", "embedded")));
            }
        );
    }

    /// <summary>As in a container that runs as a user without a home.</summary>
    [TestMethod]
    public void AnEmbeddedBackbone_ThatCannotBeUnpacked_SaysWhichVariableToSet()
    {
        using var f = new StageFixture(4, ownModel: true);
        var path = SaveFeatures(f, embed: true);
        var home = Path.Combine(f.Root, "home");
        File.WriteAllText(home, "a file, below which no folder can be made, whoever runs this");
        WithHome(
            home,
            () =>
            {
                var e = Assert.ThrowsExactly<IOException>(() => new MLContext().Model.LoadAdapted(path, out _));
                Assert.Contains(Path.Combine(home, "embedded"), e.Message);
                Assert.Contains("Set AIRMLNET_HOME to a folder that this program may write into.", e.Message);
            }
        );
    }

    [TestMethod]
    public void NumbersThatOnlyGpusComputeIn_AreRefusedOnAProcessor()
    {
        using var f = new StageFixture(4);
        var path = SaveFeatures(f, embed: false);
        ChangeJson(path, json => json.Replace("\"Float32\"", "\"Float16\"", StringComparison.Ordinal));
        var e = Assert.ThrowsExactly<InvalidOperationException>(() => new MLContext().Model.LoadAdapted(path, out _));
        Assert.Contains("computes in Float16, which only GPUs do", e.Message);
    }

    [TestMethod]
    public void AnEmbeddedBackbone_NeedsNoFolder()
    {
        using var f = new StageFixture(4, ownModel: true);
        var path = SaveFeatures(f, embed: true);
        var expected = StageFixture.Vectors(f.Features().Fit(f.Data).Transform(f.Data), "Features");
        Directory.Delete(f.ClipFolder, recursive: true);
        var home = Path.Combine(f.Root, "home");
        WithHome(
            home,
            () =>
            {
                for (var time = 0; time < 2; time++) // the second load finds the files unpacked
                {
                    var model = new MLContext().Model.Load(path, out _);
                    var found = StageFixture.Vectors(model.Transform(f.Data), "Features");
                    for (var i = 0; i < 4; i++)
                    {
                        CollectionAssert.AreEqual(expected[i], found[i]);
                    }

                    Dispose(model);
                }
            }
        );
        Assert.IsEmpty(Directory.GetFiles(home, "*.part", SearchOption.AllDirectories));
    }

    [TestMethod]
    public void ANewerFormat_IsRefused()
    {
        using var f = new StageFixture(4);
        var path = SaveFeatures(f, embed: false);
        ChangeJson(path, json => json.Replace("\"format\": 1", "\"format\": 2", StringComparison.Ordinal));
        var e = Assert.ThrowsExactly<FormatException>(() => new MLContext().Model.LoadAdapted(path, out _));
        Assert.Contains("saved in format 2", e.Message);
        Assert.Contains(path, e.Message);
    }

    [TestMethod]
    [DataRow("\"backbone\":", "\"backbones\":", "'backbones'")]
    [DataRow("\"output\": \"Features\"", "\"output\": null", "'Output'")]
    [DataRow("\"output\": \"Features\",", "", "'output'")]
    [DataRow("\"output\": \"Features\",", "\"output\": \"Features\", \"output\": \"Others\",", "'output'")]
    public void AMemberThatIsMissingOrNullOrThereTwice_IsNamed(string before, string after, string expected)
    {
        using var f = new StageFixture(4);
        var path = SaveFeatures(f, embed: false);
        ChangeJson(path, json => json.Replace(before, after, StringComparison.Ordinal));
        var e = Assert.ThrowsExactly<FormatException>(() => new MLContext().Model.LoadAdapted(path, out _));
        Assert.Contains("is not valid", e.Message);
        Assert.Contains(expected, e.Message);
    }

    [TestMethod]
    [DataRow("\"files\": []", "\"files\": [null]", "null in a list")]
    [DataRow("\"name\": ", "\"names\": ", "'names'")]
    public void NullWhereNoneBelongs_IsRefused(string before, string after, string expected)
    {
        using var f = new StageFixture(4);
        var path = SaveFeatures(f, embed: false);
        ChangeJson(path, json => json.Replace(before, after, StringComparison.Ordinal));
        Assert.Contains(expected, Assert.ThrowsExactly<FormatException>(() => new MLContext().Model.LoadAdapted(path, out _)).Message);
    }

    [TestMethod]
    public void OptionsThatAreNull_AreRefused()
    {
        using var f = new StageFixture(4);
        var path = SaveFeatures(f, embed: false);
        ChangeJson(path, json => System.Text.RegularExpressions.Regex.Replace(json, "\"options\": \\{[^}]*\\}", "\"options\": null"));
        Assert.Contains(
            "has no options",
            Assert.ThrowsExactly<FormatException>(() => new MLContext().Model.LoadAdapted(path, out _)).Message
        );
    }

    [TestMethod]
    public void AZipCutInHalf_IsRefused()
    {
        using var f = new StageFixture(4);
        var path = SaveFeatures(f, embed: false);
        var whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
        var e = Assert.Throws<Exception>(() => new MLContext().Model.LoadAdapted(path, out _));
        Assert.IsTrue(e is FormatException or InvalidDataException, e.ToString());
    }

    [TestMethod]
    public void ABackbone_IsFoundFromAnotherFolder_AndBesideTheZip()
    {
        using var f = new StageFixture(4, ownModel: true);
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, f.ClipFolder);
        var path = Path.Combine(f.Root, "relative.zip");
        using (
            var model = f
                .Context.Transforms.ClipFeature("Features", "ImagePath", new ClipFeatureOptions { ClipFolder = relative })
                .Fit(f.Data)
        )
        {
            f.Context.Model.Save(model, f.Data.Schema, path);
        }

        var before = Environment.CurrentDirectory;
        try
        {
            Environment.CurrentDirectory = Path.GetTempPath();
            var loaded = new MLContext().Model.LoadAdapted(path, out var schema);
            Assert.IsNotNull(schema.GetColumnOrNull("ImagePath"));
            Dispose(loaded);
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }

        var place = Directory.CreateDirectory(Path.Combine(f.Root, "moved")).FullName;
        Directory.Move(f.ClipFolder, Path.Combine(place, Path.GetFileName(f.ClipFolder)));
        File.Move(path, Path.Combine(place, "model.zip"));
        var moved = new MLContext().Model.LoadAdapted(Path.Combine(place, "model.zip"), out _);
        Assert.IsNotNull(moved.GetOutputSchema(f.Data.Schema).GetColumnOrNull("Features"));
        Dispose(moved);
    }

    [TestMethod]
    [DataRow("../outside.json", "outside the model's folder")]
    [DataRow("/etc/x.json", "outside the model's folder")]
    [DataRow("C:/x.json", "outside the model's folder")]
    [DataRow("a\\..\\..\\x.json", "outside the model's folder")]
    public void AZipThatNamesPlacesOutside_IsRefused(string name, string expected) =>
        Refused(zip => zip.CreateEntry(name).Open().Dispose(), expected);

    [TestMethod]
    public void AZipThatIsNestedOrBlownUp_IsRefused()
    {
        Refused(zip => zip.CreateEntry(string.Join('/', Enumerable.Repeat("a", 100))).Open().Dispose(), "folders deep");
        Refused(zip => zip.CreateEntry(new string('x', 2000)).Open().Dispose(), "2000 characters");
        Refused(
            zip =>
            {
                using var stream = zip.CreateEntry("x", CompressionLevel.Fastest).Open();
                var zeros = new byte[1 << 20];
                for (var i = 0; i < 300; i++)
                {
                    stream.Write(zeros);
                }
            },
            "times as many"
        );
        Refused(zip => zip.CreateEntry("x").ExternalAttributes = 0xa1ff << 16, "is a link");
    }

    /// <summary>What ML.NET itself keeps: the schema, whose columns have rows in blocks of one size, and the names of the stages'
    /// assemblies.</summary>
    [TestMethod]
    public void WhatMLNetKeepsOfAModel_IsRefusedWhereItIsDamaged()
    {
        Refused(zip => ChangeBytes(zip, "Schema", [.. "Int32"u8, 0, 1, 1], [.. "Int32"u8, 0, 1, 66]), "rows per block");
        var (name, culture) = ("AirMLNet, Version"u8.ToArray(), "neutral"u8.ToArray());
        foreach (var chain in new[] { false, true })
        {
            // A name that begins with zeros is empty.
            Refused(zip => ChangeBytes(zip, "Model.key", Wide(name), Wide([0, .. name[1..]])), "is no whole model", chain);
            Refused(zip => ChangeBytes(zip, "Model.key", Wide(culture), Wide([1, .. culture[1..]])), "is no whole model", chain);
        }

        static byte[] Wide(byte[] text) => Encoding.Unicode.GetBytes(Encoding.Latin1.GetString(text));
    }

    [TestMethod]
    [DataRow("removed")]
    [DataRow("emptied")]
    [DataRow("flipped")]
    public void AStageOfAChainThatIsDamaged_IsAnErrorThatNamesTheFile(string how)
    {
        using var f = new StageFixture(4);
        var path = Path.Combine(f.Root, "chain.zip");
        using (var model = f.Features().Append(f.Context.Transforms.CopyColumns("Copy", "Features")).Fit(f.Data))
        {
            f.Context.Model.Save(model, f.Data.Schema, path);
        }

        using (var zip = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            var entry = zip.Entries.Single(e =>
                e.FullName.Replace('\\', '/').EndsWith("Transform_000/Model.key", StringComparison.Ordinal)
            );
            var bytes = new byte[entry.Length];
            using (var stream = entry.Open())
            {
                stream.ReadExactly(bytes);
            }

            var place = entry.FullName;
            entry.Delete();
            bytes[1] ^= 0xff;
            if (how != "removed")
            {
                using var written = zip.CreateEntry(place).Open();
                written.Write(how == "emptied" ? [] : bytes);
            }
        }

        Assert.Contains(path, Assert.Throws<Exception>(() => new MLContext().Model.LoadAdapted(path, out _)).Message);
    }

    private static void ChangeBytes(ZipArchive zip, string end, byte[] before, byte[] after)
    {
        var changed = 0;
        foreach (var entry in zip.Entries.Where(e => e.FullName.EndsWith(end, StringComparison.Ordinal)).ToList())
        {
            var bytes = new byte[entry.Length];
            using (var stream = entry.Open())
            {
                stream.ReadExactly(bytes);
            }

            if (bytes.AsSpan().IndexOf(before) is var at and >= 0)
            {
                after.CopyTo(bytes, at);
                var place = entry.FullName;
                entry.Delete();
                using var written = zip.CreateEntry(place).Open();
                written.Write(bytes);
                changed++;
            }
        }

        Assert.IsGreaterThan(0, changed);
    }

    [TestMethod]
    [DataRow("../../evil.json", "outside the folder")]
    [DataRow("evil.json:evil.txt", "outside the folder")]
    [DataRow("NUL.json", "no name of a file on Windows")]
    [DataRow("evil\\u001b[2J.json", "control character")]
    [DataRow("evil.so", "each once, are expected")]
    public void AnEmbeddedFileOutsideItsPlaceOrOfAnotherKind_IsRefused(string name, string expected)
    {
        using var f = new StageFixture(4, ownModel: true);
        var path = SaveFeatures(f, embed: true);
        ChangeJson(path, json => json.Replace("\"config.json\"", $"\"{name}\"", StringComparison.Ordinal));

        var home = Path.Combine(f.Root, "home");
        WithHome(
            home,
            () =>
                Assert.Contains(
                    expected,
                    Assert.ThrowsExactly<FormatException>(() => new MLContext().Model.LoadAdapted(path, out _)).Message
                )
        );
        Assert.IsEmpty(Directory.GetFiles(f.Root, "evil*", SearchOption.AllDirectories));
    }

    private static void ChangeJson(string path, Func<string, string> change)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Update);
        var entry = zip.Entries.Single(e => e.FullName.EndsWith("stage.json", StringComparison.Ordinal));
        string json;
        using (var reader = new StreamReader(entry.Open()))
        {
            json = reader.ReadToEnd();
        }
        Assert.AreNotEqual(json, change(json));
        var place = entry.FullName;
        entry.Delete();
        using var writer = new StreamWriter(zip.CreateEntry(place).Open(), new UTF8Encoding(false));
        writer.Write(change(json));
    }

    private static void Refused(Action<ZipArchive> change, string expected, bool chain = false)
    {
        using var f = new StageFixture(4);
        var path = chain ? Path.Combine(f.Root, "chain.zip") : SaveFeatures(f, embed: false);
        if (chain)
        {
            f.Context.Model.Save(
                f.Features().Append(f.Context.Transforms.CopyColumns("Copy", "Features")).Fit(f.Data),
                f.Data.Schema,
                path
            );
        }

        using (var zip = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            change(zip);
        }

        Assert.Contains(expected, Assert.ThrowsExactly<FormatException>(() => new MLContext().Model.LoadAdapted(path, out _)).Message);
    }

    private static string SaveFeatures(StageFixture f, bool embed)
    {
        var path = Path.Combine(f.Root, "features.zip");
        var model = f
            .Context.Transforms.ClipFeature(
                "Features",
                "ImagePath",
                new ClipFeatureOptions { ClipFolder = f.ClipFolder, EmbedBackbone = embed }
            )
            .Fit(f.Data);
        f.Context.Model.Save(model, f.Data.Schema, path);
        model.Dispose();
        return path;
    }

    private static void Dispose(ITransformer model) => (model as IDisposable)?.Dispose();

    private static void WithHome(string home, Action action)
    {
        var old = Environment.GetEnvironmentVariable("AIRMLNET_HOME");
        Environment.SetEnvironmentVariable("AIRMLNET_HOME", home);
        try
        {
            action();
        }
        finally
        {
            Environment.SetEnvironmentVariable("AIRMLNET_HOME", old);
        }
    }

    private static void ChangeConfiguration(StageFixture f, string? tower, string key, string value)
    {
        var file = Path.Combine(f.ClipFolder, "config.json");
        var root = JsonNode.Parse(File.ReadAllText(file))!;
        (tower is null ? root : root[tower]!)[key] = JsonNode.Parse(value);
        File.WriteAllText(file, root.ToJsonString());
    }
}
