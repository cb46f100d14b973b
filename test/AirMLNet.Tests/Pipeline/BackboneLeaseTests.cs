using AirMLNet.Clip;
using AirMLNet.Pipeline;
using AirMLNet.Testing;
using static TorchSharp.torch;

namespace AirMLNet.Tests.Pipeline;

[TestClass]
public sealed class BackboneLeaseTests
{
    [TestMethod]
    public void ALease_GivesTheModelBackOnce_AndKeepHandsTheDutyOver()
    {
        using var f = new StageFixture(3, ownModel: true);
        ClipBackbone model;
        BackboneLease kept;
        using (var lease = BackboneLease.Take(f.ClipFolder, CPU, new()))
        {
            model = lease.Backbone;
            kept = lease.Keep();
            Assert.IsTrue(lease.IsReleased);
            Assert.ThrowsExactly<ObjectDisposedException>(() => lease.Keep());
        }

        using (var other = BackboneLease.Take(f.ClipFolder, CPU, new()))
        {
            Assert.AreSame(model, other.Backbone, "the kept lease holds the model");
        }

        Assert.IsFalse(kept.IsReleased);
        kept.Dispose();
        kept.Dispose(); // the second time does nothing: the model would complain of more releases than holds
        using var anew = BackboneLease.Take(f.ClipFolder, CPU, new());
        Assert.AreNotSame(model, anew.Backbone, "the last holder has freed the model");
    }
}
