using AirMLNet.Experiments;

namespace AirMLNet.Tests.Experiments;

[TestClass]
public sealed class ExperimentChangesTests
{
    private const string Text = """{"seeds":[1,2],"dataSets":[{"name":"a"}],"synthesis":{"shots":3}}""";

    [TestMethod]
    [DataRow("seeds=[7]", """{"seeds":[7],"dataSets":[{"name":"a"}],"synthesis":{"shots":3}}""")]
    [DataRow("dataSets.0.mostTest=5", """{"seeds":[1,2],"dataSets":[{"name":"a","mostTest":5}],"synthesis":{"shots":3}}""")]
    [DataRow("seeds.1=9", """{"seeds":[1,9],"dataSets":[{"name":"a"}],"synthesis":{"shots":3}}""")]
    [DataRow("synthesis.training.steps=4", """{"seeds":[1,2],"dataSets":[{"name":"a"}],"synthesis":{"shots":3,"training":{"steps":4}}}""")]
    [DataRow("output=/a b=c", """{"seeds":[1,2],"dataSets":[{"name":"a"}],"synthesis":{"shots":3},"output":"/a b=c"}""")]
    public void ASettingReplacesAMember(string setting, string expected) =>
        Assert.AreEqual(expected, new ExperimentChanges { Settings = [setting] }.Apply(Text));

    [TestMethod]
    [DataRow("seeds", "--set is 'seeds'; expected MEMBER=VALUE")]
    [DataRow("seeds.2=1", "'2' is no place in the list; expected 0..1")]
    [DataRow("synthesis.shots.deep=1", "'deep' is within a value that has no members")]
    public void WhatIsNoMember_IsRefused(string setting, string expected) =>
        Assert.Contains(
            expected,
            Assert.ThrowsExactly<FormatException>(() => new ExperimentChanges { Settings = [setting] }.Apply(Text)).Message
        );
}
