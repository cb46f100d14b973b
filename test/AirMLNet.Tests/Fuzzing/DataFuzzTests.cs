using AirMLNet.Captions;
using AirMLNet.Data;
using AirMLNet.Embedding;
using AirMLNet.Testing;
using AirMLNet.Weights;
using Microsoft.ML;

namespace AirMLNet.Tests.Fuzzing;

/// <summary>Damaged class lists, captions and saved models are read or refused with the documented exceptions.</summary>
[TestClass]
[DoNotParallelize] // models are loaded again and again
public sealed class DataFuzzTests
{
    private readonly TemporaryFolder _folder = new();

    public TestContext TestContext { get; set; } = null!;

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void ClassLists_are_read_or_refused()
    {
        var mutator = new StructuredMutator(11);
        var seed = "cat\ndog\ncaf\u00e9 noir\nthorn apple\n"u8.ToArray();
        Report(FuzzRun.Run("class lists", () => mutator.Lines(seed), bytes => Read(bytes, "classes.txt", f => ClassNames.Load(f))));
    }

    [TestMethod]
    public void Captions_are_read_or_refused()
    {
        var mutator = new StructuredMutator(12);
        var line = """{"image": "cats/1.png", "text": "a cat on a mat", "group": "cats"}"""u8.ToArray();
        Report(
            FuzzRun.Run(
                "captions",
                () => mutator.Once(2) ? mutator.Lines([.. line, (byte)'\n', .. line]) : mutator.Json(line),
                bytes => Read(bytes, "captions.jsonl", f => FileCaptions.FromJsonLines(f))
            )
        );
    }

    [TestMethod]
    public void CsvLists_are_read_or_refused()
    {
        var mutator = new StructuredMutator(13);
        File.WriteAllText(_folder["a.png"], "");
        var seed = "path,label,split\na.png,cat,train\na.png,\"dog, big\",test\n"u8.ToArray();
        Report(FuzzRun.Run("csv lists", () => mutator.Lines(seed), bytes => Read(bytes, "list.csv", f => GenericDataSets.FromCsv(f))));
    }

    [TestMethod]
    public void Features_are_read_or_refused()
    {
        var table = new FeatureRows(
            2,
            ["a.png", "b.png"],
            new Dictionary<string, string> { ["dimension"] = "2" },
            [new(["a.png", "b.png"], [1, 2, 3, 4])]
        );
        FeatureTable.Format("seed.safetensors").Write(_folder["seed.safetensors"], table);
        var seed = File.ReadAllBytes(_folder["seed.safetensors"]);
        var mutator = new StructuredMutator(16);
        Report(
            FuzzRun.Run(
                "features",
                () => mutator.Safetensors(seed),
                bytes =>
                    Read(
                        bytes,
                        "f.shard-00001-of-00001.safetensors",
                        f => FeatureMerge.Join(_folder["joined.npy"], FeatureMerge.Agreed([f]), [f])
                    )
            )
        );
    }

    [TestMethod]
    public void SavedModels_are_read_or_refused()
    {
        using var f = new StageFixture();
        var path = Path.Combine(f.Root, "model.zip");
        f.Context.Model.Save(f.Chain().Fit(f.Data), f.Data.Schema, path);
        var seed = File.ReadAllBytes(path);
        var mutator = new StructuredMutator(14);
        Report(
            FuzzRun.Run(
                "saved models",
                () => mutator.Zip(seed),
                bytes =>
                    Read(
                        bytes,
                        "model.zip",
                        file => (new MLContext().Model.LoadAdapted(file, out _) as IDisposable)?.Dispose(),
                        DamagedModel
                    )
            )
        );
    }

    private static readonly Type[] DamagedModel =
    [
        typeof(FormatException),
        typeof(FileNotFoundException),
        typeof(InvalidOperationException),
    ];

    private static readonly Type[] DamagedData = [typeof(InvalidDataException), typeof(SafetensorsException)];

    private bool Read(byte[] bytes, string name, Action<string> read, Type[]? refused = null)
    {
        File.WriteAllBytes(_folder[name], bytes);
        try
        {
            read(_folder[name]);
            return true;
        }
        catch (Exception e) when ((refused ?? DamagedData).Contains(e.GetType()))
        {
            return e.Message.Length == 0 ? throw new ArithmeticException("an error without a message", e) : false;
        }
    }

    private void Report(string line)
    {
        TestContext.WriteLine(line);
        Assert.Contains(" read, ", line);
    }
}
