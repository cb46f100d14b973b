using AirMLNet.Testing;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.Catalog;

[TestClass]
public sealed class ClassScoreExtensionsTests
{
    [TestMethod]
    public void A_row_an_engine_and_read_scores_give_the_same_names_best_first()
    {
        using var folder = new TemporaryFolder();
        var ml = new MLContext(seed: 1);
        var photos = ml.Data.LoadFromImageFolder(TinyData.Images(folder["photos"], perClass: 1));
        var model = ml.Transforms.ZeroShot("ImagePath", TinyClip.Create(folder["clip"]), TinyData.ClassNames).Fit(photos);
        var scored = model.Transform(photos);
        using var cursor = scored.GetRowCursor(scored.Schema);
        Assert.IsTrue(cursor.MoveNext());

        var ofRow = cursor.ClassScores();

        CollectionAssert.AreEquivalent(TinyData.ClassNames, ofRow.Select(s => s.Name).ToArray());
        CollectionAssert.AreEqual(ofRow.Select(s => s.Score).OrderDescending().ToArray(), ofRow.Select(s => s.Score).ToArray());
        var engine = ml.Model.CreatePredictionEngine<Photo, Said>(model);
        var ofEngine = engine.ClassScores(
            new Photo { ImagePath = Directory.GetFiles(folder["photos"]).Order(StringComparer.Ordinal).First() }
        );
        CollectionAssert.AreEqual(ofRow.Select(s => s.Name).ToArray(), ofEngine.Select(s => s.Name).ToArray());
        Assert.AreEqual(ofRow[0].Score, ofEngine[0].Score, 1e-5);
        Assert.AreEqual("green", scored.Schema.ClassScores([0.1f, 0.7f, 0.2f])[0].Name);
        Assert.Contains("3 classes", Assert.ThrowsExactly<InvalidDataException>(() => scored.Schema.ClassScores([1f])).Message);
        Assert.Contains("'Points'", Assert.ThrowsExactly<InvalidDataException>(() => cursor.ClassScores("Points")).Message);
    }

    private sealed class Photo
    {
        public string ImagePath { get; set; } = "";
    }

    private sealed class Said
    {
        [ColumnName("Score")]
        public float[] Points { get; set; } = [];
    }
}
