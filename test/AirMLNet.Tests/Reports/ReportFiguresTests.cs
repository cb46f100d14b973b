using AirMLNet.Reports;

namespace AirMLNet.Tests.Reports;

[TestClass]
public sealed class ReportFiguresTests
{
    [TestMethod]
    public void Shares_count_only_the_rows_that_can_be_asked()
    {
        var figures = new ReportFigures([Row(0, 0.9f, text: 0), Row(0, 0.2f, text: 0), Row(1, 0.3f), Row(-1, 0.8f, text: 1)], 2);

        Assert.AreEqual(new Share(2, 3), figures.Accuracy);
        Assert.AreEqual(new Share(2, 2), figures.TextAccuracy);
        Assert.AreEqual(new Share(1, 3), figures.TextAgrees);
        Assert.AreEqual(new Share(0, 0), figures.ImageAgrees);
        Assert.IsNull(figures.ImageAgrees.Value);
        Assert.AreEqual(new Share(3, 4), figures.Covered(0.75));
        Assert.AreEqual(1, figures.Confusion[0, 1]);
        Assert.AreEqual(new Share(1, 2), figures.Recall(0));
        Assert.AreEqual(new Share(1, 2), figures.Precision(1));
    }

    [TestMethod]
    public void Bins_hold_every_row_once_also_the_surest()
    {
        var bins = new ReportFigures([Row(0, 1f), Row(1, 0.65f), Row(-1, 0.61f)], 2).ConfidenceBins();

        Assert.AreEqual((1, 0, 0), bins[9]);
        Assert.AreEqual((0, 1, 1), bins[6]);
        Assert.AreEqual(3, bins.Sum(b => b.Right + b.Wrong + b.Unknown));
    }

    [TestMethod]
    public void A_photo_is_likely_mislabelled_from_the_mean_of_the_other_class_on()
    {
        // Mean of p(1) over folder 1: (0.9 + 0.7) / 2 = 0.8.
        var figures = new ReportFigures(
            [
                Row(1, 0.1f, "a"),
                Row(1, 0.3f, "b"),
                Row(0, 0.15f, "sure"),
                Row(0, 0.25f, "unsure"),
                Row(0, 0.9f, "right"),
                Row(0, 0.05f, "surest"),
            ],
            2
        );

        CollectionAssert.AreEqual(new[] { "surest", "sure" }, figures.Mislabelled.Select(m => m.Row.Name).ToArray());
        Assert.AreEqual(0.9, figures.Mislabelled[0].Margin, 1e-6);
    }

    [TestMethod]
    public void Pseudo_labels_of_a_class_have_count_confidence_and_purity()
    {
        var labels = new ReportFigures(
            [
                Row(0, 0.9f) with
                {
                    PseudoLabel = 0,
                },
                Row(1, 0.7f) with
                {
                    PseudoLabel = 0,
                },
                Row(-1, 0.5f) with
                {
                    PseudoLabel = 0,
                },
                Row(1, 0.1f),
            ],
            2
        ).PseudoLabels();

        Assert.AreEqual(3, labels[0].Count);
        Assert.AreEqual(0.7, labels[0].Confidence, 1e-6);
        Assert.AreEqual(new Share(1, 2), labels[0].Purity);
        Assert.AreEqual(0, labels[1].Count);
    }

    private static ReportRow Row(int label, float first, string name = "", int text = -1) =>
        new(name, name, label, [first, 1 - first], first >= 0.5f ? 0 : 1) { Text = text };
}
