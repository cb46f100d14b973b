using AirMLNet.Optimisation;

namespace AirMLNet.Tests.Optimisation;

[TestClass]
public sealed class LearningRateScheduleTests
{
    [TestMethod]
    public void Constant_StaysLow_ThenFollowsTheCosine()
    {
        var schedule = new LearningRateSchedule(0.1, 12, 2, 1e-4, WarmUp.Constant);
        Assert.AreEqual(1e-4, schedule.At(0), 1e-12);
        Assert.AreEqual(1e-4, schedule.At(1), 1e-12);
        Assert.AreEqual(0.1, schedule.At(2), 1e-12);
        Assert.AreEqual(0.05, schedule.At(7), 1e-12); // half-way: cos(π/2) = 0
    }

    [TestMethod]
    public void Linear_StartsAtZero_AsThePublishedCodeDoes()
    {
        var schedule = new LearningRateSchedule(0.1, 10, 4, 1e-4, WarmUp.Linear);
        Assert.AreEqual(0, schedule.At(0), 1e-12);
        Assert.AreEqual(0.05, schedule.At(2), 1e-12);
        Assert.AreEqual(0.1, schedule.At(4), 1e-12);
    }
}
