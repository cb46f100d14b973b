using AirMLNet.Captions;
using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Captions;

[TestClass]
public sealed class NounFilterTests
{
    private readonly TemporaryFolder _folder = new();

    [TestCleanup]
    public void Delete() => _folder.Dispose();

    [TestMethod]
    public void AHundredCaptionsLabelledByHand_AreFoundAlmostAll()
    {
        var table = NounTable.Of(NounSet.Coco2014);
        var (right, found, wanted) = (0, 0, 0);
        List<string> wrong = [];
        foreach (var line in File.ReadAllLines(TestData.Path("captions/coco-100.txt")))
        {
            var parts = line.Split('|');
            string[] truth = [.. parts[1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
            Assert.IsTrue(truth.All(name => table.ClassNames.Contains(name)), line);
            var labels = table.Labels(parts[0]);
            string[] got = [.. table.ClassNames.Where((_, c) => labels[c] == 1)];
            right += got.Intersect(truth).Count();
            found += got.Length;
            wanted += truth.Length;
            if (!got.ToHashSet().SetEquals(truth))
            {
                wrong.Add($"{parts[0]}: {string.Join(", ", got)}");
            }
        }
        Assert.IsGreaterThan(0.97, (double)right / found, "precision: " + string.Join('\n', wrong));
        Assert.IsGreaterThan(0.97, (double)right / wanted, "recall: " + string.Join('\n', wrong));
    }

    [TestMethod]
    [DataRow(NounSet.Voc2007, 20, "aeroplane", "tvmonitor")]
    [DataRow(NounSet.Coco2014, 80, "person", "toothbrush")]
    [DataRow(NounSet.NusWide, 81, "airport", "zebra")]
    public void EachTable_HasItsClassesInTheirOrder_AndKnowsEveryNameOfItsOwn(NounSet set, int classes, string first, string last)
    {
        var table = NounTable.Of(set);
        Assert.HasCount(classes, table.ClassNames);
        Assert.AreEqual((first, last), (table.ClassNames[0], table.ClassNames[^1]));
        for (var c = 0; c < classes; c++)
        {
            Assert.AreEqual(1, table.Labels($"a photo of a {table.ClassNames[c]}.")[c], table.ClassNames[c]);
        }
    }

    [TestMethod]
    [DataRow("Two hot-dogs and a bus.", "bus hot dog")]
    [DataRow("A hotdog and a dog", "dog hot dog")]
    [DataRow("WOMEN with armchairs", "person chair")]
    [DataRow("the glass dress", "")]
    public void LongerPhrasesComeFirst_AndAreTakenAway(string caption, string expected)
    {
        var table = NounTable.Of(NounSet.Coco2014);
        var labels = table.Labels(caption);
        CollectionAssert.AreEquivalent(
            expected.Length == 0
                ? []
                : table
                    .ClassNames.Where(n => expected.Contains(n, StringComparison.Ordinal) && !(n == "dog" && expected == "bus hot dog"))
                    .ToArray(),
            table.ClassNames.Where((_, c) => labels[c] == 1).ToArray()
        );
    }

    [TestMethod]
    [DataRow("buses", "bus")]
    [DataRow("glasses", "glass")]
    [DataRow("knives", "knife")]
    [DataRow("puppies", "puppy")]
    [DataRow("benches", "bench")]
    [DataRow("boxes", "box")]
    [DataRow("potatoes", "potato")]
    [DataRow("canoes", "canoe")]
    [DataRow("horses", "horse")]
    [DataRow("firemen", "fireman")]
    [DataRow("tennis", "tennis")]
    [DataRow("skis", "ski")]
    public void APlural_BecomesItsSingular(string plural, string singular) => Assert.AreEqual(singular, NounLemma.Of(plural));

    /// <summary>They were read as a line of a table's file: a class was missing, or another word meant it.</summary>
    [TestMethod]
    public void ClassNamesWithMarksOfATable_AreWholeNames_AlsoInASavedModel()
    {
        var ml = new MLContext(seed: 1);
        var data = ml.Data.LoadFromEnumerable(
            new[] { "a #1 fan", "Dr. Who: the show", "a small lamp", "a small bird, small and bird", "cafe\u0301" }.Select(c => new Row
            {
                Caption = c,
            })
        );
        var options = new NounFilterOptions { ClassNames = ["#1 fan", "Dr. Who: the show", "bird, small", "café"], DropUnlabelled = false };
        var fitted = ml.Transforms.NounFilter("Labels", "Caption", options).Fit(data);
        using var zip = new MemoryStream();
        ml.Model.Save(fitted, data.Schema, zip);
        zip.Position = 0;
        foreach (var model in new[] { fitted, ml.Model.Load(zip, out _) })
        {
            Assert.AreEqual(
                "1000 0100 0000 0010 0001",
                string.Join(' ', model.Transform(data).GetColumn<float[]>("Labels").Select(l => string.Concat(l)))
            );
        }
        Assert.Contains(
            "'🐱' has no letter or digit",
            Assert.ThrowsExactly<ArgumentException>(() => new NounFilterOptions { ClassNames = ["🐱", "dog"] }.Table()).Message
        );
    }

    [TestMethod]
    public void RowsAreKept_AFewOfEachClass_TheRarestLabelCounts()
    {
        var ml = new MLContext(seed: 1);
        var data = ml.Data.LoadFromEnumerable(
            new[] { "a cat", "a cat", "nothing", "a cat and a dog", "a cat", "a dog" }.Select(c => new Row { Caption = c })
        );
        var options = new NounFilterOptions { ClassNames = ["cat", "dog"] };
        Assert.AreEqual("a cat|a cat|a cat and a dog|a cat|a dog", Kept(options));
        Assert.AreEqual("a cat|a cat and a dog", Kept(options with { MaxPerClass = 1 }));
        Assert.AreEqual("a cat|nothing|a cat and a dog", Kept(options with { MaxPerClass = 1, DropUnlabelled = false }));
        var e = Assert.ThrowsExactly<ArgumentException>(() => Kept(options with { Nouns = NounSet.Voc2007 }));
        Assert.Contains("2 of Nouns, NounFile and ClassNames", e.Message);

        string Kept(NounFilterOptions o) =>
            string.Join(
                '|',
                StageFixture.Column<ReadOnlyMemory<char>>(
                    ml.Transforms.NounFilter("Labels", "Caption", o).Fit(data).Transform(data),
                    "Caption"
                )
            );
    }

    [TestMethod]
    public void ADamagedTable_NamesItsLine()
    {
        var file = _folder["nouns.txt"];
        File.WriteAllText(file, "# mine\ncat: cat, kitty\ndog\n");
        Assert.Contains("line 3 is 'dog'", Assert.ThrowsExactly<InvalidDataException>(() => NounTable.Load(file)).Message);
        File.WriteAllText(file, "cat: cat\nCat: kitty\n");
        Assert.Contains(
            "line 2 has the class 'Cat' a second time",
            Assert.ThrowsExactly<InvalidDataException>(() => NounTable.Load(file)).Message
        );
        Assert.ThrowsExactly<FileNotFoundException>(() => NounTable.Load(_folder["none.txt"]));
    }

    private sealed class Row
    {
        public string Caption { get; set; } = "";
    }
}
