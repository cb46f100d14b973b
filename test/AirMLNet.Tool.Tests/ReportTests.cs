using System.Text.Json;
using AirMLNet.Testing;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Tests;

[TestClass]
public sealed class ReportTests
{
    [TestMethod]
    public void Report_writes_a_page_with_recipe_seed_and_accuracy()
    {
        using var folder = new TemporaryFolder();
        var photos = TinyData.Images(folder["photos"], byClass: true);
        var model = folder["model.zip"];
        ToolProcess
            .Run(
                "adapt",
                photos,
                "--classes",
                TinyData.Classes(folder["classes.txt"]),
                "--clip",
                TinyModels.Clip,
                "--method",
                "zero-shot",
                "--seed",
                "7",
                "-o",
                model
            )
            .Succeeded();

        var said = ToolProcess.Run("report", model, photos, "-o", folder["report.html"], "--json").Succeeded();

        var evaluated = ToolProcess.Run("evaluate", model, photos, "--json").Succeeded();
        var accuracy = JsonDocument.Parse(evaluated).RootElement.GetProperty("accuracy").GetDouble();
        Assert.AreEqual(accuracy, JsonDocument.Parse(said).RootElement.GetProperty("accuracy").GetDouble(), 1e-9);
        var page = File.ReadAllText(folder["report.html"]);
        Assert.Contains("<td>zero-shot (", page);
        Assert.Contains("<th scope=\"row\">seed</th><td>7</td>", page);
        Assert.Contains("<td>12 photos</td>", page);
    }

    [TestMethod]
    public void Predict_names_the_three_best()
    {
        using var folder = new TemporaryFolder();
        var photos = TinyData.Images(folder["photos"], perClass: 1);
        var model = folder["model.zip"];
        ToolProcess
            .Run(
                "adapt",
                photos,
                "--classes",
                TinyData.Classes(folder["classes.txt"]),
                "--clip",
                TinyModels.Clip,
                "--method",
                "zero-shot",
                "-o",
                model
            )
            .Succeeded();

        var lines = ToolProcess.Run("predict", model, photos).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.HasCount(3, lines);
        foreach (var line in lines)
        {
            var parts = line.Split('\t');
            Assert.HasCount(7, parts);
            CollectionAssert.AreEquivalent(TinyData.ClassNames, new[] { parts[1], parts[3], parts[5] });
        }
    }

    [TestMethod]
    public void Progress_for_programs_is_a_line_every_two_seconds_with_rate_and_rest()
    {
        var clock = new HandClock();
        var output = new StringWriter();
        var step = new JsonStep("Encoding", output, clock);

        step.Report(1, 100);
        clock.Seconds = 2;
        step.Report(20, 100, "batch 2");
        clock.Seconds = 3;
        step.Report(30, 100);
        clock.Seconds = 4;
        step.Report(40, 100);

        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.HasCount(2, lines);
        var first = JsonDocument.Parse(lines[0]).RootElement;
        Assert.AreEqual("Encoding", first.GetProperty("progress").GetString());
        Assert.AreEqual("batch 2", first.GetProperty("activity").GetString());
        Assert.AreEqual(10, first.GetProperty("perSecond").GetDouble());
        Assert.AreEqual(8, first.GetProperty("secondsLeft").GetDouble());
        Assert.AreEqual(40, JsonDocument.Parse(lines[1]).RootElement.GetProperty("done").GetDouble());
    }

    [TestMethod]
    public void Every_command_that_takes_time_says_how_to_go_on()
    {
        var without = CommandLine.Build().Subcommands.Where(c => c.Subcommands.Count == 0 && Resumption.Of(c) is null).Select(c => c.Name);

        CollectionAssert.AreEqual(new[] { "doctor" }, without.ToArray());
    }

    private sealed class HandClock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => (long)(Seconds * 1000);
    }
}
