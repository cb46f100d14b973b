using AirMLNet.Clip;

namespace AirMLNet.Tests.Clip;

[TestClass]
public sealed class ClassPromptTests
{
    [TestMethod]
    [DataRow("thorn_apple", "Flowers:", "Flowers: thorn apple")]
    [DataRow("thorn apple", "Flowers: ", "Flowers: thorn apple")]
    [DataRow(" a_b_ ", "", "a b")]
    public void AClassIsSpokenOfInOneWay(string name, string description, string expected) =>
        Assert.AreEqual(expected, ClassPrompt.Of(name, description));

    [TestMethod]
    public void TemplatesSayTheNameTheSameWay()
    {
        Assert.AreEqual("a photo of a thorn apple.", ClassPrompt.Fill("a photo of a {}.", "thorn_apple"));
        Assert.AreEqual("a photo of a {}cat", ClassPrompt.Fill("a photo of a {{}}{}", "cat"));
    }
}
