using System.Text;
using Microsoft.ML;

namespace AirMLNet.Tests;

/// <summary>The entry point of the test assembly: loads a saved model in a process of its own and prints its scores.</summary>
public static class ChildProcess
{
    /// <summary>MODEL.zip IMAGE…</summary>
    public static int Main(string[] args)
    {
        if (args.Length == 0) return 0;
        var ml = new MLContext();
        Console.Out.Write(Scores(ml, ml.Model.Load(args[0], out _), args.Skip(1)));
        return 0;
    }

    /// <summary>The bits of every score, through Transform and through PredictionEngine.</summary>
    public static string Scores(MLContext ml, ITransformer model, IEnumerable<string> images)
    {
        PictureRow[] rows = images.Select(path => new PictureRow { ImagePath = path }).ToArray();
        var text = new StringBuilder();
        foreach (float[] score in StageFixture.Vectors(model.Transform(ml.Data.LoadFromEnumerable(rows)), "Score")) Append(text, score);
        using var engine = ml.Model.CreatePredictionEngine<PictureRow, PictureScore>(model);
        foreach (PictureRow row in rows) Append(text, engine.Predict(row).Score);
        return text.ToString();
    }

    private static void Append(StringBuilder text, float[] score)
        => text.AppendJoin(' ', score.Select(s => BitConverter.SingleToUInt32Bits(s).ToString("x8", System.Globalization.CultureInfo.InvariantCulture))).Append('\n');
}
