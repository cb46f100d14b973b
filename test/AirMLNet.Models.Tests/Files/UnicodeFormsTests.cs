using AirMLNet.Files;

namespace AirMLNet.Tests.Files;

[TestClass]
public sealed class UnicodeFormsTests
{
    [TestMethod]
    [DataRow("cafe\u0301", "caf\u00e9")]
    [DataRow("A\u030a", "\u00c5")]
    [DataRow("\u212b", "\u00c5")] // the unit Ångström
    [DataRow("s\u0323\u0307", "\u1e69")]
    [DataRow("s\u0307\u0323", "\u1e69")] // marks in the other order
    [DataRow("\u1e0b\u0323", "\u1e0d\u0307")]
    [DataRow("\u1112\u1161\u11ab", "\ud55c")] // Hangul
    [DataRow("\u0958", "\u0915\u093c")] // excluded from composition
    [DataRow("\ud834\udd5e", "\ud834\udd57\ud834\udd65")] // beyond the first plane
    [DataRow("a\u0315\u0300\u05ae\u0062", "\u00e0\u05ae\u0315b")]
    [DataRow("\u0344", "\u0308\u0301")]
    [DataRow("\ufb01", "\ufb01")] // a ligature is no canonical form
    [DataRow("\ud800x", "\ud800x")] // half a pair
    public void TextsBecomeWhatUnicodeSays(string text, string composed)
    {
        Assert.AreEqual(composed, UnicodeForms.Compose(text));
        Assert.AreEqual(composed, UnicodeForms.Compose(composed));
    }

    [TestMethod]
    public void WhatIsComposedStaysTheSameObject()
    {
        foreach (var text in new[] { "", "plain", "caf\u00e9 \u4e2d\u6587" })
        {
            Assert.AreSame(text, UnicodeForms.Compose(text));
        }
    }
}
