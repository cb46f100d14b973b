using AirMLNet.Files;

namespace AirMLNet.Tests.Files;

/// <summary>What servers and files of strangers say, in a line of our own.</summary>
[TestClass]
public sealed class StrangersTextTests
{
    [TestMethod]
    [DataRow("not found", "not found")]
    [DataRow(" one\ntwo\t", "one two")]
    [DataRow("\u001b[2J\u0007gone\u009b", "[2J gone")]
    public void NothingSteersATerminal(string text, string expected) => Assert.AreEqual(expected, StrangersText.Line(text));
}
