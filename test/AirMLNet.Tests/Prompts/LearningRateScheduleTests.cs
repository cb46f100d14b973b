using AirMLNet.Prompts;

namespace AirMLNet.Tests.Prompts;

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

    [TestMethod]
    public void Options_TakeATenthOfFewEpochs_AndRefuseAWarmUpWithoutTraining()
    {
        var options = new PromptAdapterOptions { ClipFolder = "x", ClassNames = ["a", "b"], Epochs = 20 };
        Assert.AreEqual(2, options.Schedule().WarmUpEpochs);
        Assert.AreEqual(5, (options with { Epochs = 150 }).Schedule().WarmUpEpochs);
        var e = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => (options with { WarmUpEpochs = 20 }).Schedule());
        Assert.Contains("WarmUpEpochs = 20; expected 0..19", e.Message);
    }
}
