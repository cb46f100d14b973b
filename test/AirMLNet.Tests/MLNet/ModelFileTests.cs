using System.IO.Compression;
using System.Reflection;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.MLNet;

/// <summary>Model.Save and Model.Load around a stage: what is in the zip, and how a loader's own error arrives.</summary>
[TestClass]
public sealed class ModelFileTests
{
    [TestMethod]
    public void The_names_of_the_input_s_keys_come_back_with_its_schema()
    {
        var ml = new MLContext(1);
        var rows = ml.Data.LoadFromEnumerable(StageFixture.Names.Select(name => new NamedRow { Name = name }));
        var keyed = ml.Transforms.Conversion.MapValueToKey("Key", "Name").Fit(rows).Transform(rows);
        using var saved = new MemoryStream();
        ml.Model.Save(ml.Transforms.CopyColumns("Copy", "Key").Fit(keyed), keyed.Schema, saved);

        new MLContext().Model.Load(saved, out var schema);

        VBuffer<ReadOnlyMemory<char>> names = default;
        schema["Key"].GetKeyValues(ref names);
        CollectionAssert.AreEqual(StageFixture.Names, names.DenseValues().Select(n => n.ToString()).ToArray());
    }

    [TestMethod]
    public void Each_stage_of_a_chain_has_a_folder_of_the_zip_with_what_it_saved()
    {
        using var f = new StageFixture(6);
        using var archive = ZipFile.OpenRead(Saved(f));
        string[] entries = [.. archive.Entries.Select(entry => entry.FullName.Replace('\\', '/'))];

        CollectionAssert.IsSubsetOf(
            new[]
            {
                "TransformerChain/Transform_000/stage.json",
                "TransformerChain/Transform_001/stage.json",
                "TransformerChain/Transform_001/state.safetensors",
            },
            entries
        );
    }

    [TestMethod]
    public void What_a_stage_says_while_it_is_loaded_comes_wrapped_by_reflection()
    {
        using var f = new StageFixture(6, ownModel: true);
        var path = Saved(f);
        Directory.Delete(f.ClipFolder, recursive: true);

        var e = Assert.Throws<Exception>(() => new MLContext().Model.Load(path, out _));

        // AirModelCatalog.LoadAdapted looks below these two for the stage's own error.
        Assert.IsTrue(
            e is TargetInvocationException || e is InvalidOperationException { InnerException: TargetInvocationException },
            e.ToString()
        );
        Assert.IsInstanceOfType<FileNotFoundException>(e.GetBaseException());
    }

    private static string Saved(StageFixture f)
    {
        var path = Path.Combine(f.Root, "model.zip");
        using var model = f.Features().Append(f.Context.Transforms.PseudoLabel("PseudoLabel", "Features", f.PseudoLabels())).Fit(f.Data);
        f.Context.Model.Save(model, f.Data.Schema, path);
        return path;
    }

    private sealed class NamedRow
    {
        public string Name { get; set; } = "";
    }
}
