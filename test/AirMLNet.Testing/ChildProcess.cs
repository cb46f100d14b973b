using System.Diagnostics;
using System.Text;
using AirMLNet.Images;
using Microsoft.ML;

namespace AirMLNet.Testing;

/// <summary>The entry point of the test assembly: what tests do in a process of its own.</summary>
public static class ChildProcess
{
    /// <summary>
    /// MODEL.zip IMAGE… prints the scores of a saved model; --transform MODEL.zip INPUT.idv OUTPUT.txt … writes what saved models
    /// make of saved data; --synthesis ROOT WORK ACTIVITY DONE and --captions ROOT WORK DONE are killed in the middle of a fit;
    /// --image-memory WARM-UP IMAGE
    /// prints the memory that an image takes at its highest.
    /// </summary>
    public static int Main(string[] args)
    {
        if (args.Length == 0)
        {
            return 0;
        }

        if (args is ["--synthesis", var root, var work, var activity, var done])
        {
            SynthesisFixture.FitUntil(root, work, activity, int.Parse(done, System.Globalization.CultureInfo.InvariantCulture));
            return 0;
        }
        if (args is ["--captions", var pictures, var texts, var many])
        {
            CaptionFixture.WriteUntil(pictures, texts, int.Parse(many, System.Globalization.CultureInfo.InvariantCulture));
            return 0;
        }
        if (args is ["--transform", .. var files])
        {
            foreach (var three in files.Chunk(3))
            {
                File.WriteAllText(three[2], Transformed(new MLContext(), three[0], three[1]));
            }

            return 0;
        }
        if (args is ["--image-memory", var warmUp, var image])
        {
            ImageFile.Load(warmUp);
            var before = Environment.WorkingSet;
            ImageFile.Load(image);
            Console.Out.Write(Process.GetCurrentProcess().PeakWorkingSet64 - before);
            return 0;
        }
        var ml = new MLContext();
        Console.Out.Write(Scores(ml, ml.Model.Load(args[0], out _), args.Skip(1)));
        return 0;
    }

    /// <summary>Runs this in a process of its own.</summary>
    public static (int ExitCode, string Output, string Error) Run(params string[] args)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } p && Path.GetFileNameWithoutExtension(p) == "dotnet" ? p : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        // Models that are embedded are unpacked there and not in the home of whoever runs the tests.
        start.Environment.TryAdd("AIRMLNET_HOME", Path.Combine(TinyModels.Root, "home"));
        foreach (var argument in args)
        {
            start.ArgumentList.Add(argument);
        }

        (var name, var value) = TinyModels.Share;
        start.Environment[name] = value;
        using var child = Process.Start(start)!;
        var errors = child.StandardError.ReadToEndAsync();
        var output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return (child.ExitCode, output, errors.Result);
    }

    /// <summary>The schema and every value of what a saved model makes of data that were saved as binary.</summary>
    public static string Transformed(MLContext ml, string model, string input)
    {
        var output = ml.Model.Load(model, out _).Transform(ml.Data.LoadFromBinary(input));
        return StagePrint.Describe(output.Schema) + "\n" + StagePrint.Values(output);
    }

    /// <summary>The bits of every score, through Transform and through PredictionEngine.</summary>
    public static string Scores(MLContext ml, ITransformer model, IEnumerable<string> images)
    {
        var rows = images.Select(path => new PictureRow { ImagePath = path }).ToArray();
        var text = new StringBuilder();
        foreach (var score in StageFixture.Vectors(model.Transform(ml.Data.LoadFromEnumerable(rows)), "Score"))
        {
            Append(text, score);
        }

        using var engine = ml.Model.CreatePredictionEngine<PictureRow, PictureScore>(model);
        foreach (var row in rows)
        {
            Append(text, engine.Predict(row).Score);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, float[] score) =>
        text.AppendJoin(
                ' ',
                score.Select(s => BitConverter.SingleToUInt32Bits(s).ToString("x8", System.Globalization.CultureInfo.InvariantCulture))
            )
            .Append('\n');
}
