using System.Diagnostics;
using System.Runtime.InteropServices;

namespace TorchSharp.Tests;

/// <summary>Live tensors and resident memory over ten thousand steps.</summary>
[TestClass]
[DoNotParallelize]
public class LeakTests
{
    private const int Steps = 10_000;
    private const int Settling = 4_000;

    // The collector takes and gives back regions of 4 MB as it likes; the native heap is exact to 50 bytes per step.
    private const long AllowedResident = 12 << 20, AllowedNative = 50 * Steps;

    public TestContext TestContext { get; set; }

    [TestMethod]
    public void Training_steps_leave_tensors_and_memory_as_they_were()
    {
        using var model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 3));
        using var optimizer = optim.AdamW(model.parameters(), 1e-3, weight_decay: 0.01);
        using var x = randn(16, 8);
        using var y = randint(3, [16]);
        StaysFlat(() =>
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            nn.functional.cross_entropy(model.call(x), y).backward();
            nn.utils.clip_grad_norm_(model.parameters(), 1);
            optimizer.step();
        });
    }

    [TestMethod]
    public void Operators_that_throw_leave_tensors_and_memory_as_they_were()
    {
        using var model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3));
        using var x = randn(16, 8);
        using var bad = randn(5, 7);
        StaysFlat(() =>
        {
            using var scope = NewDisposeScope();
            var output = model.call(x);
            Assert.ThrowsExactly<ExternalException>(() => output.matmul(bad));
            Assert.ThrowsExactly<ExternalException>(() => cat([output, bad]));
            Assert.ThrowsExactly<ExternalException>(() => output.backward());
            Assert.ThrowsExactly<ExternalException>(() => output.view(7, 7));
            Assert.ThrowsExactly<ExternalException>(() => model.call(bad));
        });
    }

    [TestMethod]
    public void Tensors_that_nobody_disposes_are_freed_by_their_finalisers()
    {
        using var x = randn(64, 64);
        Settle();
        var before = Tensor.TotalCount;
        for (var k = 0; k < 200; k++) _ = x * k;
        Settle();
        Assert.IsLessThanOrEqualTo(before + 2, Tensor.TotalCount);
    }

    private void StaysFlat(Action step)
    {
        for (var k = 0; k < Settling; k++) step();
        Settle();
        var (tensors, resident, native) = (Tensor.TotalCount, Resident(), NativeHeap());
        for (var k = 0; k < Steps; k++) step();
        Assert.AreEqual(tensors, Tensor.TotalCount, "live tensors");
        Settle();
        var (grown, leaked) = (Resident() - resident, NativeHeap() - native);
        TestContext.WriteLine($"{Steps} steps: {tensors} live tensors before and after, resident memory {grown / 1024:+0;-0;0} kB, native heap {leaked / 1024:+0;-0;0} kB");
        Assert.IsLessThan(AllowedNative, leaked, "native heap");
        Assert.IsLessThan(AllowedResident, grown, "resident memory");
    }

    private static void Settle()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    private static long Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    // Bytes that the C library has handed out, in its heaps and as mappings of their own.
    private static long NativeHeap()
    {
        var info = mallinfo2();
        return (long)(info.uordblks + info.hblkhd);
    }

    [DllImport("libc")]
    private static extern MallInfo mallinfo2();

    [StructLayout(LayoutKind.Sequential)]
    private struct MallInfo
    {
        public nuint arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
    }
}
