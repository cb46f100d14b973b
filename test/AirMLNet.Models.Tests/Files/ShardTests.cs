using AirMLNet.Files;

namespace AirMLNet.Tests.Files;

[TestClass]
public sealed class ShardTests
{
    [TestMethod]
    [DataRow(1, 10)]
    [DataRow(3, 10)]
    [DataRow(7, 10)]
    [DataRow(16, 3)]
    public void EveryPiece_IsOfOnePart(int parts, int count)
    {
        var all = Enumerable.Range(1, parts).Select(part => new Shard(part, parts)).ToList();
        foreach (var piece in Enumerable.Range(0, count))
        {
            Assert.HasCount(1, all.Where(s => s.Owns(piece)));
        }

        CollectionAssert.AreEqual(
            Enumerable.Range(0, count).ToArray(),
            all.SelectMany(s => Enumerable.Range(0, count).Take(s.RangeOf(count))).ToArray(),
            "joined in order they are all pieces"
        );
        var sizes = all.Select(s => Enumerable.Range(0, count).Take(s.RangeOf(count)).Count()).ToList();
        Assert.IsLessThanOrEqualTo(1, sizes.Max() - sizes.Min());
    }

    [TestMethod]
    public void WhatIsWritten_IsRead()
    {
        Assert.AreEqual(new Shard(3, 16), Shard.Parse("3/16", _ => null));
        Assert.AreEqual("3/16", new Shard(3, 16).ToString());
        Assert.IsTrue(Shard.Parse("1/1", _ => null).IsWhole);
        foreach (
            var wrong in new[] { "", "3", "0/4", "5/4", "3/", "/4", "a/4", "3/b", "-1/4", "3/4/5", "1/100001", "auto/", "auto/x", "auto/0" }
        )
        {
            Assert.Contains(
                "3/16",
                Assert
                    .ThrowsExactly<FormatException>(() => Shard.Parse(wrong, n => n == "JOB_COMPLETION_INDEX" ? "0" : null), wrong)
                    .Message
            );
        }

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new Shard(4, 3));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new Shard(1, 0));
    }

    [TestMethod]
    public void ACluster_SaysWhichPartItIs()
    {
        // Kubernetes counts from 0 and does not say how many there are.
        Assert.AreEqual(new Shard(1, 4), Shard.Parse("auto/4", Set(("JOB_COMPLETION_INDEX", "0"))));
        Assert.AreEqual(new Shard(4, 4), Shard.Parse("auto/4", Set(("JOB_COMPLETION_INDEX", "3"))));
        Refused("auto", "auto/N", ("JOB_COMPLETION_INDEX", "3"));
        Refused("auto/4", "which is none of 4 parts", ("JOB_COMPLETION_INDEX", "4"));
        Refused("auto/4", "JOB_COMPLETION_INDEX is 'x'", ("JOB_COMPLETION_INDEX", "x"));

        // Slurm's arrays begin where the user says and may have a step.
        (string, string)[] array = [("SLURM_ARRAY_TASK_MIN", "10"), ("SLURM_ARRAY_TASK_STEP", "5"), ("SLURM_ARRAY_TASK_COUNT", "3")];
        Assert.AreEqual(new Shard(1, 3), Shard.Parse("auto", Set([("SLURM_ARRAY_TASK_ID", "10"), .. array])));
        Assert.AreEqual(new Shard(3, 3), Shard.Parse("auto", Set([("SLURM_ARRAY_TASK_ID", "20"), .. array])));
        Assert.AreEqual(new Shard(2, 8), Shard.Parse("auto/8", Set(("SLURM_ARRAY_TASK_ID", "1"))));
        Refused("auto", "SLURM_ARRAY_TASK_COUNT is not set", ("SLURM_ARRAY_TASK_ID", "1"));
        Refused("auto/2", "SLURM_ARRAY_TASK_ID is 9", ("SLURM_ARRAY_TASK_ID", "9"));

        // Some of an array's jobs alone: their numbers do not say which parts they are.
        (string, string)[] one = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_MIN", "7"), ("SLURM_ARRAY_TASK_COUNT", "1")];
        Refused("auto/16", "the array has 1 jobs and the work 16 parts", one);
        (string, string)[] gaps =
        [
            ("SLURM_ARRAY_TASK_ID", "3"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_MAX", "7"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
        ];
        Refused("auto", "the array's numbers, 3 from 1 to 7, have gaps", gaps);
        Assert.AreEqual(
            new Shard(2, 3),
            Shard.Parse("auto", Set([("SLURM_ARRAY_TASK_ID", "4"), ("SLURM_ARRAY_TASK_STEP", "3"), .. gaps[1..]]))
        );
        Refused("auto/2", "SLURM_ARRAY_TASK_ID is 0", ("SLURM_ARRAY_TASK_ID", "0"), ("SLURM_ARRAY_TASK_MIN", "1"));
        Refused("auto/4", "both JOB_COMPLETION_INDEX and SLURM_ARRAY_TASK_ID", ("JOB_COMPLETION_INDEX", "0"), ("SLURM_ARRAY_TASK_ID", "1"));
        Refused("auto/2", "neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID");
    }

    private static void Refused(string text, string why, params (string, string)[] variables) =>
        Assert.Contains(why, Assert.ThrowsExactly<FormatException>(() => Shard.Parse(text, Set(variables))).Message);

    private static Func<string, string?> Set(params (string Name, string Value)[] variables) =>
        name => Array.Find(variables, v => v.Name == name).Value;
}
