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
        Airml
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

        Airml.Run("report", model, photos, "-o", folder["report.html"], "--diffusion", TinyModels.Diffusion).Failed(2, "needs --work");
        var said = Airml.Run("report", model, photos, "-o", folder["report.html"], "--json").Succeeded();

        var evaluated = Airml.Run("evaluate", model, photos, "--json").Succeeded();
        var accuracy = JsonDocument.Parse(evaluated).RootElement.GetProperty("accuracy").GetDouble();
        Assert.AreEqual(accuracy, JsonDocument.Parse(said).RootElement.GetProperty("accuracy").GetDouble(), 1e-9);
        var page = File.ReadAllText(folder["report.html"]);
        Assert.Contains("<td>zero-shot (", page);
        Assert.Contains("<th scope=\"row\">seed</th><td>7</td>", page);
        Assert.Contains("<td>12 photos</td>", page);
    }

    [TestMethod]
    public void Report_of_a_model_of_many_labels_reads_a_file_of_labels()
    {
        using var folder = new TemporaryFolder();
        var photos = TinyData.Images(folder["photos"], perClass: 1);
        File.WriteAllLines(folder["captions.txt"], ["a red thing and a blue one", "green", "blue"]);
        File.WriteAllLines(folder["labels.csv"], ["image,labels", "photos/00.png,red;blue", "photos/10.png,green"]);
        string[] train = ["train", "labels", folder["captions.txt"], "--classes", TinyData.Classes(folder["classes.txt"])];
        Airml.Run([.. train, "--clip", TinyModels.Clip, "--epochs", "1", "--seed", "5", "-o", folder["many.zip"]]).Succeeded();
        string[] report = ["report", folder["many.zip"], photos, "-o", folder["report.html"]];

        var said = Airml.Run([.. report, "--labels", folder["labels.csv"], "--json"]).Succeeded();

        var result = JsonDocument.Parse(said).RootElement;
        Assert.AreEqual(3, result.GetProperty("images").GetInt32());
        Assert.AreEqual(2, result.GetProperty("labelled").GetInt32());
        Assert.IsInRange(0, 1, result.GetProperty("meanAveragePrecision").GetDouble());
        var page = File.ReadAllText(folder["report.html"]);
        Assert.Contains("<td>tai-dpt (", page);
        Assert.Contains("<td>3 captions</td>", page);
        Assert.Contains("<th scope=\"row\">seed</th><td>5</td>", page);
        Assert.Contains("mean average precision", Airml.Run([.. report, "--labels", folder["labels.csv"]]).Succeeded());
        Airml.Run([.. report, "--captions", folder["captions.txt"]]).Failed(1, "any number of labels");
        Airml
            .Run("evaluate", folder["many.zip"], TinyData.Images(folder["labelled"], byClass: true))
            .Failed(1, "'airml report --labels FILE'");
        File.AppendAllLines(folder["labels.csv"], ["photos/none.png,red"]);
        Assert.Contains("1 of its rows name none of the photos", Airml.Run([.. report, "--labels", folder["labels.csv"]]).Error);
    }

    [TestMethod]
    public void Report_finds_the_texts_that_the_fit_had_written()
    {
        using var folder = new TemporaryFolder();
        var photos = TinyData.Images(folder["photos"], perClass: 3);
        string[] adapt = ["adapt", photos, "--classes", TinyData.Classes(folder["classes.txt"]), "--clip", TinyModels.Clip];
        var home = ("AIRMLNET_HOME", folder["home"]);
        string[] latte = ["--method", "latteclip", "--captioner", "attributes", "--epochs", "1", "--batch", "6"];
        Airml.Run([home], [.. adapt, .. latte, "-o", folder["latte.zip"]]).Succeeded();
        string[] report = ["report", folder["latte.zip"], photos, "-o", folder["report.html"]];

        Airml.Run([home], report).Succeeded();
        Assert.Contains("9 of 9 photos have texts", File.ReadAllText(folder["report.html"]));

        Airml.Run([("AIRMLNET_HOME", folder["other"])], report).Succeeded();
        Assert.Contains("Give them with --captions PATH", File.ReadAllText(folder["report.html"]));
    }

    [TestMethod]
    public void Predict_names_the_three_best()
    {
        using var folder = new TemporaryFolder();
        var photos = TinyData.Images(folder["photos"], perClass: 1);
        var model = folder["model.zip"];
        Airml
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

        var lines = Airml.Run("predict", model, photos).Succeeded().Split('\n', StringSplitOptions.RemoveEmptyEntries);

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
