using System.Runtime.CompilerServices;
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

    /// <summary>As a pool that watches its file leaves models behind: each kept its weights until the process ended.</summary>
    [TestMethod]
    public async Task ALeaseThatNobodyDisposed_GivesTheModelBackWhenItIsCollected()
    {
        using var f = new StageFixture(3, ownModel: true);
        var left = LeaveBehind(f.ClipFolder);
        await Until(() => !left.IsAlive);
        Assert.IsFalse(left.IsAlive, "the weights of a model that nobody uses are still held");
    }

    /// <summary>Who took the model out of the lease may be in the middle of a computation when the lease is collected.</summary>
    [TestMethod]
    public async Task AModelWhoseLeaseWasCollected_IsThereForThoseWhoStillUseIt()
    {
        using var f = new StageFixture(3, ownModel: true);
        using var scope = NewDisposeScope();
        var model = TakeWithoutLease(f.ClipFolder);
        await Until(() => Shared(f.ClipFolder) != model);
        Assert.AreNotSame(model, Shared(f.ClipFolder), "the lease was not collected");
        Assert.AreEqual(1f, model.EncodeTexts(["a photo of a cat."]).norm().item<float>(), 1e-5f);
        model.Model.Dispose(); // nobody else does before the collector, which would be in the middle of another test
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference LeaveBehind(string folder) => new(TakeWithoutLease(folder));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ClipBackbone TakeWithoutLease(string folder) => BackboneLease.Take(folder, CPU, new()).Backbone;

    /// <summary>The model that the next who asks is given.</summary>
    private static ClipBackbone Shared(string folder)
    {
        using var lease = BackboneLease.Take(folder, CPU, new());
        return lease.Backbone;
    }

    private static async Task Until(Func<bool> reached)
    {
        for (var i = 0; i < 200 && !reached(); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Run(static () => { }); // behind what the finalizers queued
        }
    }
}
