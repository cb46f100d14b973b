using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Tests;

[TestClass]
public sealed class TabSeparatedTests
{
    [TestMethod]
    [DataRow("plain name.png", "plain name.png")]
    [DataRow("a\tb", "\"a\tb\"")]
    [DataRow("a\nb", "\"a\nb\"")]
    [DataRow("say \"x\"", "\"say \"\"x\"\"\"")]
    public void AFieldStaysOneField(string text, string field) => Assert.AreEqual(field, TabSeparated.Field(text));
}
