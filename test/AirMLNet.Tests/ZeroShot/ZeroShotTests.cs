using AirMLNet.Clip;
using AirMLNet.Testing;
using AirMLNet.ZeroShot;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace AirMLNet.Tests.ZeroShot;

[TestClass]
public sealed class ZeroShotTests
{
    [TestMethod]
    public void One_line_classifies_images_as_the_formula_says()
    {
        using var f = new StageFixture(6);

        var scored = f
            .Context.Transforms.ZeroShot("ImagePath", f.ClipFolder, StageFixture.Names, PromptTemplates.Ensemble)
            .Fit(f.Data)
            .Transform(f.Data);

        var backbone = ClipBackbone.Acquire(f.ClipFolder);
        var classes = ZeroShotClassifier.ClassVectors(backbone, StageFixture.Names, PromptTemplates.Ensemble);
        float[][] features = StageFixture.Vectors(scored, "Features"),
            scores = StageFixture.Vectors(scored, "Score");
        var predicted = StageFixture.Column<uint>(scored, "PredictedLabel");
        for (var i = 0; i < features.Length; i++)
        {
            double[] logits =
            [
                .. Enumerable
                    .Range(0, 3)
                    .Select(c =>
                        backbone.LogitScale * features[i].Zip(classes.Skip(c * features[i].Length), (a, b) => (double)a * b).Sum()
                    ),
            ];
            var sum = logits.Sum(l => Math.Exp(l - logits.Max()));
            for (var c = 0; c < 3; c++)
            {
                Assert.AreEqual(Math.Exp(logits[c] - logits.Max()) / sum, scores[i][c], 1e-4);
            }

            Assert.AreEqual((uint)Array.IndexOf(logits, logits.Max()) + 1, predicted[i]);
        }
        backbone.Release();
    }

    /// <summary>They got the first class; ML.NET's own trainers leave the label out.</summary>
    [TestMethod]
    public void Features_with_NaN_have_no_label()
    {
        using var f = new StageFixture(4);
        using var features = f.Features().Fit(f.Data);
        var dimension = features.FeatureDimension;
        var schema = SchemaDefinition.Create(typeof(FeatureRow));
        schema["Features"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, dimension);
        float[] right = StageFixture.Vectors(features.Transform(f.Data), "Features")[0],
            missing = [.. Enumerable.Repeat(float.NaN, dimension)];
        var rows = f.Context.Data.LoadFromEnumerable([new FeatureRow { Features = missing }, new FeatureRow { Features = right }], schema);
        var scored = f
            .Context.MulticlassClassification.Trainers.ZeroShot(new() { ClipFolder = f.ClipFolder, ClassNames = StageFixture.Names })
            .Fit(rows)
            .Transform(rows);

        var labels = StageFixture.Column<uint>(scored, "PredictedLabel");
        Assert.AreEqual(0u, labels[0]);
        Assert.AreNotEqual(0u, labels[1]);
        Assert.IsTrue(StageFixture.Vectors(scored, "Score")[0].All(float.IsNaN));
    }

    [TestMethod]
    public void Two_columns_of_one_name_are_refused()
    {
        using var f = new StageFixture(4);
        var features = f.Features().Fit(f.Data).Transform(f.Data);
        var trainer = f.Context.MulticlassClassification.Trainers.ZeroShot(
            new()
            {
                ClipFolder = f.ClipFolder,
                ClassNames = StageFixture.Names,
                ScoreColumn = "Class",
                PredictedLabelColumn = "Class",
            }
        );
        var e = Assert.ThrowsExactly<ArgumentException>(() => trainer.Fit(features));
        Assert.AreEqual("ZeroShot: two of the columns that it adds are named 'Class'.", e.Message);
    }

    [TestMethod]
    public void Templates_change_the_scores()
    {
        using var f = new StageFixture(4);
        var features = f.Features().Fit(f.Data).Transform(f.Data);
        float[] Score(IReadOnlyList<string> templates) =>
            StageFixture.Vectors(
                f.Context.MulticlassClassification.Trainers.ZeroShot(
                        new()
                        {
                            ClipFolder = f.ClipFolder,
                            ClassNames = StageFixture.Names,
                            Templates = templates,
                        }
                    )
                    .Fit(features)
                    .Transform(features),
                "Score"
            )[0];

        CollectionAssert.AreNotEqual(Score(PromptTemplates.Single), Score(PromptTemplates.For("DTD")));
        CollectionAssert.AreNotEqual(Score(PromptTemplates.Single), Score(PromptTemplates.Ensemble));
    }

    [TestMethod]
    [DataRow("OxfordPets", nameof(TemplateSource.CoOp), "a photo of a {}, a type of pet.")]
    [DataRow("oxford_pets", nameof(TemplateSource.LatteClip), "a photo of a {}.")]
    [DataRow("DTD", nameof(TemplateSource.Grip), "a photo of a {}")]
    [DataRow("EuroSAT", nameof(TemplateSource.CoOp), "a centered satellite photo of {}.")]
    [DataRow("RESISC45", nameof(TemplateSource.CoOp), "a photo of a {}")] // CoOp has none
    [DataRow("Food-101", nameof(TemplateSource.Grip), "a photo of {}, a type of food.")] // GRIP has none
    [DataRow("UCF101", nameof(TemplateSource.LatteClip), "a photo of a person doing {}")]
    public void Data_sets_have_the_templates_of_the_literature(string dataSet, string source, string expected) =>
        CollectionAssert.AreEqual(new[] { expected }, PromptTemplates.For(dataSet, Enum.Parse<TemplateSource>(source)).ToArray());

    [TestMethod]
    public void An_unknown_data_set_is_named_with_those_there_are()
    {
        var message = Assert.ThrowsExactly<ArgumentException>(() => PromptTemplates.For("MNIST")).Message;
        Assert.Contains("MNIST", message);
        Assert.Contains("OxfordPets, Flowers102", message);
    }

    [TestMethod]
    public void Options_check_themselves()
    {
        Assert.Contains(
            "Templates[0] = 'a photo'",
            Assert
                .Throws<ArgumentException>(() =>
                    new ZeroShotOptions
                    {
                        ClipFolder = "m",
                        ClassNames = ["a", "b"],
                        Templates = ["a photo"],
                    }
                )
                .Message
        );
        Assert.Contains(
            "ClassNames has 1",
            Assert.Throws<ArgumentException>(() => new ZeroShotOptions { ClipFolder = "m", ClassNames = ["a"] }).Message
        );
    }

    [TestMethod]
    public void DoubledBraces_AreBracesInTheText()
    {
        Assert.AreEqual("a photo of a {}cat", ClassPrompt.Fill("a photo of a {{}}{}", "cat"));
        Assert.AreEqual("a cat and a cat", ClassPrompt.Fill("a {} and a {}", "cat"));
    }

    private sealed class FeatureRow
    {
        public float[] Features { get; set; } = [];
    }
}
