using static TorchSharp.torch;

namespace AirMLNet.Tests.Native;

/// <summary>
/// What the build changes in its copy of TorchSharp.dll (<c>PatchTorchSharp</c> in eng/BuildTasks) is needed, and is enough.
/// </summary>
[TestClass]
[DoNotParallelize] // keeps the collector busy
public sealed class ScalarLifetimeTests
{
    private const int Threads = 6,
        Rounds = 10_000;

    [TestMethod]
    public void NumbersAreNotFreed_WhileAnOperatorReadsThem()
    {
        using var one = ones(16);
        var done = false;
        var collectors = Start(() =>
        {
            while (!Volatile.Read(ref done))
            {
                for (var i = 0; i < 200; i++)
                {
                    GC.KeepAlive(new byte[2000]);
                }
                GC.Collect(0);
            }
        });
        var (wrong, errors) = (0, new System.Collections.Concurrent.ConcurrentBag<Exception>());
        var workers = Start(() =>
        {
            try
            {
                for (var i = 0; i < Rounds; i++)
                {
                    using var sum = one.add(one);
                    using var product = sum.mul(0.5);
                    using var result = product.add(2.5f);
                    if (result.data<float>()[0] != 3.5f)
                    {
                        Interlocked.Increment(ref wrong);
                    }
                }
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                errors.Add(e);
            }
        });
        Array.ForEach(workers, t => t.Join());
        Volatile.Write(ref done, true);
        Array.ForEach(collectors, t => t.Join());

        Assert.IsEmpty(errors, errors.FirstOrDefault()?.Message);
        Assert.AreEqual(0, wrong);
    }

    private static Thread[] Start(Action action)
    {
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() => action()))];
        Array.ForEach(threads, t => t.Start());
        return threads;
    }
}
