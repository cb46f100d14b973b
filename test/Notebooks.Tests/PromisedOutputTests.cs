namespace Notebooks.Tests;

[TestClass]
public sealed class PromisedOutputTests
{
    private const string Table = "<table><tr><th>cat</th><td>80.0 %</td></tr></table>";

    [TestMethod]
    [DataRow("<table><tr><th>cat</th><td>84.5 %</td></tr></table>", true)]
    [DataRow("<table class=\"x\"><tr><th>cat</th><td>80 %</td></tr></table>", true)]
    [DataRow("<table><tr><th>dog</th><td>80.0 %</td></tr></table>", false)]
    [DataRow("<table><tr><th>cat</th><td>70.0 %</td></tr></table>", false)]
    [DataRow("<table><tr><th>cat</th></tr></table>", false)]
    [DataRow("<img src=\"data:x\" alt=\"a\"/><table><tr><th>cat</th><td>80.0 %</td></tr></table>", false)]
    public void WordsAndPicturesCount_AndNumbersOnlyRoughly(string shown, bool same) =>
        Assert.AreEqual(same, PromisedOutput.Difference([Html(Table)], [Html(shown)]) is null);

    [TestMethod]
    public void AMissingOutput_IsADifference()
    {
        Assert.IsNotNull(PromisedOutput.Difference([Html(Table)], []));
        Assert.IsNotNull(PromisedOutput.Difference([Html("cat 0.80")], [new("stream", "text/plain", "cat 0.80")]));
        Assert.IsNull(PromisedOutput.Difference([Html("cat 0.80")], [Html("cat 0.85")]));
        Assert.IsNotNull(PromisedOutput.Difference([Html("cat 0.80")], [Html("cat 0.10")]));
    }

    private static CellOutput Html(string text) => new("execute_result", "text/html", text);
}
